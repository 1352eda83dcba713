// Package mergepatch applies JSON merge patches (RFC 7396) as the database's function session_merge does: for who has to know the
// result before it is saved.
package mergepatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// MaxDepth is how deep a patch's objects may be nested, the outermost counted.
const MaxDepth = 100

// The errors of [Apply].
var (
	ErrPatch   = errors.New("invalid patch: a merge patch (RFC 7396) is a JSON object")
	ErrTarget  = errors.New("what is to be patched is no JSON object")
	ErrTooDeep = errors.New("patch nested too deeply: objects may be nested 100 deep")
)

// Apply returns target, a JSON object, with patch merged into it: null removes a member, an object merges into one, anything else
// replaces. Numbers keep every digit. It changes neither argument.
func Apply(target, patch []byte) ([]byte, error) {
	into, ok := decode(target)
	if !ok {
		return nil, ErrTarget
	}
	from, ok := decode(patch)
	if !ok {
		return nil, ErrPatch
	}
	if err := merge(into, from, MaxDepth); err != nil {
		return nil, err
	}
	return json.Marshal(into)
}

// decode reads one JSON object and nothing after it.
func decode(text []byte) (map[string]any, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil || object == nil {
		return nil, false
	}
	_, err := decoder.Token()
	return object, errors.Is(err, io.EOF)
}

// merge merges a patch into an object, in place. depth is how much deeper the patch may go.
func merge(into, patch map[string]any, depth int) error {
	if depth == 0 {
		return ErrTooDeep
	}
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(into, name)
		case map[string]any:
			member, ok := into[name].(map[string]any)
			if !ok {
				member = map[string]any{} // also rids what is new of its nulls
			}
			if err := merge(member, value, depth-1); err != nil {
				return err
			}
			into[name] = member
		default:
			into[name] = value
		}
	}
	return nil
}
