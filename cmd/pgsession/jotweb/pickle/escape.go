package pickle

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
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
	single := map[byte]byte{'\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}
	raw := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			raw = append(raw, text[i])
			continue
		}
		i++
		if i == len(text) {
			return nil, errEscape
		}
		c := text[i]
		switch b, ok := single[c]; {
		case ok:
			raw = append(raw, b)
		case c == 'x':
			if i+2 >= len(text) {
				return nil, errEscape
			}
			b, err := strconv.ParseUint(string(text[i+1:i+3]), 16, 8)
			if err != nil {
				return nil, errEscape
			}
			raw = append(raw, byte(b))
			i += 2
		case '0' <= c && c <= '7':
			end := i + 1
			for end < len(text) && end < i+3 && '0' <= text[end] && text[end] <= '7' {
				end++
			}
			b, _ := strconv.ParseUint(string(text[i:end]), 8, 16)
			raw = append(raw, byte(b)) // as Python does: the low eight bits
			i = end - 1
		default:
			raw = append(raw, '\\', c)
		}
	}
	return raw, nil
}

// unescapeUnicode undoes Python 2's raw-unicode-escape: \uXXXX and \UXXXXXXXX behind an odd number of backslashes, any other byte
// a character of Latin-1. Halves of a surrogate pair, as narrow builds wrote them, are joined; a half that is alone is kept, in
// what is then no valid UTF-8.
func unescapeUnicode(text []byte) ([]byte, error) {
	var raw []byte
	var high rune // the first half of a pair
	add := func(r rune) {
		if high != 0 {
			if joined := utf16.DecodeRune(high, r); joined != utf8.RuneError {
				raw, high = utf8.AppendRune(raw, joined), 0
				return
			}
			raw, high = appendSurrogate(raw, high), 0
		}
		switch {
		case 0xd800 <= r && r < 0xdc00:
			high = r
		case utf16.IsSurrogate(r):
			raw = appendSurrogate(raw, r)
		default:
			raw = utf8.AppendRune(raw, r)
		}
	}
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
			add(rune(text[i]))
			continue
		}
		if i+2+digits > len(text) {
			return nil, errEscape
		}
		r, err := strconv.ParseUint(string(text[i+2:i+2+digits]), 16, 32)
		if err != nil || r > utf8.MaxRune {
			return nil, errEscape
		}
		add(rune(r))
		i += 1 + digits
		backslashes = 0
	}
	if high != 0 {
		raw = appendSurrogate(raw, high)
	}
	return raw, nil
}

// appendSurrogate appends half of a pair as Python 2's UTF-8 has it, which is no valid UTF-8.
func appendSurrogate(raw []byte, r rune) []byte {
	return append(raw, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
}
