package scsstore_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/memory"
	"github.com/pgsession/pgsession/client/scsstore"
)

func soon() time.Time { return time.Now().Add(time.Hour) }

// finds checks what a token opens; nil data is no session.
func finds(t *testing.T, s *scsstore.Store, token string, want []byte) {
	t.Helper()
	b, found, err := s.FindCtx(t.Context(), token)
	if err != nil || found != (want != nil) || !bytes.Equal(b, want) {
		t.Errorf("Find(%.20q): %.40q, %v, %v; want %.40q", token, b, found, err, want)
	}
}

func commits(t *testing.T, s *scsstore.Store, token string, b []byte) {
	t.Helper()
	if err := s.CommitCtx(t.Context(), token, b, soon()); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// TestContract checks what scs's interfaces ask for.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, pair := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scsstore.New(pair[0], scsstore.Options{})
			finds(t, s, "token", nil)
			finds(t, s, "", nil)
			if err := s.Delete("token"); err != nil {
				t.Errorf("Delete of no session: %v", err)
			}
			commits(t, s, "token", []byte("data"))
			finds(t, s, "token", []byte("data"))
			commits(t, s, "token", []byte("other"))
			finds(t, s, "token", []byte("other"))
			finds(t, s, "Token", nil)

			if b, found, err := s.Find("token"); string(b) != "other" || !found || err != nil {
				t.Errorf("without a context: %q, %v, %v", b, found, err)
			}
			if err := s.Commit("second", []byte("2"), soon()); err != nil {
				t.Error(err)
			}
			if err := s.Delete("token"); err != nil {
				t.Error(err)
			}
			finds(t, s, "token", nil)
			finds(t, s, "second", []byte("2"))

			if err := s.CommitCtx(t.Context(), "second", []byte("3"), time.Now()); err != nil {
				t.Errorf("a commit that has expired: %v", err)
			}
			finds(t, s, "second", nil)
		})
	}
}

// TestOverwritesWhatAnotherProcessOpened commits a token that this process never saw and that exists.
func TestOverwritesWhatAnotherProcessOpened(t *testing.T) {
	t.Parallel()
	for name, pair := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := scsstore.New(pair[0], scsstore.Options{}), scsstore.New(pair[1], scsstore.Options{})
			commits(t, a, "token", []byte("a"))
			commits(t, b, "token", []byte("b"))
			finds(t, b, "token", []byte("b"))
		})
	}
}

// TestBytes keeps data of any codec byte for byte.
func TestBytes(t *testing.T) {
	t.Parallel()
	random := make([]byte, 4096)
	source := rand.NewChaCha8([32]byte{1})
	if _, err := source.Read(random); err != nil {
		t.Fatal(err)
	}
	for name, pair := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scsstore.New(pair[0], scsstore.Options{})
			for what, data := range map[string][]byte{
				"empty": {}, "NUL": {0}, "not UTF-8": {0xff, 0xfe}, "JSON": []byte(`{"a": 1,  "a": 2}`), "random": random,
				"most": bytes.Repeat([]byte{0xfb}, 49_000),
			} {
				commits(t, s, what, data)
				finds(t, s, what, data)
			}
			if err := s.CommitCtx(t.Context(), "nil", nil, soon()); err != nil {
				t.Error(err)
			}
			finds(t, s, "nil", []byte{})

			err := s.CommitCtx(t.Context(), "too much", make([]byte, 50_000), soon())
			if !errors.Is(err, client.ErrInvalid) || !strings.Contains(err.Error(), "committing 50000 bytes") || !strings.Contains(err.Error(), "payload too large") {
				t.Errorf("too much data: %v", err)
			}
			finds(t, s, "too much", nil)
		})
	}
}

