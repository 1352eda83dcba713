package client

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Snapshot is a pg_snapshot: which transactions had been decided at some moment. As a cursor it tells
// which changes a process has seen. It is comparable; the zero value is no snapshot (null in SQL).
type Snapshot struct {
	text       string // xmin:xmax:xip,… with what is in progress in rising order
	xmin, xmax uint64
}

// ParseSnapshot reads the text of a pg_snapshot, and refuses what PostgreSQL would.
func ParseSnapshot(s string) (Snapshot, error) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return Snapshot{}, fmt.Errorf("pgsession: parse snapshot %q: not of the form xmin:xmax:xip", s)
	}
	snapshot := Snapshot{text: s}
	var err error
	if snapshot.xmin, err = strconv.ParseUint(parts[0], 10, 64); err != nil {
		return Snapshot{}, fmt.Errorf("pgsession: parse snapshot: xmin: %w", err)
	}
	if snapshot.xmax, err = strconv.ParseUint(parts[1], 10, 64); err != nil {
		return Snapshot{}, fmt.Errorf("pgsession: parse snapshot: xmax: %w", err)
	}
	if snapshot.xmin == 0 || snapshot.xmin > snapshot.xmax {
		return Snapshot{}, fmt.Errorf("pgsession: parse snapshot %q: xmin is 0 or above xmax", s)
	}
	least := snapshot.xmin
	for text := range splitList(parts[2]) {
		xip, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return Snapshot{}, fmt.Errorf("pgsession: parse snapshot: xip: %w", err)
		}
		if xip < least || xip >= snapshot.xmax {
			return Snapshot{}, fmt.Errorf("pgsession: parse snapshot %q: xip is not in order between xmin and xmax", s)
		}
		least = xip
	}
	return snapshot, nil
}

// Xmin returns the lowest transaction that was in progress: all below had been decided.
func (s Snapshot) Xmin() uint64 { return s.xmin }

// Xmax returns the first transaction that had not begun.
func (s Snapshot) Xmax() uint64 { return s.xmax }

// Sees reports whether a transaction had been decided, so that what it committed was visible.
func (s Snapshot) Sees(xid uint64) bool {
	if xid < s.xmin || xid >= s.xmax {
		return xid < s.xmin
	}
	for running := range s.Running() {
		if running == xid {
			return false
		}
	}
	return true
}

// Running iterates over the transactions that were in progress, in rising order.
func (s Snapshot) Running() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for xip := range splitList(s.text[strings.LastIndexByte(s.text, ':')+1:]) {
			n, err := strconv.ParseUint(xip, 10, 64)
			if err == nil && !yield(n) { // ParseSnapshot has let nothing else in
				return
			}
		}
	}
}

// IsZero reports whether s is the zero value, which is no snapshot.
func (s Snapshot) IsZero() bool { return s == Snapshot{} }

// String returns the text of the pg_snapshot, "" for none.
func (s Snapshot) String() string { return s.text }

// splitList iterates over a comma-separated list, which may be empty.
func splitList(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if list == "" {
			return
		}
		strings.SplitSeq(list, ",")(yield)
	}
}
