package pickle

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var errEscape = errors.New("it has a string with a broken escape")

// unescapeBytea undoes the text form of a bytea: \x and hexadecimal digits, or \ooo and \\ among ASCII. False where there is no
// escape, or a broken one.
func unescapeBytea(text []byte) ([]byte, bool) {
	if digits, ok := bytes.CutPrefix(text, []byte(`\x`)); ok {
		raw := make([]byte, hex.DecodedLen(len(digits)))
		_, err := hex.Decode(raw, digits)
		return raw, err == nil
	}
	if bytes.IndexByte(text, '\\') < 0 {
		return nil, false
	}
	raw := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '\\':
			raw = append(raw, text[i])
		case i+1 < len(text) && text[i+1] == '\\':
			raw = append(raw, '\\')
			i++
		case i+3 < len(text):
			b, err := strconv.ParseUint(string(text[i+1:i+4]), 8, 8)
			if err != nil {
				return nil, false
			}
			raw = append(raw, byte(b))
			i += 3
		default:
			return nil, false
		}
	}
	return raw, true
}

// unescapeString undoes repr() of a Python 2 str, without its quotes.
func unescapeString(text []byte) ([]byte, error) {
	raw := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			raw = append(raw, text[i])
			continue
		}
		b, size := escapedByte(text[i+1:])
		switch {
		case size > 0:
			raw = append(raw, b)
			i += size
		case i+1 == len(text), text[i+1] == 'x':
			return nil, errEscape
		default: // no escape: Python leaves it as it is
			raw = append(raw, '\\')
		}
	}
	return raw, nil
}

// escapedByte returns the byte that is meant by what follows a backslash, and how much of it; 0 where it is no escape.
func escapedByte(text []byte) (b byte, size int) {
	if len(text) == 0 {
		return 0, 0
	}
	if i := strings.IndexByte(`\'"abfnrtv`, text[0]); i >= 0 {
		return "\\'\"\a\b\f\n\r\t\v"[i], 1
	}
	base := 8
	var digits []byte
	if text[0] == 'x' {
		if len(text) < 3 {
			return 0, 0
		}
		base, size, digits = 16, 1, text[1:3]
	} else {
		octal := 0
		for octal < min(3, len(text)) && '0' <= text[octal] && text[octal] <= '7' {
			octal++
		}
		digits = text[:octal]
	}
	value, err := strconv.ParseUint(string(digits), base, 16)
	if err != nil {
		return 0, 0
	}
	return byte(value & 0xff), size + len(digits) // as Python does
}

// unescapeUnicode undoes Python 2's raw-unicode-escape: \uXXXX and \UXXXXXXXX behind an odd number of backslashes, any other byte
// a character of Latin-1.
func unescapeUnicode(text []byte) ([]byte, error) {
	var units joiner
	backslashes := 0
	for i := 0; i < len(text); i++ {
		digits := 0
		if text[i] == '\\' {
			backslashes++
			if backslashes%2 == 1 && i+1 < len(text) {
				digits = map[byte]int{'u': 4, 'U': 8}[text[i+1]]
			}
		} else {
			backslashes = 0
		}
		if digits == 0 {
			units.add(rune(text[i]))
			continue
		}
		if i+2+digits > len(text) {
			return nil, errEscape
		}
		r, err := strconv.ParseUint(string(text[i+2:i+2+digits]), 16, 32)
		if err != nil || r > utf8.MaxRune {
			return nil, errEscape
		}
		units.add(rune(r))
		i += 1 + digits
		backslashes = 0
	}
	units.end()
	return units.raw, nil
}

// joiner writes characters in UTF-8 and joins halves of surrogate pairs, as narrow builds of Python wrote them. A half that is alone
// is kept, in what is then no valid UTF-8.
type joiner struct {
	raw  []byte
	high rune // the first half of a pair; 0: none
}

func (j *joiner) add(r rune) {
	if j.high != 0 {
		if joined := utf16.DecodeRune(j.high, r); joined != utf8.RuneError {
			j.raw, j.high = utf8.AppendRune(j.raw, joined), 0
			return
		}
		j.end()
	}
	switch {
	case 0xd800 <= r && r < 0xdc00:
		j.high = r
	case utf16.IsSurrogate(r):
		j.raw = appendSurrogate(j.raw, r)
	default:
		j.raw = utf8.AppendRune(j.raw, r)
	}
}

func (j *joiner) end() {
	if j.high != 0 {
		j.raw, j.high = appendSurrogate(j.raw, j.high), 0
	}
}

// appendSurrogate appends half of a pair as Python 2's UTF-8 has it, which is no valid UTF-8.
func appendSurrogate(raw []byte, r rune) []byte {
	return append(raw, 0xe0|byte(r>>12&0xf), 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
}