// TestHashedAtRest looks for the token in the database, and reads the data as a DBA does.
func TestHashedAtRest(t *testing.T) {
	t.Parallel()
	stage := newStage(t)
	s := scsstore.New(stage.owner, scsstore.Options{})
	const token = "a token that nobody must read"
	commits(t, s, token, []byte("what scs wrote"))
	conn := stage.db.Conn(t)
	var whole, data string
	var hashed bool
	err := conn.QueryRow(t.Context(), `select s::text, s.key = sha256($1), convert_from(decode(payload ->> 'scs', 'base64'), 'UTF8')
		from pgsession.sessions s where (payload ->> 'expires')::timestamptz > now() and payload ? 'scs'`, []byte(token)).Scan(&whole, &hashed, &data)
	if err != nil {
		t.Fatal(err)
	}
	if !hashed || data != "what scs wrote" || strings.Contains(whole, token) {
		t.Errorf("hashed %v, data %q, row %s", hashed, data, whole)
	}
	// What a thief of the table has opens nothing.
	for _, stolen := range []string{"text", "hex", "base64"} {
		var guess string
		sql := map[string]string{"text": "key::text", "hex": "encode(key, 'hex')", "base64": "translate(encode(key, 'base64'), '+/=', '-_')"}[stolen]
		if err := conn.QueryRow(t.Context(), "select "+sql+" from pgsession.sessions").Scan(&guess); err != nil {
			t.Fatal(err)
		}
		finds(t, s, guess, nil)
	}
	// Nor does a token of pgsession's own open a session of scs, or the other way round.
	own, _, err := stage.owner.SessionOpen(t.Context(), client.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	finds(t, s, own.Reveal(), nil)
}

// TestExpiry has scs's expiry kept to the moment, whatever the row's own deadline is.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.Options{})
		s := scsstore.New(store, scsstore.Options{})
		commit := func(left time.Duration) {
			t.Helper()
			if err := s.CommitCtx(t.Context(), "token", []byte("x"), time.Now().Add(left)); err != nil {
				t.Fatal(err)
			}
		}
		commit(10 * time.Minute)
		time.Sleep(9 * time.Minute)
		commit(10 * time.Minute) // idle timeouts move
		time.Sleep(9 * time.Minute)
		commit(time.Minute) // and deadlines may come closer
		finds(t, s, "token", []byte("x"))
		time.Sleep(time.Minute)
		finds(t, s, "token", nil)
		if all, err := s.All(); err != nil || len(all) != 0 {
			t.Errorf("an expired session is listed: %v, %v", all, err)
		}
		if _, found, err := store.SessionGet(t.Context(), client.KeyOf("token")); !found || err != nil {
			t.Errorf("the row is gone before its time: %v, %v", found, err)
		}
		time.Sleep(12 * time.Minute)
		if n, err := store.SessionSweep(t.Context(), 0); n != 1 || err != nil {
			t.Errorf("the row is left for no sweeper: %d, %v", n, err)
		}
	})
}

// TestLifetime lengthens a session's life beyond what it was opened with.
func TestLifetime(t *testing.T) {
	for name, c := range map[string]struct {
		lifetime time.Duration
		lives    bool
		warned   bool
	}{
		"not said": {0, false, true},
		"said":     {24 * time.Hour, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := scsstore.New(memory.New(memory.Options{}), scsstore.Options{
					Lifetime: c.lifetime, Logger: slog.New(slog.NewTextHandler(&log, nil)),
				})
				for _, left := range []time.Duration{time.Hour, 20 * time.Hour} {
					if err := s.CommitCtx(t.Context(), "token", []byte("secret"), time.Now().Add(left)); err != nil {
						t.Fatal(err)
					}
				}
				if warned := strings.Contains(log.String(), "Options.Lifetime"); warned != c.warned || strings.Contains(log.String(), "secret") {
					t.Errorf("logged: %s", log.String())
				}
				time.Sleep(19 * time.Hour)
				if _, found, err := s.FindCtx(t.Context(), "token"); found != c.lives || err != nil {
					t.Errorf("after 19 of 20 hours: %v, %v", found, err)
				}
			})
		})
	}
}

// TestUnreadable has sessions that others wrote.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	s := scsstore.New(store, scsstore.Options{})
	for what, payload := range map[string]any{
		"another's": map[string]int{"a": 1}, "no base64": map[string]string{"scs": "?"}, "null": map[string]any{"scs": nil},
	} {
		key := client.KeyOf(what)
		if _, _, err := store.SessionOpen(t.Context(), client.OpenOptions{Key: &key, Payload: payload}); err != nil {
			t.Fatal(err)
		}
		if b, found, err := s.FindCtx(t.Context(), what); err == nil || found || b != nil {
			t.Errorf("%s: %q, %v, %v", what, b, found, err)
		}
	}
	if all, err := s.AllCtx(t.Context()); err != nil || len(all) != 0 || all == nil {
		t.Errorf("All: %v, %v", all, err)
	}
}

// TestStoreFails has errors handed on.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	s := scsstore.New(memory.New(memory.Options{}), scsstore.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, findErr := s.FindCtx(ctx, "token")
	_, allErr := s.AllCtx(ctx)
	for what, err := range map[string]error{
		"Find": findErr, "Commit": s.CommitCtx(ctx, "token", nil, soon()), "Delete": s.DeleteCtx(ctx, "token"), "All": allErr,
		"a commit that has expired": s.CommitCtx(ctx, "token", nil, time.Time{}),
	} {
		if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "scsstore: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	noLister := scsstore.New(struct{ client.Store }{memory.New(memory.Options{})}, scsstore.Options{})
	if _, err := noLister.All(); err == nil || !strings.Contains(err.Error(), "Options.Lister") {
		t.Errorf("All without a lister: %v", err)
	}
}
