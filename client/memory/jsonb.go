package memory

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The reasons why jsonb refuses a text.
var (
	errNotJSON   = errors.New("it is not JSON")
	errNotUTF8   = errors.New("it is not valid UTF-8")
	errNUL       = errors.New(`PostgreSQL cannot store the character \u0000`)
	errSurrogate = errors.New(`a \u escape is half a surrogate pair`)
	errNumber    = errors.New("a number is out of range")
)

// parse reads a text as jsonb does: the last of equal names wins, numbers are decimals of any length.
func parse(text string) (any, error) {
	if !utf8.ValidString(text) {
		return nil, errNotUTF8
	}
	if !json.Valid([]byte(text)) {
		return nil, errNotJSON
	}
	if err := checkEscapes(text); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errNotJSON
	}
	return v, normalize(v)
}

// checkEscapes refuses the \u escapes that jsonb does and Go's decoder would replace. text is valid JSON, so that an escape is within
// a string and complete.
func checkEscapes(text string) error {
	const none = -1
	high := none // where an escaped low surrogate has to follow
	for i := 0; i < len(text); i++ {
		if high != none && i == high && !isEscape(text[i:], 0xdc00, 0xdfff) {
			return errSurrogate
		}
		if text[i] != '\\' {
			continue
		}
		switch {
		case isEscape(text[i:], 0, 0):
			return errNUL
		case isEscape(text[i:], 0xd800, 0xdbff):
			high = i + len(`\ud800`)
		case isEscape(text[i:], 0xdc00, 0xdfff) && i != high:
			return errSurrogate
		}
		i++ // what is escaped is no escape
	}
	return nil
}

// isEscape reports whether text begins with \u and a code unit within bounds.
func isEscape(text string, from, to uint64) bool {
	if len(text) < len(`\u0000`) || text[:2] != `\u` {
		return false
	}
	unit, err := strconv.ParseUint(text[2:6], 16, 16)
	return err == nil && from <= unit && unit <= to
}

// normalize rewrites all numbers in a value as PostgreSQL's numeric does.
func normalize(v any) error {
	var err error
	each := func(member any, set func(any)) {
		if n, ok := member.(json.Number); ok {
			text, ok := numeric(n.String())
			if !ok {
				err = errNumber
			}
			set(json.Number(text))
		} else if e := normalize(member); e != nil {
			err = e
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			each(member, func(n any) { v[name] = n })
		}
	case []any:
		for i, member := range v {
			each(member, func(n any) { v[i] = n })
		}
	}
	return err
}

// write writes a value as jsonb is shown: names by length, then by their bytes, one space after a colon or a comma.
func write(v any) []byte { return appendValue(nil, v) }

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case map[string]any:
		names := slices.SortedFunc(maps.Keys(v), func(a, b string) int {
			return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
		})
		b = append(b, '{')
		for i, name := range names {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(appendString(b, name), ": "...)
			b = appendValue(b, v[name])
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, member := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendValue(b, member)
		}
		return append(b, ']')
	case string:
		return appendString(b, v)
	case nil:
		return append(b, "null"...)
	default: // a bool or a json.Number
		return fmt.Append(b, v)
	}
}

// appendString escapes what PostgreSQL escapes and nothing more.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			if c < ' ' {
				b = fmt.Appendf(b, `\u%04x`, c)
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}
