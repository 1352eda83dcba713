package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
)

// The opcodes whose arguments are looked at, by the names of Python's pickletools.
const (
	opMark           = '('
	opStop           = '.'
	opFloat          = 'F'
	opInt            = 'I'
	opLong           = 'L'
	opLong1          = '\x8a'
	opLong4          = '\x8b'
	opString         = 'S'
	opShortBinString = 'U'
	opBinString      = 'T'
	opUnicode        = 'V'
	opBinUnicode     = 'X'
	opPersID         = 'P'
	opGlobal         = 'c'
	opInst           = 'i'
	opGet            = 'g'
	opBinGet         = 'h'
	opLongBinGet     = 'j'
	opPut            = 'p'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opProto          = '\x80'

	opBinBytes = 'B' // of protocol 3: how the machine is given a str
)

// Those without an argument; those that take everything down to the last mark; those with one of a fixed size.
const (
	opsAlone   = "012NRQabd}el])tsuo\x81\x85\x86\x87\x88\x89"
	opsToMark  = "1delotui"
	opsOneByte = "K\x82"
	opsTwo     = "M\x83"
	opsFour    = "J\x84"
	opsEight   = "G"
)

// foreign is put before the names of modules, so that the machine takes none for one that it knows.
const foreign = "python:"

var (
	errOpcode   = errors.New("it is no pickle of protocols 0 to 2")
	errCut      = errors.New("it ends too early")
	errMore     = errors.New("there is something behind its end")
	errNumber   = errors.New("it has a number that is none, or too long")
	errMemo     = errors.New("it refers to something that it has not stored")
	errTooLarge = errors.New("it is too large")
)

// normalizer reads a program opcode by opcode and writes one that the machine understands in full: every length is known to be
// there, every reference to have been stored.
type normalizer struct {
	in    []byte // what is left
	out   []byte
	memo  map[uint32]bool
	marks int // open ones, or more: POP can take one away, too
}

// normalize checks a program of protocols 0 to 2 from its beginning to its end and returns it in fewer opcodes.
func normalize(text []byte) ([]byte, error) {
	if len(text) > maxBytes {
		return nil, errTooLarge
	}
	n := normalizer{in: text, memo: map[uint32]bool{}}
	for range maxSteps {
		op, err := n.take(1)
		if err != nil {
			return nil, err
		}
		if op[0] == opStop {
			// Some drivers and editors leave a newline.
			if len(bytes.TrimRight(n.in, "\n\r \t\x00")) > 0 {
				return nil, errMore
			}
			return append(n.out, opStop), nil
		}
		if err := n.step(op[0]); err != nil {
			return nil, err
		}
		if n.marks > maxMarks {
			return nil, errTooLarge
		}
	}
	return nil, errTooLarge
}

// step translates one opcode.
func (n *normalizer) step(op byte) error {
	switch op {
	case opMark:
		n.marks++
		n.out = append(n.out, op)
		return nil
	case opProto:
		return n.protocol()
	case opFloat, opInt, opLong, opLong1, opLong4:
		return n.number(op)
	case opString, opShortBinString, opBinString, opUnicode, opBinUnicode:
		return n.text(op)
	case opGet, opBinGet, opLongBinGet:
		return n.reference(op, opLongBinGet)
	case opPut, opBinPut, opLongBinPut:
		return n.reference(op, opLongBinPut)
	case opGlobal, opInst:
		return n.global(op)
	case opPersID:
		_, err := n.line()
		n.out = append(n.out, op, '\n')
		return err
	}
	for size, ops := range map[int]string{0: opsAlone, 1: opsOneByte, 2: opsTwo, 4: opsFour, 8: opsEight} {
		if bytes.IndexByte([]byte(ops), op) >= 0 {
			argument, err := n.take(size)
			n.close(op)
			n.out = append(append(n.out, op), argument...)
			return err
		}
	}
	return errOpcode
}

// close counts marks that an opcode takes away.
func (n *normalizer) close(op byte) {
	if bytes.IndexByte([]byte(opsToMark), op) >= 0 {
		n.marks = max(n.marks-1, 0)
	}
}

func (n *normalizer) protocol() error {
	version, err := n.take(1)
	if err == nil && version[0] > 2 {
		return fmt.Errorf("it is of protocol %d: 0 to 2 can be read", version[0])
	}
	return err
}

