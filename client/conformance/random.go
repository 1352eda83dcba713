package conformance

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// randomBudget is how long Random draws new sequences, once it has made randomLeast of them, in rounds of 100 (-rapid.checks). A
// failure is made short however long that takes.
const (
	randomBudget = 5 * time.Second
	randomLeast  = 50
	randomRounds = 10
)

// lengths are those of sequences. They are chosen from, because rapid's own choice is mostly short.
func lengths() []int { return []int{1, 10, 20, 20, 30, 40, 40, 60} }

// Random makes the same random sequences of calls on two stores and wants the same answers, after each call and at the end: a
// reference that is trusted, typically client/memory, and a subject. IDs, keys, tokens, times and absolute versions may differ;
// everything else may not. The first difference is shortened to the few calls that it takes, and shown with all answers.
//
// It takes about five seconds, or less for stores in memory; -rapid.checks, -rapid.seed and the other flags of pgregory.net/rapid work. The two fixtures may share a
// database. Calls for which either fixture has no function are not made.
func Random(t *testing.T, newReference, newSubject func(t *testing.T) Fixture) {
	t.Helper()
	reference, subject := newTrial(t, newReference(t)).Fixture, newTrial(t, newSubject(t)).Fixture
	call := operations(reference, subject)
	began, made, failed := time.Now(), 0, false
	check := func(rt *rapid.T) {
		if !failed && made >= randomLeast && time.Since(began) > randomBudget {
			return
		}
		made++
		length := rapid.SampledFrom(lengths()).Draw(rt, "length")
		calls := rapid.SliceOfN(call, length, length).Draw(rt, "calls")
		if difference := compare(rt, reference, subject, calls); difference != "" {
			failed = true
			rt.Fatal(difference)
		}
	}
	for range randomRounds {
		rapid.Check(t, check)
	}
}

// compare makes calls on both stores and tells where they first differ, "" if nowhere.
func compare(rt *rapid.T, reference, subject Fixture, calls []operation) string {
	run := "r-" + strings.ToLower(rand.Text()[:12]) + "-"
	a, b := newSide(rt.Context(), reference, run+"a-"), newSide(rt.Context(), subject, run+"b-")
	if err := a.createUsers(); err != nil {
		return fmt.Sprintf("reference: %v", err)
	}
	if err := b.createUsers(); err != nil {
		return fmt.Sprintf("subject: %v", err)
	}
	var story strings.Builder
	for _, call := range append(calls, operation{"what is there in the end", (*side).everything}) {
		want, got := call.run(a), call.run(b)
		fmt.Fprintf(&story, "%s\n    %s\n", call.name, want)
		if got != want {
			return fmt.Sprintf("the stores differ:\n%s    above the reference's answer; the subject's:\n    %s", story.String(), got)
		}
	}
	return ""
}
