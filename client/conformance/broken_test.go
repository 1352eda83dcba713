package conformance_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/conformance"
	"github.com/pgsession/pgsession/client/memory"
)

// brokenVariable names the planted bug that TestBroken is run with.
const brokenVariable = "PGSESSION_CONFORMANCE_BROKEN"

// quick leaves out the cases that take long and that no planted bug is about.
const quick = "^TestBroken$/^(cases|random)$/^(Open|Get|Save|Merge|Touch|Rotate|Close|List|Login)$"

// TestBroken runs both suites on a store with a planted bug. They fail: TestPlantedBugs has them do so in another process.
func TestBroken(t *testing.T) {
	name := os.Getenv(brokenVariable)
	if name == "" {
		t.Skip("it is run by TestPlantedBugs")
	}
	newBroken := func(*testing.T) conformance.Fixture {
		store := memory.New(memory.Options{})
		f := inMemory(plantedBugs()[name](store), store)
		f.Parallel = false // these bugs are not about races
		return f
	}
	t.Run("cases", func(t *testing.T) { conformance.Run(t, newBroken) })
	t.Run("random", func(t *testing.T) { conformance.Random(t, newMemory, newBroken) })
}

// TestPlantedBugs checks that each suite finds every planted bug, and nothing in a store that has none.
func TestPlantedBugs(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(plantedBugs())) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), program, "-test.run="+quick, "-rapid.nofailfile", "-rapid.shrinktime=1s")
			command.Env = append(os.Environ(), brokenVariable+"="+name)
			out, err := command.CombinedOutput()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			for _, suite := range []string{"cases", "random"} {
				failed := strings.Contains(string(out), "--- FAIL: TestBroken/"+suite+" ")
				if want := name != "none"; failed != want {
					t.Errorf("the suite %q failed: %v, want %v:\n%s", suite, failed, want, out)
				}
			}
		})
	}
}

func plantedBugs() map[string]func(*memory.Store) client.Store {
	return map[string]func(*memory.Store) client.Store{
		"none":                                  func(s *memory.Store) client.Store { return s },
		"a save brings a session back":          func(s *memory.Store) client.Store { return resurrecting{s} },
		"a save ignores the version":            func(s *memory.Store) client.Store { return overwriting{s} },
		"a merge replaces":                      func(s *memory.Store) client.Store { return replacing{s} },
		"a rotation takes over another's":       func(s *memory.Store) client.Store { return takingOver{s} },
		"a rotation leaves the old token":       func(s *memory.Store) client.Store { return &remembering{Store: s, keys: map[client.Key]client.Key{}} },
		"closing all spares none":               func(s *memory.Store) client.Store { return sparingNone{s} },
		"closing by ID ignores the user":        func(s *memory.Store) client.Store { return &closingAnyID{Store: s, ids: map[int64]client.Key{}} },
		"a cache forgets no user":               func(s *memory.Store) client.Store { return &stale{Store: s, cached: map[client.Key]client.Session{}} },
		"a touch counts keys":                   func(s *memory.Store) client.Store { return counting{s} },
		"a login tells of a status too early":   func(s *memory.Store) client.Store { return telling{s} },
		"a list tells the oldest first":         func(s *memory.Store) client.Store { return reversing{s} },
		"an unknown user gets an anonymous one": func(s *memory.Store) client.Store { return lenient{s} },
	}
}

type resurrecting struct{ *memory.Store }

func (s resurrecting) SessionSave(ctx context.Context, key client.Key, payload any, version int64) (client.Floor, error) {
	floor, err := s.Store.SessionSave(ctx, key, payload, version)
	if errors.Is(err, client.ErrGone) {
		_, session, err := s.SessionOpen(ctx, client.OpenOptions{Payload: payload, Key: &key})
		return session.Floor(), err
	}
	return floor, err
}

type overwriting struct{ *memory.Store }

func (s overwriting) SessionSave(ctx context.Context, key client.Key, payload any, _ int64) (client.Floor, error) {
	return s.Store.SessionSave(ctx, key, payload, 0)
}

type replacing struct{ *memory.Store }

func (s replacing) SessionMerge(ctx context.Context, key client.Key, patch any) (client.Session, error) {
	if _, err := s.SessionSave(ctx, key, patch, 0); err != nil {
		return client.Session{}, err
	}
	session, _, err := s.SessionGet(ctx, key)
	return session, err
}

type takingOver struct{ *memory.Store }

