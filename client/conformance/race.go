package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/pgsession/pgsession/client"
)

func raceCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"SavesOfOneVersion":   raceSavesOfOneVersion,
		"MergesOfMembers":     raceMergesOfMembers,
		"ChangesAndClose":     raceChangesAndClose,
		"RotateAndRotate":     raceRotateAndRotate,
		"RotateAndCloseUser":  raceRotateAndCloseUser,
		"OpenAndSetPassword":  raceOpenAndSetPassword,
		"VersionsNeverGoBack": raceVersionsNeverGoBack,
	}
}

// rounds is how often a race is run: often enough for each to come out either way.
const rounds = 20

// atOnce calls functions at the same moment, and returns once all have returned. It skips the test
// where the store can be called by one at a time only.
func (x *trial) atOnce(calls ...func()) {
	x.Helper()
	if !x.Fixture.Parallel {
		x.Skip("the store cannot be called by several at once")
	}
	var all sync.WaitGroup
	start := make(chan struct{})
	for _, call := range calls {
		all.Go(func() {
			<-start
			call()
		})
	}
	close(start)
	all.Wait()
}

// repeated returns n functions that call one with their number.
func repeated(n int, call func(i int)) []func() {
	calls := make([]func(), n)
	for i := range calls {
		calls[i] = func() { call(i) }
	}
	return calls
}

// raceSavesOfOneVersion has several save what they read at the same version: one wins.
func raceSavesOfOneVersion(x *trial) {
	const savers = 4
	session := x.opened(x.user())
	for range rounds {
		before := x.get(session.Key)
		floors, errs := make([]client.Floor, savers), make([]error, savers)
		x.atOnce(repeated(savers, func(i int) {
			floors[i], errs[i] = x.Store.SessionSave(x.Context(), session.Key, map[string]int{"winner": i}, before.Version)
		})...)
		winners := 0
		after := x.get(session.Key)
		for i, err := range errs {
			if err != nil {
				x.refused("a save that lost", err, client.ErrConflict)
				continue
			}
			winners++
			x.holds(after, fmt.Sprintf(`{"winner": %d}`, i))
			if after.Floor() != floors[i] {
				x.Errorf("the winner saved %+v, and %+v is read", floors[i], after.Floor())
			}
		}
		if winners != 1 {
			x.Fatalf("%d saves of one version won", winners)
		}
	}
}

// raceMergesOfMembers has several merge different members: all survive.
func raceMergesOfMembers(x *trial) {
	const mergers = 8
	_, session := x.open(client.OpenOptions{})
	want := map[string]int{}
	for round := range rounds {
		x.atOnce(repeated(mergers, func(i int) {
			if _, err := x.Store.SessionMerge(x.Context(), session.Key, map[string]int{strconv.Itoa(i): round}); err != nil {
				x.Errorf("SessionMerge: %v", err)
			}
		})...)
	}
	for i := range mergers {
		want[strconv.Itoa(i)] = rounds - 1
	}
	text, err := json.Marshal(want)
	if err != nil {
		x.Fatal(err)
	}
	x.holds(x.get(session.Key), string(text))
}

// raceChangesAndClose has a session closed while others save, merge, touch and read it: it stays
// closed.
func raceChangesAndClose(x *trial) {
	username := x.user()
	for round := range rounds {
		session := x.opened(username)
		goneOr := func(err error) {
			if err != nil && !errors.Is(err, client.ErrGone) {
				x.Errorf("a change that races with closing: %v", err)
			}
		}
		x.atOnce(
			func() {
				_, err := x.Store.SessionSave(x.Context(), session.Key, map[string]int{"saved": round}, 0)
				goneOr(err)
			},
			func() {
				_, err := x.Store.SessionMerge(x.Context(), session.Key, map[string]int{"merged": round})
				goneOr(err)
			},
			func() { _, err := x.Store.SessionTouch(x.Context(), session.Key); goneOr(err) },
			func() { _, _, err := x.Store.SessionGet(x.Context(), session.Key); goneOr(err) },
			func() { closed(x, "SessionClose", true)(x.Store.SessionClose(x.Context(), session.Key)) },
		)
		x.gone(session.Key)
	}
}

