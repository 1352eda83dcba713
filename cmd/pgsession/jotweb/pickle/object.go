package pickle

import (
	"github.com/nlpodyssey/gopickle/types"
	"golang.org/x/text/encoding/charmap"
)

// class is what a pickle names by module and name: a class or a function. Nothing is looked up.
type class struct{ name string }

var (
	_ types.Callable  = (*class)(nil)
	_ types.PyNewable = (*class)(nil)
)

// Call makes an object without calling anything.
func (c *class) Call(args ...any) (any, error) { return c.PyNew(args...) }

// PyNew makes an object without calling anything. copy_reg._reconstructor is how protocols 0 and 1 write an object of the class
// that is its first argument; the two others are how Python 3 writes bytes, which are Python 2's str.
func (c *class) PyNew(args ...any) (any, error) {
	switch {
	case c.name == "copy_reg._reconstructor" && len(args) > 0:
		if of, ok := args[0].(*class); ok {
			return &object{class: of.name}, nil
		}
	case c.name == "_codecs.encode" && len(args) == 2:
		if text, ok := args[0].(string); ok && args[1] == "latin1" {
			if raw, err := charmap.ISO8859_1.NewEncoder().String(text); err == nil {
				return []byte(raw), nil
			}
		}
	case c.name == "__builtin__.bytes" && len(args) == 0:
		return []byte{}, nil
	}
	return &object{class: c.name}, nil
}

// object is an instance, whatever it holds. It takes all that a pickle does to one, and keeps none of it.
type object struct{ class string }

var (
	_ types.PyStateSettable = (*object)(nil)
	_ types.ListAppender    = (*object)(nil)
	_ types.DictSetter      = (*object)(nil)
)

// PySetState is what __setstate__ would get.
func (*object) PySetState(any) error { return nil }

// Append is what an instance of a subclass of list would get.
func (*object) Append(any) {}

// Set is what an instance of a subclass of dict would get.
func (*object) Set(_, _ any) {}
