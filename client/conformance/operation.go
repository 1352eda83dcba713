package conformance

import (
	"encoding/json"
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/pgsession/pgsession/client"
)

// operation is one call, drawn before it is known what there will be to call it on. Running it on a side returns the answer as text,
// without what may differ.
type operation struct {
	name string
	run  func(*side) string
}

// String names the call in what rapid prints.
func (o operation) String() string { return o.name }

// The users of a sequence: "" is nobody, who has anonymous sessions, and one who does not exist.
const (
	ann     = "ann"
	bob     = "bob"
	unknown = "unknown"
)

// operations draws calls that both fixtures can make. Those that make something to call others on are drawn more often.
func operations(fixtures ...Fixture) *rapid.Generator[operation] {
	kinds := []func(*rapid.T) operation{
		drawOpen, drawOpen, drawOpen, drawOpenForeign, drawLogin, drawLogin, drawLogin,
		drawGet, drawGet, drawSave, drawSave, drawMerge, drawMerge, drawTouch,
		drawRotate, drawRotate, drawClose, drawCloseID, drawCloseUser, drawCloseUser, drawList,
	}
	can := func(has func(Fixture) bool, draw func(*rapid.T) operation) {
		for _, f := range fixtures {
			if !has(f) {
				return
			}
		}
		kinds = append(kinds, draw)
	}
	can(func(f Fixture) bool { return f.SetPassword != nil }, drawSetPassword)
	can(func(f Fixture) bool { return f.SetStatus != nil }, drawSetStatus)
	can(func(f Fixture) bool { return f.SetStatus != nil }, drawSetStatus)
	can(func(f Fixture) bool { return f.Expire != nil }, drawExpire)
	return rapid.Custom(func(rt *rapid.T) operation {
		return rapid.SampledFrom(kinds).Draw(rt, "kind")(rt)
	})
}

func drawUser(rt *rapid.T, of ...string) string { return rapid.SampledFrom(of).Draw(rt, "user") }

// drawKey draws the number of a key that was given out before, modulo how many there are. It chooses from a list, because of a range
// rapid mostly draws the least.
func drawKey(rt *rapid.T) int {
	return rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}).Draw(rt, "key")
}

func drawIdle(rt *rapid.T) bool { return rapid.Bool().Draw(rt, "idle") }

// drawPayload draws payloads and patches, of few members, so that they meet; some are refused.
func drawPayload(rt *rapid.T) json.RawMessage {
	return json.RawMessage(rapid.SampledFrom([]string{
		`{}`, `{"a": 1}`, `{"a": null}`, `{"b": {"c": 1}}`, `{"b": {"c": null, "d": [1, null]}}`, `{"b": 2}`,
		`{"a": "ä😀\n"}`, `{"c": 0.10, "a": {"b": {"c": {}}}}`, `{"b": null, "c": null}`,
		`[1]`, `{"a": "\u0000"}`, `{"a"`,
	}).Draw(rt, "payload"))
}

func drawOpen(rt *rapid.T) operation {
	username, idles, payload := drawUser(rt, "", ann, bob, unknown), drawIdle(rt), drawPayload(rt)
	return operation{fmt.Sprintf("SessionOpen(%q, idle %v, %s)", username, idles, payload), func(s *side) string {
		return s.open(client.OpenOptions{Username: s.named(username), Idle: lifetime(idles), Payload: payload})
	}}
}

func drawOpenForeign(rt *rapid.T) operation {
	username, n := drawUser(rt, "", ann, unknown), rapid.IntRange(0, 2).Draw(rt, "foreign")
	return operation{fmt.Sprintf("SessionOpen(%q, foreign key %d)", username, n), func(s *side) string {
		key := client.KeyOf(fmt.Sprint(s.prefix, n))
		return s.open(client.OpenOptions{Username: s.named(username), Idle: idle, Key: &key})
	}}
}

func drawLogin(rt *rapid.T) operation {
	username, right := drawUser(rt, ann, ann, bob, unknown), rapid.Bool().Draw(rt, "right")
	return operation{fmt.Sprintf("Login(%q, right password %v)", username, right), func(s *side) string {
		return s.login(username, right)
	}}
}