func (s takingOver) SessionRotate(ctx context.Context, key client.Key, username string) (client.Token, client.Session, error) {
	session, found, err := s.SessionGet(ctx, key)
	if err != nil || !found || session.Username == "" || username == "" || session.Username == username {
		return s.Store.SessionRotate(ctx, key, username)
	}
	token, taken, err := s.SessionOpen(ctx, client.OpenOptions{Username: username, Payload: session.Payload})
	if err != nil {
		return client.Token{}, client.Session{}, err
	}
	_, err = s.SessionClose(ctx, key)
	return token, taken, err
}

// remembering reads a rotated session by its old key.
type remembering struct {
	*memory.Store
	keys map[client.Key]client.Key
}

func (s *remembering) SessionRotate(ctx context.Context, key client.Key, username string) (client.Token, client.Session, error) {
	token, session, err := s.Store.SessionRotate(ctx, key, username)
	if err == nil {
		s.keys[key] = session.Key
	}
	return token, session, err
}

func (s *remembering) SessionGet(ctx context.Context, key client.Key, floor ...client.Floor) (client.Session, bool, error) {
	if rotated, ok := s.keys[key]; ok {
		key = rotated
	}
	return s.Store.SessionGet(ctx, key, floor...)
}

type sparingNone struct{ *memory.Store }

func (s sparingNone) SessionCloseUser(ctx context.Context, username string, except ...client.Key) (int64, error) {
	if len(except) > 1 {
		return s.Store.SessionCloseUser(ctx, username, except...)
	}
	return s.Store.SessionCloseUser(ctx, username)
}

// closingAnyID closes whatever session has an ID.
type closingAnyID struct {
	*memory.Store
	ids map[int64]client.Key
}

func (s *closingAnyID) SessionOpen(ctx context.Context, o client.OpenOptions) (client.Token, client.Session, error) {
	token, session, err := s.Store.SessionOpen(ctx, o)
	if err == nil {
		s.ids[session.ID] = session.Key
	}
	return token, session, err
}

func (s *closingAnyID) SessionCloseID(ctx context.Context, username string, id int64) (bool, error) {
	closed, err := s.Store.SessionCloseID(ctx, username, id)
	if key, ok := s.ids[id]; ok && err == nil && !closed {
		return s.SessionClose(ctx, key)
	}
	return closed, err
}

// stale is a cache that each call on a session's key brings up to date, and others do not.
type stale struct {
	*memory.Store
	cached map[client.Key]client.Session
}

func (s *stale) SessionGet(ctx context.Context, key client.Key, floor ...client.Floor) (client.Session, bool, error) {
	if session, ok := s.cached[key]; ok {
		return session, true, nil
	}
	session, found, err := s.Store.SessionGet(ctx, key, floor...)
	if found {
		s.cached[key] = session
	}
	return session, found, err
}

func (s *stale) SessionSave(ctx context.Context, key client.Key, payload any, version int64) (client.Floor, error) {
	delete(s.cached, key)
	return s.Store.SessionSave(ctx, key, payload, version)
}

func (s *stale) SessionMerge(ctx context.Context, key client.Key, patch any) (client.Session, error) {
	delete(s.cached, key)
	return s.Store.SessionMerge(ctx, key, patch)
}

func (s *stale) SessionRotate(ctx context.Context, key client.Key, username string) (client.Token, client.Session, error) {
	delete(s.cached, key)
	return s.Store.SessionRotate(ctx, key, username)
}

func (s *stale) SessionClose(ctx context.Context, key client.Key) (bool, error) {
	delete(s.cached, key)
	return s.Store.SessionClose(ctx, key)
}

type counting struct{ *memory.Store }

func (s counting) SessionTouch(ctx context.Context, keys ...client.Key) (int, error) {
	_, err := s.Store.SessionTouch(ctx, keys...)
	return len(keys), err
}

type telling struct{ *memory.Store }

func (s telling) Login(ctx context.Context, username, password string, o client.LoginOptions) (client.LoginResult, error) {
	result, err := s.Store.Login(ctx, username, password, o)
	if user, found, _ := s.UserGet(ctx, username); found && user.Status == "disabled" && result.Outcome == client.BadCredentials {
		result.Outcome = client.Disabled
	}
	return result, err
}

type reversing struct{ *memory.Store }

func (s reversing) SessionList(ctx context.Context, username string) ([]client.Session, error) {
	sessions, err := s.Store.SessionList(ctx, username)
	slices.Reverse(sessions)
	return sessions, err
}

type lenient struct{ *memory.Store }

func (s lenient) SessionOpen(ctx context.Context, o client.OpenOptions) (client.Token, client.Session, error) {
	token, session, err := s.Store.SessionOpen(ctx, o)
	if errors.Is(err, client.ErrNoUser) {
		o.Username = ""
		return s.Store.SessionOpen(ctx, o)
	}
	return token, session, err
}
