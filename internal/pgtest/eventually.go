package pgtest

import (
	"cmp"
	"strings"
	"testing"
	"time"
)

// Eventually waits until cond is true, and ends the test if it is not by then; what says in the message what was waited
// for. It asks every few milliseconds, so it is for what nobody signals: the state of an operating system's process, a
// row of a PostgreSQL view. Call it from the test's own goroutine.
func Eventually(t testing.TB, timeout time.Duration, cond func() bool, what ...string) {
	t.Helper()
	const pause = 5 * time.Millisecond
	deadline := time.Now().Add(timeout)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", timeout, cmp.Or(strings.Join(what, " "), "what the test waits for"))
		}
		time.Sleep(pause)
	}
}
