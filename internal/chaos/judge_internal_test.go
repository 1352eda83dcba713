//go:build unix

package chaos

import (
	"testing"
	"time"

	"github.com/pgsession/pgsession/client"
)

const second = time.Second

// before and after are two epochs.
func epochs() (before, after client.Epoch) { return client.Epoch{1}, client.Epoch{2} }

// history is a session opened at 1 s, changed at 2 s and, if it says so, at 3 s, with these answers.
func history(end bool, answers ...answer) *ledger {
	first, _ := epochs()
	l := newLedger(2)
	s := &subject{key: client.Key{1}, writes: []write{
		{Asked: second - 1, Acked: second, Version: 1, Epoch: first},
		{Asked: 2*second - 1, Acked: 2 * second, Version: 2, Epoch: first},
	}}
	if end {
		s.endAsk = 3*second - 1
		s.writes = append(s.writes, write{Asked: s.endAsk, Acked: 3 * second, Version: ended})
	}
	l.subjects = append(l.subjects, s)
	l.took(0, report{Answers: answers})
	return l
}

// said is an answer at some time; from memory, as most are.
func said(at time.Duration, version int64) answer {
	first, _ := epochs()
	a := answer{Sent: at, Got: at + time.Millisecond, Hit: true, Version: version, Epoch: first}
	if version == ended {
		a.Hit, a.Epoch = false, client.Epoch{}
	}
	return a
}

func TestLinearChecker(t *testing.T) {
	t.Parallel()
	_, after := epochs()
	other := said(10*second, 2)
	other.Epoch = after
	for _, c := range []struct {
		name   string
		ledger *ledger
		want   verdict
	}{
		{"nothing", history(false), verdict{}},
		{"young enough", history(false, said(2900*time.Millisecond, 1)), verdict{requests: 1, hits: 1, longest: 900 * time.Millisecond}},
		{"too old", history(false, said(3100*time.Millisecond, 1)), verdict{requests: 1, hits: 1, longest: 1100 * time.Millisecond, old: 1}},
		{"a version nobody acknowledged", history(false, said(9*second, 3)), verdict{requests: 1, hits: 1}},
		{"served after its end", history(true, said(5*second, 2)), verdict{requests: 1, hits: 1, longest: 2 * second, old: 1}},
		{"ended", history(true, said(5*second, ended)), verdict{requests: 1}},
		{"gone without an end", history(false, said(5*second, ended)), verdict{requests: 1, vanished: 1}},
		{"going back", history(false, said(2100*time.Millisecond, 2), said(2200*time.Millisecond, 1)), verdict{requests: 2, hits: 2, longest: 200 * time.Millisecond, backwards: 1}},
		{"coming back", history(true, said(3100*time.Millisecond, ended), said(3200*time.Millisecond, 2)), verdict{requests: 2, hits: 1, longest: 200 * time.Millisecond, backwards: 1}},
		{"of an epoch gone by", history(false, other, said(12*second, 2)), verdict{requests: 2, hits: 2, crossed: 1}},
		{"of an epoch that has just gone by", history(false, other, said(10500*time.Millisecond, 2)), verdict{requests: 2, hits: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.ledger.judge(bounds{lease: second}); got != c.want {
				t.Errorf("%+v, wanted %+v", got, c.want)
			}
		})
	}
}

func TestBarrierLeavesNoTime(t *testing.T) {
	t.Parallel()
	l := history(true, said(3100*time.Millisecond, 2))
	if v := l.judge(bounds{lease: second}); v.stale() != 0 {
		t.Errorf("without a barrier: %+v", v)
	}
	l.subjects[0].writes[2].Barrier = true
	if v := l.judge(bounds{lease: second}); v.unbarred != 1 {
		t.Errorf("%+v", v)
	}
}

func TestLateAnswersFromTheDatabase(t *testing.T) {
	t.Parallel()
	late := said(2100*time.Millisecond, 1)
	late.Hit, late.Got = false, 4*second
	l := history(false, late)
	if v := l.judge(bounds{lease: second}); v.old != 1 {
		t.Errorf("%+v", v)
	}
	if v := l.judge(bounds{lease: second, stops: true}); v.old != 0 {
		t.Errorf("by a process that was suspended: %+v", v)
	}
}

func TestLostCommitsBindNobody(t *testing.T) {
	t.Parallel()
	_, after := epochs()
	again := said(9*second, 1)
	again.Epoch = after
	l := history(true, said(5*second, ended), again)
	if v := l.judge(bounds{lease: second, forgets: true}); v.old != 1 {
		t.Errorf("before anything is lost: %+v", v)
	}
	lost := l.lose(8*second, state{client.Key{1}: 1}, state{client.Key{1}: 1})
	if (lost != losses{changes: 1, ends: 1}) {
		t.Errorf("%s", lost)
	}
	if v := l.judge(bounds{lease: second, forgets: true}); v.stale() != 0 {
		t.Errorf("%+v", v)
	}
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	l := history(false, said(5*second, 2))
	if _, ok := l.recovered(4 * second); ok {
		t.Error("one of the processes has not served anything")
	}
	l.took(1, report{Answers: []answer{said(6*second, 2)}})
	if d, ok := l.recovered(4 * second); !ok || d != 2*second+time.Millisecond {
		t.Errorf("%s, %t", d, ok)
	}
	if _, ok := l.recovered(7 * second); ok {
		t.Error("nothing was served afterwards")
	}
}

func TestSecondOpinion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		ledger  *ledger
		illegal int
	}{
		{"young enough", history(false, said(2100*time.Millisecond, 2), said(2900*time.Millisecond, 1)), 0},
		{"too old", history(false, said(3100*time.Millisecond, 1)), 1},
		{"ended", history(true, said(3500*time.Millisecond, 2), said(5*second, ended)), 0},
		{"served after its end", history(true, said(5*second, 2)), 1},
		{"from the future", history(false, said(1500*time.Millisecond, 2)), 1},
		{"never made", history(false, said(5*second, 3)), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			illegal, undecided := c.ledger.secondOpinion(bounds{lease: second})
			if illegal != c.illegal || undecided != 0 {
				t.Errorf("%d illegal, %d undecided", illegal, undecided)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	good := Row{Requests: 2, Hits: 1}
	for _, c := range []struct {
		name  string
		fault Fault
		row   Row
		bad   bool
	}{
		{"good", Fault{}, good, false},
		{"stale", Fault{}, Row{Requests: 2, Hits: 1, Stale: 1}, true},
		{"nothing from memory", Fault{}, Row{Requests: 2}, true},
		{"a control that is caught", Fault{Control: true}, Row{Requests: 2, Hits: 1, Stale: 1}, false},
		{"a control that is not", Fault{Control: true}, good, true},
		{"skipped", Fault{}, Row{skipped: "why"}, false},
	} {
		if err := problems([]Fault{c.fault}, []Row{c.row}); (err != nil) != c.bad {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