// raceRotateAndRotate has two rotate one token: one wins, and there is one session.
func raceRotateAndRotate(x *trial) {
	username := x.user()
	session := x.opened(username)
	for range rounds {
		rotated, errs := make([]client.Session, 2), make([]error, 2)
		x.atOnce(repeated(2, func(i int) {
			_, rotated[i], errs[i] = x.Store.SessionRotate(x.Context(), session.Key, "")
		})...)
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		x.refused("the rotation that lost", errs[1-winner], client.ErrGone)
		if errs[winner] != nil {
			x.Fatalf("no rotation won: %v", errs[winner])
		}
		x.missing(session.Key)
		session = x.get(rotated[winner].Key)
	}
	if sessions := x.list(username); len(sessions) != 1 {
		x.Errorf("rotating one session left %d", len(sessions))
	}
}

// raceRotateAndCloseUser has a user's session rotated while all of the user's sessions are closed: a
// rotation does not save it.
func raceRotateAndCloseUser(x *trial) {
	username := x.user()
	for range rounds {
		session := x.opened(username)
		var rotated client.Session
		var err error
		x.atOnce(
			func() { _, rotated, err = x.Store.SessionRotate(x.Context(), session.Key, "") },
			func() { closed(x, "SessionCloseUser", int64(1))(x.Store.SessionCloseUser(x.Context(), username)) },
		)
		if err != nil {
			x.refused("a rotation that races with closing", err, client.ErrGone)
		} else {
			x.gone(rotated.Key)
		}
		x.gone(session.Key)
	}
}

// raceOpenAndSetPassword has sessions opened with the old password while it is changed: none that was
// opened before the change survives it, so a login that then still succeeds was with the new one.
func raceOpenAndSetPassword(x *trial) {
	if x.SetPassword == nil {
		x.Skip("the fixture cannot change a password")
	}
	username := x.user()
	current := password
	for round := range rounds {
		next := fmt.Sprintf("password %d", round)
		var results [3]client.LoginResult
		calls := repeated(len(results), func(i int) {
			var err error
			if results[i], err = x.Store.Login(x.Context(), username, current, client.LoginOptions{}); err != nil {
				x.Errorf("Login: %v", err)
			}
		})
		x.atOnce(append(calls, func() {
			if err := x.SetPassword(x.Context(), username, next); err != nil {
				x.Errorf("SetPassword: %v", err)
			}
		})...)
		for _, result := range results {
			if result.Outcome == client.OK {
				x.missing(result.Session.Key)
			}
		}
		if sessions := x.list(username); len(sessions) != 0 {
			x.Fatalf("%d sessions opened with the old password survived its change", len(sessions))
		}
		current = next
	}
}

// raceVersionsNeverGoBack has readers watch a session that is being saved.
func raceVersionsNeverGoBack(x *trial) {
	session := x.opened("")
	done := make(chan struct{})
	reader := func() {
		last := session
		for reading := true; reading; {
			select {
			case <-done:
				reading = false // and once more
			default:
			}
			got, ok, err := x.Store.SessionGet(x.Context(), session.Key)
			if err != nil || !ok {
				x.Errorf("SessionGet: %v, %v", ok, err)
				return
			}
			if got.Epoch == last.Epoch && got.Version < last.Version {
				x.Errorf("version %d was served after %d", got.Version, last.Version)
				return
			}
			last = got
		}
	}
	x.atOnce(reader, reader, func() {
		defer close(done)
		for i := range rounds {
			floor, err := x.Store.SessionSave(x.Context(), session.Key, map[string]int{"n": i}, 0)
			if err != nil {
				x.Errorf("SessionSave: %v", err)
				return
			}
			got, ok, err := x.Store.SessionGet(x.Context(), session.Key)
			if err != nil || !ok || got.Version < floor.Version {
				x.Errorf("after saving version %d: %d, %v, %v", floor.Version, got.Version, ok, err)
				return
			}
		}
	})
}