func drawGet(rt *rapid.T) operation {
	n, floor := drawKey(rt), rapid.Bool().Draw(rt, "floor")
	return operation{fmt.Sprintf("SessionGet(key %d, floor %v)", n, floor), func(s *side) string { return s.get(n, floor) }}
}

func drawSave(rt *rapid.T) operation {
	n, payload, version := drawKey(rt), drawPayload(rt), rapid.SampledFrom(versions()).Draw(rt, "version")
	return operation{fmt.Sprintf("SessionSave(key %d, %s, %s)", n, payload, version), func(s *side) string {
		return s.save(n, payload, version)
	}}
}

func drawMerge(rt *rapid.T) operation {
	n, patch := drawKey(rt), drawPayload(rt)
	return operation{fmt.Sprintf("SessionMerge(key %d, %s)", n, patch), func(s *side) string { return s.merge(n, patch) }}
}

func drawTouch(rt *rapid.T) operation {
	ns := rapid.SliceOfN(rapid.IntRange(0, 12), 0, 5).Draw(rt, "keys")
	return operation{fmt.Sprintf("SessionTouch(keys %v)", ns), func(s *side) string {
		var keys []client.Key
		for _, n := range ns {
			keys = append(keys, s.key(n))
		}
		moved, err := s.Store.SessionTouch(s.ctx, keys...)
		return answer(err, moved)
	}}
}

func drawRotate(rt *rapid.T) operation {
	n, username := drawKey(rt), drawUser(rt, "", "", ann, bob, unknown)
	return operation{fmt.Sprintf("SessionRotate(key %d, %q)", n, username), func(s *side) string { return s.rotate(n, username) }}
}

func drawClose(rt *rapid.T) operation {
	n := drawKey(rt)
	return operation{fmt.Sprintf("SessionClose(key %d)", n), func(s *side) string {
		closed, err := s.Store.SessionClose(s.ctx, s.key(n))
		return answer(err, closed)
	}}
}

func drawCloseID(rt *rapid.T) operation {
	username, n := drawUser(rt, "", ann, bob, unknown), drawKey(rt)
	return operation{fmt.Sprintf("SessionCloseID(%q, of key %d)", username, n), func(s *side) string {
		closed, err := s.Store.SessionCloseID(s.ctx, s.named(username), s.of(n).id)
		return answer(err, closed)
	}}
}

func drawCloseUser(rt *rapid.T) operation {
	username, spares, n := drawUser(rt, ann, ann, bob, "", unknown), rapid.Bool().Draw(rt, "spares"), drawKey(rt)
	return operation{fmt.Sprintf("SessionCloseUser(%q, except key %d: %v)", username, n, spares), func(s *side) string {
		var except []client.Key
		if spares {
			except = append(except, s.key(n))
		}
		closed, err := s.Store.SessionCloseUser(s.ctx, s.named(username), except...)
		return answer(err, closed)
	}}
}

func drawList(rt *rapid.T) operation {
	username := drawUser(rt, "", ann, bob, unknown)
	return operation{fmt.Sprintf("SessionList(%q)", username), func(s *side) string { return s.list(username) }}
}

func drawSetPassword(rt *rapid.T) operation {
	username := drawUser(rt, ann, bob)
	return operation{fmt.Sprintf("set the password of %q", username), func(s *side) string {
		return answer(s.SetPassword(s.ctx, s.named(username), password))
	}}
}

func drawSetStatus(rt *rapid.T) operation {
	username, status := drawUser(rt, ann, bob), rapid.SampledFrom([]string{"active", "pending", "disabled"}).Draw(rt, "status")
	return operation{fmt.Sprintf("make %q %s", username, status), func(s *side) string {
		return answer(s.SetStatus(s.ctx, s.named(username), status))
	}}
}

func drawExpire(rt *rapid.T) operation {
	n := drawKey(rt)
	return operation{fmt.Sprintf("expire(key %d)", n), func(s *side) string { return answer(s.Expire(s.ctx, s.key(n))) }}
}

// answer is what a call returned, as text: the values, or what was refused.
func answer(err error, values ...any) string {
	if err != nil {
		return refusal(err)
	}
	return strings.TrimSpace(fmt.Sprintln(values...))
}
