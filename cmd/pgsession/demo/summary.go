package demo

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pgsession/pgsession/internal/console"
)

// summary puts together what the load measured and what the ledger says of it.
func (l *load) summary(v verdict) Summary {
	var hits, misses []time.Duration
	for _, r := range l.readings {
		if r.hit {
			hits = append(hits, r.got-r.sent)
		} else {
			misses = append(misses, r.got-r.sent)
		}
	}
	return Summary{
		Processes:         processes,
		Requests:          len(l.readings),
		Hits:              len(hits),
		HitRatio:          round(ratio(len(hits), len(l.readings)), 4),
		Stale:             v.stale,
		StalenessMaxMS:    milliseconds(v.oldest),
		HitP50us:          round(1000*milliseconds(percentile(hits, 50)), 1),
		MissP50us:         round(1000*milliseconds(percentile(misses, 50)), 1),
		InvalidationP99MS: milliseconds(percentile(l.probes, 99)),
		Statements:        l.statements,
	}
}

// print shows the summary to a person.
func (m Summary) print(say *console.Console, l *load, v verdict, lease time.Duration) {
	took := l.ended - l.began
	say.Step("What came of it")
	row := func(label, format string, args ...any) { say.Say("%-26s %s", label, fmt.Sprintf(format, args...)) }
	row("reads", "%d in %s, %.0f a second, at %d processes", m.Requests, seconds(took), float64(m.Requests)/took.Seconds(), m.Processes)
	row("from memory", "%d, that is %.1f %%", m.Hits, 100*m.HitRatio)
	row("a read over HTTP, median", "%.0f µs from memory, %.0f µs from the database", m.HitP50us, m.MissP50us)
	row("writes", "%d", l.writes.Load())
	row("statements", "%d that the processes had the database execute", m.Statements)
	row("a change is seen elsewhere", "in %.1f ms (99th percentile of %d; from its acknowledgement to another process's answer)", m.InvalidationP99MS, len(l.probes))
	row("revoked for certain", "in %.2f s", m.RevokeWaitMS/1000)
	row("the oldest answer", "lacked a change acknowledged %.1f ms before it was asked for; the lease allows %s", m.StalenessMaxMS, seconds(lease))
	row("stale answers", "%d", m.Stale)
	if v == (verdict{oldest: v.oldest}) {
		say.Say("\nEvery one of %d answers was checked against what had been acknowledged when it was asked for.", len(l.ledger.readings))
	}
}

// percentile returns the p-th percentile, 0 of nothing.
func percentile(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}

func ratio(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// milliseconds is a duration as a number that people can read: to the microsecond.
func milliseconds(d time.Duration) float64 { return round(d.Seconds()*1000, 3) }

func round(x float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(x*scale) / scale
}

// seconds writes a duration with three digits at most.
func seconds(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	default:
		return d.Round(time.Microsecond).String()
	}
}
