package gorillastore_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/gorillastore"
	"github.com/pgsession/pgsession/client/memory"
)

const name = "session"

func authentication() []byte { return []byte("0123456789abcdef0123456789abcdef") }

// browser sends the cookies that it was given to whichever store serves the request.
type browser struct{ cookies map[string]*http.Cookie }

// request makes one request, in which the session is got and do is done with it.
func (b *browser) request(t *testing.T, s sessions.Store, do func(*http.Request, http.ResponseWriter, *sessions.Session)) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	for _, cookie := range b.cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	session, err := s.Get(r, name)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	do(r, w, session)
	for _, cookie := range w.Result().Cookies() {
		if b.cookies == nil {
			b.cookies = map[string]*http.Cookie{}
		}
		b.cookies[cookie.Name] = cookie
		if cookie.MaxAge < 0 {
			delete(b.cookies, cookie.Name)
		}
	}
}

// put saves a value.
func (b *browser) put(t *testing.T, s sessions.Store, value string, edit ...func(*sessions.Session)) {
	t.Helper()
	b.request(t, s, func(r *http.Request, w http.ResponseWriter, session *sessions.Session) {
		session.Values["name"] = value
		for _, edit := range edit {
			edit(session)
		}
		if err := session.Save(r, w); err != nil {
			t.Errorf("Save: %v", err)
		}
	})
}

// holds checks what the session holds; nil is a new one.
func (b *browser) holds(t *testing.T, s sessions.Store, want any) {
	t.Helper()
	b.request(t, s, func(_ *http.Request, _ http.ResponseWriter, session *sessions.Session) {
		if session.Values["name"] != want || session.IsNew != (want == nil) || (session.ID == "") != session.IsNew {
			t.Errorf("the session is new: %v, and holds %v; want %v", session.IsNew, session.Values, want)
		}
	})
}

func (b *browser) logout(t *testing.T, s sessions.Store) {
	t.Helper()
	b.request(t, s, func(r *http.Request, w http.ResponseWriter, session *sessions.Session) {
		session.Options.MaxAge = -1
		if err := session.Save(r, w); err != nil {
			t.Errorf("Save: %v", err)
		}
	})
}

// otherWindow has the same cookies.
func (b *browser) otherWindow() *browser {
	other := &browser{cookies: map[string]*http.Cookie{}}
	for name, cookie := range b.cookies {
		other.cookies[name] = cookie
	}
	return other
}

// pairs are two processes over each kind of store.
func pairs(t *testing.T, test func(t *testing.T, a, b *gorillastore.Store, store client.Store)) {
	t.Helper()
	for kind, pair := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, gorillastore.New(pair[0], authentication()), gorillastore.New(pair[1], authentication()), pair[1])
		})
	}
}

func TestSite(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, a, b *gorillastore.Store, _ client.Store) {
		t.Helper()
		var window browser
		window.holds(t, a, nil)
		window.put(t, a, "ann")
		window.holds(t, b, "ann")
		window.put(t, b, "bob")
		window.holds(t, a, "bob")
		stolen := window.otherWindow()
		window.logout(t, a)
		if len(window.cookies) != 0 {
			t.Errorf("after the logout: %v", window.cookies)
		}
		window.holds(t, b, nil)
		stolen.holds(t, b, nil)
		stolen.put(t, a, "new")
		stolen.holds(t, b, "new")
	})
}

// TestSaveAfterEnd has a request under way while the session is ended, by another process or otherwise.
func TestSaveAfterEnd(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, a, b *gorillastore.Store, store client.Store) {
		t.Helper()
		for what, end := range map[string]func(*browser, *sessions.Session){
			"same process":    func(other *browser, _ *sessions.Session) { other.logout(t, a) },
			"another process": func(other *browser, _ *sessions.Session) { other.logout(t, b) },
			"revoked": func(_ *browser, session *sessions.Session) {
				token, _ := client.ParseToken(session.ID)
				if closed, err := store.SessionClose(t.Context(), token.Key()); !closed || err != nil {
					t.Errorf("SessionClose: %v, %v", closed, err)
				}
			},
		} {
			for during, change := range map[string]func(*http.Request, *sessions.Session) error{
				"saved":      func(*http.Request, *sessions.Session) error { return nil },
				"lengthened": func(_ *http.Request, session *sessions.Session) error { session.Options.MaxAge *= 2; return nil },
				"renewed": func(r *http.Request, session *sessions.Session) error {
					if err := a.Renew(r, session); !errors.Is(err, client.ErrGone) {
						return fmt.Errorf("Renew: %w", err)
					}
					return nil
				},
			} {
				window := &browser{}
				window.put(t, a, "before")
				other := window.otherWindow()
				window.request(t, a, func(r *http.Request, w http.ResponseWriter, session *sessions.Session) {
					end(window.otherWindow(), session)
					if err := change(r, session); err != nil {
						t.Error(err)
					}
					for range 2 {
						if err := session.Save(r, w); !errors.Is(err, client.ErrGone) {
							t.Errorf("%s, %s: Save: %v", what, during, err)
						}
					}
				})
				if len(window.cookies) != 0 {
					t.Errorf("%s, %s: the cookie is left: %v", what, during, window.cookies)
				}
				other.holds(t, a, nil)
				other.holds(t, b, nil)
			}
		}
	})
}