// number writes whole numbers in decimal, and as not a number what is no float to us.
func (n *normalizer) number(op byte) error {
	var digits []byte
	var err error
	switch op {
	case opLong1, opLong4:
		if digits, err = n.counted(op == opLong1); err != nil {
			return err
		}
		if len(digits) > maxDigits*10/24 { // a byte is 2.4 digits
			return errNumber
		}
		digits = littleEndian(digits).Append(nil, 10)
	default:
		if digits, err = n.line(); err != nil {
			return err
		}
	}
	switch text := string(digits); {
	case op == opFloat:
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			text = "nan"
		}
		n.out = fmt.Appendf(n.out, "F%s\n", text)
	case op == opInt && (text == "00" || text == "01"): // False and True
		n.out = fmt.Appendf(n.out, "I%s\n", text)
	default:
		text = string(bytes.TrimSuffix(digits, []byte("L")))
		if _, ok := new(big.Int).SetString(text[:min(len(text), maxDigits+1)], 10); !ok || len(text) > maxDigits {
			return errNumber
		}
		n.out = fmt.Appendf(n.out, "L%sL\n", text)
	}
	return nil
}

// littleEndian reads a number in two's complement.
func littleEndian(raw []byte) *big.Int {
	reversed := slices.Clone(raw)
	slices.Reverse(reversed)
	i := new(big.Int).SetBytes(reversed)
	if len(raw) > 0 && raw[len(raw)-1] >= 0x80 {
		i.Sub(i, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	return i
}

// text writes a str as bytes and a unicode as UTF-8.
func (n *normalizer) text(op byte) error {
	var raw []byte
	var err error
	switch op {
	case opShortBinString, opBinString, opBinUnicode:
		raw, err = n.counted(op == opShortBinString)
	case opUnicode:
		if raw, err = n.line(); err == nil {
			raw, err = unescapeUnicode(raw)
		}
	case opString:
		if raw, err = n.line(); err == nil {
			raw, err = unquote(raw)
		}
	}
	if err != nil {
		return err
	}
	if op == opUnicode || op == opBinUnicode {
		n.out = append(n.out, opBinUnicode)
	} else {
		n.out = append(n.out, opBinBytes)
	}
	n.out = binary.LittleEndian.AppendUint32(n.out, uint32(len(raw))) //nolint:gosec // of at most maxBytes, or thrice that
	n.out = append(n.out, raw...)
	return nil
}

func unquote(line []byte) ([]byte, error) {
	line = bytes.TrimRight(line, " \r")
	if len(line) < 2 || line[0] != line[len(line)-1] || line[0] != '\'' && line[0] != '"' {
		return nil, errEscape
	}
	return unescapeString(line[1 : len(line)-1])
}

// reference writes what stores in and reads from the memo in one form each.
func (n *normalizer) reference(op, as byte) error {
	var index uint32
	switch op {
	case opGet, opPut:
		line, err := n.line()
		if err != nil {
			return err
		}
		i, err := strconv.ParseUint(string(line), 10, 31)
		if err != nil {
			return errMemo
		}
		index = uint32(i)
	default:
		size := 1
		if op == as {
			size = 4
		}
		argument, err := n.take(size)
		if err != nil {
			return err
		}
		index = binary.LittleEndian.Uint32(append(slices.Clone(argument), 0, 0, 0, 0)[:4])
	}
	if as == opLongBinPut {
		n.memo[index] = true
	} else if !n.memo[index] {
		return errMemo
	}
	n.out = binary.LittleEndian.AppendUint32(append(n.out, as), index)
	return nil
}

// global writes the name of a class so that the machine does not know it.
func (n *normalizer) global(op byte) error {
	module, err := n.line()
	if err != nil {
		return err
	}
	name, err := n.line()
	if err != nil {
		return err
	}
	n.close(op)
	n.out = fmt.Appendf(n.out, "%c%s%s\n%s\n", op, foreign, module, name)
	return nil
}

// take returns the next bytes.
func (n *normalizer) take(size int) ([]byte, error) {
	if size > len(n.in) {
		return nil, errCut
	}
	taken := n.in[:size]
	n.in = n.in[size:]
	return taken, nil
}

// line returns what is before the next newline.
func (n *normalizer) line() ([]byte, error) {
	line, rest, found := bytes.Cut(n.in, []byte("\n"))
	if !found {
		return nil, errCut
	}
	n.in = rest
	return line, nil
}

// counted returns bytes that come after their number.
func (n *normalizer) counted(short bool) ([]byte, error) {
	size := 4
	if short {
		size = 1
	}
	count, err := n.take(size)
	if err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(append(slices.Clone(count), 0, 0, 0, 0)[:4])
	if length > math.MaxInt32 {
		return nil, errCut
	}
	return n.take(int(length))
}
