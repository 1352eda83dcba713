package pickle

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nlpodyssey/gopickle/types"
	"golang.org/x/text/encoding/charmap"
)

// What can be lost, as it is told, beside instances of classes.
const (
	lostNumber    = "a number that is not finite"
	lostNUL       = "text with U+0000"
	lostSurrogate = "text with half a surrogate pair"
	lostCycle     = "a value within itself"
	lostDepth     = "a value nested too deeply"
	lostKey       = "a dict's key that is no text or number"
	lostTwice     = "a dict's key that is another's text"
	lostClass     = "a class or function"
)

// An outsider's text comes into the report only if it is a Python name.
var pythonName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]{0,99}$`)

// writer writes a value as JSON.
type writer struct {
	json   []byte
	open   map[any]bool // the lists and dicts that are being written
	visits int          // values looked at; shared ones each time
	lost   map[string]int
	latin1 int
}

func (w *writer) payload(value any) error {
	dict, ok := value.(*types.Dict)
	if !ok {
		return errors.New("it is no dict")
	}
	if lost, err := w.value(dict); err != nil || lost != "" {
		return errors.Join(err, errTooLarge)
	}
	return nil
}

// value writes a value, or nothing and returns what is lost. An error is errTooLarge.
func (w *writer) value(value any) (lost string, err error) {
	w.visits++
	if w.visits > maxSteps || len(w.json) > maxBytes {
		return "", errTooLarge
	}
	switch v := value.(type) {
	case nil, bool, int, *big.Int, float64:
		text, lost := scalar(v)
		w.json = append(w.json, text...)
		return lost, nil
	case string, []byte:
		text, lost := w.text(v)
		if lost != "" {
			return lost, nil
		}
		w.quote(text)
	case *types.List:
		return w.within(v, func() error { return w.list(*v) })
	case *types.Tuple:
		return w.within(v, func() error { return w.list(*v) })
	case *types.Dict:
		return w.within(v, func() error { return w.dict(*v) })
	case *object:
		return className(v.class), nil
	default:
		return lostClass, nil
	}
	return "", nil
}

func className(name string) string {
	if pythonName.MatchString(name) {
		return name
	}
	return "an instance of a class"
}

// within writes a container, unless it is being written already.
func (w *writer) within(container any, write func() error) (lost string, err error) {
	switch {
	case w.open[container]:
		return lostCycle, nil
	case len(w.open) == maxDepth:
		return lostDepth, nil
	}
	w.open[container] = true
	defer delete(w.open, container)
	return "", write()
}

// list writes null for what is lost, so that the others keep their places.
func (w *writer) list(values []any) error {
	w.json = append(w.json, '[')
	for i, value := range values {
		if i > 0 {
			w.json = append(w.json, ',')
		}
		lost, err := w.value(value)
		if err != nil {
			return err
		}
		if lost != "" {
			w.lost[lost]++
			w.json = append(w.json, "null"...)
		}
	}
	w.json = append(w.json, ']')
	return nil
}

// dict leaves out what is lost.
func (w *writer) dict(entries types.Dict) error {
	w.json = append(w.json, '{')
	first := len(w.json)
	written := map[string]bool{}
	for _, entry := range entries {
		before := len(w.json)
		key, lost := w.key(entry.Key)
		if lost == "" && written[key] {
			lost = lostTwice
		}
		if lost == "" {
			if before > first {
				w.json = append(w.json, ',')
			}
			w.quote(key)
			w.json = append(w.json, ':')
			var err error
			if lost, err = w.value(entry.Value); err != nil {
				return err
			}
		}
		if lost != "" {
			w.json = w.json[:before]
			w.lost[lost]++
			w.visits++
			continue
		}
		written[key] = true
	}
	w.json = append(w.json, '}')
	return nil
}

// key is the text of a dict's key, the same that Python's json module makes of it.
func (w *writer) key(key any) (text, lost string) {
	switch key.(type) {
	case string, []byte:
		return w.text(key)
	case nil, bool, int, *big.Int, float64:
		return scalar(key)
	}
	return "", lostKey
}

// scalar is what is neither text nor a container, in JSON.
func scalar(value any) (text, lost string) {
	switch v := value.(type) {
	case nil:
		return "null", ""
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", lostNumber
		}
		return float(v), ""
	default: // true and false, whole numbers
		return fmt.Sprint(v), ""
	}
}

// text is a string of Python's as one of PostgreSQL's: unicode as it is, a str as UTF-8 or else Latin-1.
func (w *writer) text(value any) (text, lost string) {
	switch v := value.(type) {
	case string:
		if text = v; !utf8.ValidString(text) {
			return "", lostSurrogate
		}
	case []byte:
		if text = string(v); !utf8.ValidString(text) {
			w.latin1++
			raw, _ := charmap.ISO8859_1.NewDecoder().Bytes(v) // every byte is a character
			text = string(raw)
		}
	}
	if strings.IndexByte(text, 0) >= 0 {
		return "", lostNUL
	}
	return text, ""
}

// float is a float as JSON, one that a float can be told by.
func float(f float64) string {
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// quote writes valid UTF-8 as JSON.
func (w *writer) quote(text string) {
	quoted, _ := json.Marshal(text) //nolint:errchkjson // a string can always be marshalled
	w.json = append(w.json, quoted...)
}