// TestItselfSaveAfterEnd shows what gorilla does over its own store: the reason for the test above.
func TestItselfSaveAfterEnd(t *testing.T) {
	t.Parallel()
	s := sessions.NewFilesystemStore(t.TempDir(), authentication())
	window := &browser{}
	window.put(t, s, "before")
	other := window.otherWindow()
	window.request(t, s, func(r *http.Request, w http.ResponseWriter, session *sessions.Session) {
		window.otherWindow().logout(t, s)
		if err := session.Save(r, w); err != nil {
			t.Error(err)
		}
	})
	other.holds(t, s, "before") // back
}

// TestSavesRaceEnd has several requests save what they have read while one ends the session.
func TestSavesRaceEnd(t *testing.T) {
	t.Parallel()
	const rounds, requests = 30, 4
	pairs(t, func(t *testing.T, a, b *gorillastore.Store, _ client.Store) {
		t.Helper()
		for range rounds {
			window := &browser{}
			window.put(t, a, "before")
			var read, all sync.WaitGroup
			read.Add(requests + 1)
			windows := make([]*browser, requests)
			for i := range windows {
				windows[i] = window.otherWindow()
				all.Go(func() {
					windows[i].request(t, a, func(r *http.Request, w http.ResponseWriter, session *sessions.Session) {
						read.Done()
						read.Wait()
						if i == 0 {
							session.Options.MaxAge *= 2 // has the session move
						}
						if err := session.Save(r, w); err != nil && !errors.Is(err, client.ErrGone) {
							t.Error(err)
						}
					})
				})
			}
			all.Go(func() {
				window.otherWindow().request(t, b, func(r *http.Request, w http.ResponseWriter, session *sessions.Session) {
					read.Done()
					read.Wait()
					session.Options.MaxAge = -1
					if err := session.Save(r, w); err != nil {
						t.Error(err)
					}
				})
			})
			all.Wait()
			window.holds(t, b, nil)
			for _, window := range windows[1:] {
				window.holds(t, b, nil)
			}
		}
	})
}

func TestRenew(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, a, b *gorillastore.Store, _ client.Store) {
		t.Helper()
		window := &browser{}
		window.put(t, a, "anonymous")
		before := window.otherWindow()
		window.request(t, a, func(r *http.Request, w http.ResponseWriter, session *sessions.Session) {
			if err := a.Renew(r, session); err != nil {
				t.Error(err)
			}
			session.Values["name"] = "ann"
			if err := session.Save(r, w); err != nil {
				t.Error(err)
			}
		})
		window.holds(t, b, "ann")
		before.holds(t, b, nil)
		(&browser{}).request(t, a, func(r *http.Request, _ http.ResponseWriter, session *sessions.Session) {
			if err := a.Renew(r, session); err != nil || session.ID != "" {
				t.Errorf("renewing what was never saved: %q, %v", session.ID, err)
			}
		})
	})
}

