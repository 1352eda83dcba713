package demo

import (
	"encoding/json"
	"testing"
	"time"
)

const (
	second = time.Second
	lease  = 3 * time.Second
)

// history is a session opened at 1 s, changed at 10 s and 20 s, and ended at 30 s.
func history() *subject {
	s := &subject{}
	s.changed(1, 1*second, 11)
	s.changed(3, 20*second, 33) // answers need not come in the order of their versions
	s.changed(2, 10*second, 22)
	s.willEnd(29 * second)
	s.hasEnded(30 * second)
	return s
}

func TestJudging(t *testing.T) {
	t.Parallel()
	at := func(sent time.Duration, version int64, digest uint64) reading {
		return reading{sent: sent, got: sent + second/10, version: version, digest: digest}
	}
	for _, tt := range []struct {
		name     string
		readings []reading
		want     verdict
	}{
		{"all as acknowledged", []reading{at(2*second, 1, 11), at(11*second, 2, 22), at(21*second, 3, 33), at(31*second, ended, 0)}, verdict{}},
		{"ahead of the acknowledgement", []reading{at(9*second, 2, 22), at(29*second, ended, 0)}, verdict{}},
		{"old within the lease", []reading{at(12*second, 1, 11)}, verdict{oldest: 2 * second}},
		{"old by just the lease", []reading{at(13*second, 1, 11)}, verdict{oldest: 3 * second}},
		{"stale", []reading{at(14*second, 1, 11)}, verdict{oldest: 4 * second, stale: 1}},
		{"two versions behind: since the first", []reading{at(21*second, 1, 11)}, verdict{oldest: 11 * second, stale: 1}},
		{"served after its end", []reading{at(34*second, 3, 33)}, verdict{oldest: 4 * second, stale: 1}},
		{"lost", []reading{at(15*second, ended, 0)}, verdict{lost: 1}},
		{"another payload", []reading{at(15*second, 2, 99)}, verdict{altered: 1}},
		{"a version that nobody heard of is not compared", []reading{at(25*second, 4, 99)}, verdict{}},
		{"backwards", []reading{at(10*second, 2, 22), at(11*second, 1, 11)}, verdict{oldest: second, backwards: 1}},
		{"not backwards if under way at once", []reading{{sent: 10 * second, got: 12 * second, version: 2, digest: 22}, at(11*second, 1, 11)}, verdict{oldest: second}},
		{"not backwards on another process", []reading{at(10*second, 2, 22), {process: 1, sent: 11 * second, got: 11 * second, version: 1, digest: 11}}, verdict{oldest: second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, s := newLedger(), history()
			for _, r := range tt.readings {
				r.subject = s
				l.add(r)
			}
			if got := l.judge(lease); got != tt.want {
				t.Errorf("%+v, wanted %+v", got, tt.want)
			}
		})
	}
}

func TestChangesAnsweredOutOfOrder(t *testing.T) {
	t.Parallel()
	s := &subject{}
	s.changed(1, 1*second, 0)
	s.changed(2, 20*second, 0) // its answer was long under way
	s.changed(3, 10*second, 0)
	l := newLedger()
	l.add(reading{subject: s, sent: 15 * second, got: 16 * second, version: 2})
	if got := l.judge(lease); got.stale != 1 || got.oldest != 5*second {
		t.Errorf("%+v: version 3 had been acknowledged 5 s before", got)
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	l := newLedger()
	if l.digest(json.RawMessage(`{"a": 1, "b": [2]}`)) != l.digest(json.RawMessage(`{"b":[2],"a":1}`)) {
		t.Error("the layout matters")
	}
	if l.digest(json.RawMessage(`{"a":1}`)) == l.digest(json.RawMessage(`{"a":2}`)) {
		t.Error("the content does not matter")
	}
}
