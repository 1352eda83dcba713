package scsstore_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/memory"
	"github.com/pgsession/pgsession/client/scsstore"
)

// TestCommitAfterDestroy has a request under way find a session that somebody else then ends, on the same process or another, and
// commit it. It does not come back, for that commit or any later one.
func TestCommitAfterDestroy(t *testing.T) {
	t.Parallel()
	for name, pair := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := scsstore.New(pair[0], scsstore.Options{}), scsstore.New(pair[1], scsstore.Options{})
			strict := scsstore.New(pair[0], scsstore.Options{ReportGone: true})
			for what, destroy := range map[string]func(token string) error{
				"same process":    func(token string) error { return a.DeleteCtx(t.Context(), token) },
				"another process": func(token string) error { return b.DeleteCtx(t.Context(), token) },
				"revoked":         func(token string) error { _, err := pair[1].SessionClose(t.Context(), client.KeyOf(token)); return err },
			} {
				token := name + what
				commits(t, b, token, []byte("before"))
				request, done := context.WithCancel(t.Context())
				defer done()
				for _, s := range []*scsstore.Store{a, strict} {
					if _, found, err := s.FindCtx(request, token); !found || err != nil {
						t.Fatalf("%s: %v, %v", what, found, err)
					}
				}
				if err := destroy(token); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if err := a.CommitCtx(request, token, []byte("after"), soon()); err != nil {
						t.Errorf("%s: Commit: %v", what, err)
					}
					if err := strict.CommitCtx(request, token, []byte("after"), soon()); !errors.Is(err, client.ErrGone) {
						t.Errorf("%s: Commit that reports: %v", what, err)
					}
				}
				if _, found, err := pair[1].SessionGet(t.Context(), client.KeyOf(token)); found || err != nil {
					t.Errorf("%s: the session is back: %v, %v", what, found, err)
				}
			}
		})
	}
}

// TestCommitTwice has a request commit a session that it has made, which is ended between the two.
func TestCommitTwice(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	s := scsstore.New(store, scsstore.Options{})
	for _, ctx := range []context.Context{t.Context(), context.Background()} {
		token := strconv.FormatBool(ctx.Done() == nil)
		if err := s.CommitCtx(ctx, token, nil, soon()); err != nil {
			t.Fatal(err)
		}
		if _, err := store.SessionClose(t.Context(), client.KeyOf(token)); err != nil {
			t.Fatal(err)
		}
		if err := s.CommitCtx(ctx, token, nil, soon()); err != nil {
			t.Fatal(err)
		}
		finds(t, s, token, nil)
	}
}

// TestManyRequests has so many sessions found that what is remembered is cleared up, while one request is still under way.
func TestManyRequests(t *testing.T) {
	t.Parallel()
	s := scsstore.New(memory.New(memory.Options{}), scsstore.Options{})
	commits(t, s, "slow", nil)
	slow, done := context.WithCancel(t.Context())
	defer done()
	if _, found, err := s.FindCtx(slow, "slow"); !found || err != nil {
		t.Fatal(found, err)
	}
	for i := range 5000 {
		request, done := context.WithCancel(t.Context())
		if err := s.CommitCtx(request, strconv.Itoa(i), nil, soon()); err != nil {
			t.Fatal(err)
		}
		done()
	}
	if err := s.DeleteCtx(t.Context(), "slow"); err != nil {
		t.Fatal(err)
	}
	if err := s.CommitCtx(slow, "slow", nil, soon()); err != nil {
		t.Fatal(err)
	}
	finds(t, s, "slow", nil)
}

// TestCommitsRaceDestroy has several requests, on two processes, commit what they have found while one destroys it.
func TestCommitsRaceDestroy(t *testing.T) {
	t.Parallel()
	const rounds, requests = 30, 4
	for name, pair := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			processes := []*scsstore.Store{scsstore.New(pair[0], scsstore.Options{}), scsstore.New(pair[1], scsstore.Options{})}
			for round := range rounds {
				token := fmt.Sprint("token ", round)
				commits(t, processes[0], token, []byte("before"))
				var found, all sync.WaitGroup
				found.Add(requests + 1)
				for i := range requests + 1 {
					s := processes[i%2]
					all.Go(func() {
						request, done := context.WithCancel(t.Context())
						defer done()
						_, ok, err := s.FindCtx(request, token)
						found.Done()
						found.Wait()
						switch {
						case !ok || err != nil:
							t.Errorf("Find: %v, %v", ok, err)
						case i == requests:
							err = s.DeleteCtx(request, token)
						default:
							err = s.CommitCtx(request, token, []byte("after"), soon())
						}
						if err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				if _, ok, err := pair[1].SessionGet(t.Context(), client.KeyOf(token)); ok || err != nil {
					t.Fatalf("round %d: the session is back: %v, %v", round, ok, err)
				}
			}
		})
	}
}