// TestLifetimes has sessions last as long as their cookies.
func TestLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := gorillastore.New(memory.New(memory.Options{}), authentication())
		lasts := func(seconds int) func(*sessions.Session) {
			return func(session *sessions.Session) { session.Options.MaxAge = seconds }
		}
		var window browser
		window.put(t, s, "x", lasts(60))
		time.Sleep(59 * time.Second)
		window.put(t, s, "x", lasts(60))
		time.Sleep(59 * time.Second)
		window.put(t, s, "x", lasts(30)) // shorter
		time.Sleep(29 * time.Second)
		window.holds(t, s, "x")
		time.Sleep(time.Second)
		window.holds(t, s, nil)

		window.put(t, s, "y", lasts(60))
		before := window.otherWindow()
		window.put(t, s, "y", lasts(600)) // longer: it moves
		before.holds(t, s, nil)
		time.Sleep(599 * time.Second)
		window.holds(t, s, "y")
		time.Sleep(time.Second)
		window.holds(t, s, nil)

		s.BrowserIdle = time.Minute
		window.put(t, s, "z", lasts(0))
		if cookie := window.cookies[name]; cookie.MaxAge != 0 || !cookie.Expires.IsZero() {
			t.Errorf("a cookie until the browser is closed: %v", cookie)
		}
		time.Sleep(59 * time.Second)
		window.holds(t, s, "z")
		time.Sleep(time.Second)
		window.holds(t, s, nil)
	})
}

// TestMoveKeepsMembers has what others keep in a session come along when it moves to a new ID.
func TestMoveKeepsMembers(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, a, b *gorillastore.Store, store client.Store) {
		t.Helper()
		lasts := func(seconds int) func(*sessions.Session) {
			return func(session *sessions.Session) { session.Options.MaxAge = seconds }
		}
		key := func(session *sessions.Session) client.Key {
			token, _ := client.ParseToken(session.ID)
			return token.Key()
		}
		var window browser
		window.put(t, a, "x", lasts(60))
		var before string
		window.request(t, a, func(_ *http.Request, _ http.ResponseWriter, session *sessions.Session) {
			before = session.ID
			if _, err := store.SessionMerge(t.Context(), key(session), map[string]int{"other": 1}); err != nil {
				t.Error(err)
			}
		})
		window.put(t, a, "y", lasts(600))
		window.request(t, b, func(_ *http.Request, _ http.ResponseWriter, session *sessions.Session) {
			row, found, err := store.SessionGet(t.Context(), key(session))
			var members map[string]any
			if err != nil || !found || row.Payload.Decode(&members) != nil || members["other"] != 1.0 || session.ID == before {
				t.Errorf("%v, %v: it holds %v under %v", found, err, row.Payload, session.ID != before)
			}
			if session.Values["name"] != "y" {
				t.Errorf("values: %v", session.Values)
			}
		})
	})
}

// TestAfterEnd ends a session and saves it anew in the same request.
func TestAfterEnd(t *testing.T) {
	t.Parallel()
	s := gorillastore.New(memory.New(memory.Options{}), authentication())
	window := &browser{}
	window.put(t, s, "before")
	before := window.otherWindow()
	window.request(t, s, func(r *http.Request, w http.ResponseWriter, session *sessions.Session) {
		for _, age := range []int{-1, 60} {
			session.Options.MaxAge = age
			session.Values["name"] = "after"
			if err := session.Save(r, w); err != nil {
				t.Error(err)
			}
		}
	})
	window.holds(t, s, "after")
	before.holds(t, s, nil)
}

// TestForgedCookies gets new sessions, with an error where gorilla's stores give one, and never an ID of somebody else's choosing.
func TestForgedCookies(t *testing.T) {
	t.Parallel()
	s := gorillastore.New(memory.New(memory.Options{}), authentication())
	signed := func(value any) string {
		t.Helper()
		encoded, err := securecookie.EncodeMulti(name, value, s.Codecs...)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	for what, c := range map[string]struct {
		value  string
		failed bool
	}{
		"garbage":               {"garbage", true},
		"empty":                 {"", true},
		"signed, another type":  {signed(7), true},
		"signed, no token":      {signed("fixed"), false},
		"signed, unknown token": {signed(client.NewToken("").Reveal()), false},
		"unsigned token":        {client.NewToken("").Reveal(), true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: name, Value: c.value})
		session, err := s.New(r, name)
		if session == nil || !session.IsNew || session.ID != "" || (err != nil) != c.failed {
			t.Errorf("%s: %+v, %v", what, session, err)
		}
	}
}

