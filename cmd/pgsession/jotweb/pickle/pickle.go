// Package pickle reads what Python's pickle module wrote with protocols 0 to 2, as programs of 2003 did, into JSON. Nothing that a
// pickle asks for is ever executed or looked up: an instance of a class is remembered by the name of the class and left out.
//
// The machine that a pickle is a program for is github.com/nlpodyssey/gopickle, which keeps the identity of lists and dicts, so that
// one that occurs twice, or within itself, is what it was. In front of it stands a reader of our own ([normalize]): it checks every
// argument against what is there before anything is allocated for it, decodes protocol 0's strings, which gopickle leaves as they
// are, and keeps str and unicode apart.
package pickle

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/nlpodyssey/gopickle/pickle"
)

// What a pickle may ask for. A payload of the default payload_max (64 KiB) is far below all of it; the worst that fits takes some
// 100 MiB of memory for a moment.
const (
	maxBytes  = 1 << 20 // of the pickle, and of the JSON
	maxSteps  = 1 << 18 // opcodes
	maxMarks  = 1000    // open at the same time
	maxDepth  = 100     // of dicts and lists within each other: what session_merge takes, too
	maxDigits = 4300    // of a number: Python's own limit
)

// ErrUnreadable is that the text is no pickle of a dict, or of another protocol, or asks for more than it may.
var ErrUnreadable = errors.New("payload cannot be read")

// Result is a payload read.
type Result struct {
	JSON []byte // an object
	// Lost counts what JSON cannot hold and was left out, by what it was, such as "datetime.datetime". In a list null stands in its
	// place.
	Lost map[string]int
	// Latin1 counts strings that are not UTF-8 and were read as Latin-1.
	Latin1 int
}

// Read converts a pickled dict. Text is what the database stored: the pickle itself, or its bytes escaped as PostgreSQL and its
// drivers escape a bytea (\ooo or \x…). An error is [ErrUnreadable] and quotes nothing of the pickle. Read is safe for concurrent
// use.
func Read(text []byte) (Result, error) {
	if len(text) > 4*maxBytes { // as octal escapes
		return Result{}, fmt.Errorf("%w: it is larger than %d bytes", ErrUnreadable, maxBytes)
	}
	program, err := plainOrEscaped(text)
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	value, err := run(program)
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	w := writer{open: map[any]bool{}, lost: map[string]int{}}
	if err := w.payload(value); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return Result{JSON: w.json, Lost: w.lost, Latin1: w.latin1}, nil
}

// plainOrEscaped returns the normalized program. A pickle is a program to its last byte, so that hardly any is one both plain and
// escaped; plain goes first.
func plainOrEscaped(text []byte) ([]byte, error) {
	program, err := normalize(text)
	if err == nil {
		return program, nil
	}
	if raw, ok := unescapeBytea(text); ok {
		return normalize(raw)
	}
	return nil, err
}

// errNonsense is all that is told of a program that makes no sense: the machine's own errors quote values.
var errNonsense = errors.New("it is damaged, or no pickle")

// run has the machine execute a normalized program.
func run(program []byte) (value any, err error) {
	// The machine indexes and asserts where a program is not what Python writes.
	defer func() {
		if recover() != nil {
			value, err = nil, errNonsense
		}
	}()
	machine := pickle.NewUnpickler(bytes.NewReader(program))
	machine.FindClass = func(module, name string) (any, error) {
		return &class{name: strings.TrimPrefix(module, foreign) + "." + name}, nil
	}
	machine.PersistentLoad = func(any) (any, error) { return &object{class: "a persistent reference"}, nil }
	machine.GetExtension = func(int) (any, error) { return &class{name: "an extension"}, nil }
	value, err = machine.Load()
	if err != nil {
		return nil, errNonsense
	}
	return value, nil
}