// TestAtRest reads what is stored, as a DBA does, and finds no token.
func TestAtRest(t *testing.T) {
	t.Parallel()
	stage := newStage(t)
	s := gorillastore.New(stage.owner, authentication())
	s.Serializer = securecookie.NopEncoder{}
	conn := stage.db.Conn(t)
	r, w := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), httptest.NewRecorder()
	session, err := s.New(r, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(r, w, session); err == nil || len(w.Result().Cookies()) != 0 {
		t.Errorf("what cannot be serialized was saved: %v", err)
	}
	s.Serializer = fixed("\x00\xff what was serialized")
	if err := s.Save(r, w, session); err != nil {
		t.Fatal(err)
	}
	var whole string
	var data []byte
	if err := conn.QueryRow(t.Context(), `select s::text, decode(payload ->> 'gorilla', 'base64') from pgsession.sessions s`).Scan(&whole, &data); err != nil {
		t.Fatal(err)
	}
	if string(data) != "\x00\xff what was serialized" || session.ID == "" || strings.Contains(whole, session.ID) {
		t.Errorf("stored %q in %s", data, whole)
	}
	var live bool
	if err := conn.QueryRow(t.Context(), "select pgsession.session_close(p_token => $1::text)", session.ID).Scan(&live); err != nil || !live {
		t.Errorf("closed from psql: %v, %v", live, err)
	}
}

// fixed serializes everything as itself.
type fixed string

func (f fixed) Serialize(any) ([]byte, error) { return []byte(f), nil }
func (fixed) Deserialize([]byte, any) error   { return nil }

// TestValues has values of any type travel, and too many refused.
func TestValues(t *testing.T) {
	t.Parallel()
	type cart struct{ Items []string }
	gob.Register(cart{})
	s := gorillastore.New(memory.New(memory.Options{}), authentication())
	window := &browser{}
	window.request(t, s, func(r *http.Request, w http.ResponseWriter, session *sessions.Session) {
		session.Values[7] = cart{[]string{"apple"}}
		session.AddFlash("hello")
		if err := sessions.Save(r, w); err != nil {
			t.Error(err)
		}
	})
	window.request(t, s, func(r *http.Request, w http.ResponseWriter, session *sessions.Session) {
		got, ok := session.Values[7].(cart)
		if flashes := session.Flashes(); !ok || got.Items[0] != "apple" || len(flashes) != 1 || flashes[0] != "hello" {
			t.Errorf("%v, %v", got, flashes)
		}
		session.Values["large"] = strings.Repeat("x", 50_000)
		err := session.Save(r, w)
		if !errors.Is(err, client.ErrInvalid) || !strings.Contains(err.Error(), "gorillastore: saving 50") || !strings.Contains(err.Error(), "payload too large") {
			t.Errorf("too much: %v", err)
		}
	})
}

// TestStoreFails has errors handed on, with a new session.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	s := gorillastore.New(store, authentication())
	window := &browser{}
	window.put(t, s, "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, w := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil), httptest.NewRecorder()
	r.AddCookie(window.cookies[name])
	session, err := s.Get(r, name)
	if !errors.Is(err, context.Canceled) || session == nil || !session.IsNew || session.ID != "" || len(session.Values) != 0 {
		t.Errorf("Get: %+v, %v", session, err)
	}
	if err := s.Save(r, w, session); !errors.Is(err, context.Canceled) {
		t.Errorf("Save: %v", err)
	}
	session.ID = client.NewToken("").Reveal()
	session.Options.MaxAge = -1
	if err := s.Save(r, w, session); !errors.Is(err, context.Canceled) || len(w.Result().Cookies()) != 0 {
		t.Errorf("ending: %v, %v", err, w.Result().Cookies())
	}
	session.Options.MaxAge, session.ID = 60, "made up"
	if err := s.Save(r, w, session); err == nil || !strings.Contains(err.Error(), "ID was not made by this store") {
		t.Errorf("Save of an ID of one's own: %v", err)
	}
	if err := s.Renew(r, session); err == nil {
		t.Error("an ID of one's own was renewed")
	}

	keyless := gorillastore.New(memory.New(memory.Options{}))
	fresh := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	session, err = keyless.New(fresh, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := keyless.Save(fresh, w, session); err == nil {
		t.Error("a cookie was made without a key")
	}

	// Somebody else's payload.
	token, _, err := store.SessionOpen(t.Context(), client.OpenOptions{Payload: map[string]int{"a": 1}})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := securecookie.EncodeMulti(name, token.Reveal(), s.Codecs...)
	if err != nil {
		t.Fatal(err)
	}
	fresh.AddCookie(&http.Cookie{Name: name, Value: encoded})
	if session, err := s.New(fresh, name); err == nil || !strings.Contains(err.Error(), "another library") || session.ID != "" {
		t.Errorf("another's payload: %v, %v", session, err)
	}
}
