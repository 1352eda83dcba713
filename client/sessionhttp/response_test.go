package sessionhttp_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

// However a handler begins its answer, the cookie goes out with it.
func TestEveryWayToAnswerSavesFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, respond := range map[string]func(http.ResponseWriter, *http.Request){
		"nothing":     func(http.ResponseWriter, *http.Request) {},
		"WriteHeader": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"Write":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) },
		"WriteString": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") },
		"ReadFrom":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, onlyReader{strings.NewReader("x")}) },
		"ServeFile":   func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "doc.go") },
		"Flusher": func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "x")
		},
		"controller": func(w http.ResponseWriter, _ *http.Request) {
			c := http.NewResponseController(w)
			if err := errors.Join(c.SetWriteDeadline(time.Now().Add(patience)), c.EnableFullDuplex(), c.Flush()); err != nil {
				t.Error(err)
			}
		},
		"early hints": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusOK)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := (&bundle{T: t, db: b.db, pool: b.pool, client: b.client}).site(b.client)
			x.handle("/", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
				if name == "early hints" {
					w.WriteHeader(http.StatusEarlyHints)
				}
				if err := s.Set("a", 1); err != nil {
					return err
				}
				respond(w, r)
				return nil
			})
			for _, http2 := range []bool{false, true} {
				w := x.browser()
				if transport := w.client.Transport.(*http.Transport).Clone(); !http2 {
					transport.ForceAttemptHTTP2 = false
					transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
					w.client.Transport = transport
					t.Cleanup(transport.CloseIdleConnections)
				}
				a := w.get("/")
				if a.ProtoMajor == 2 != http2 && name != "controller" {
					t.Errorf("spoken: %s", a.Proto)
				}
				if w.token() == "" || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Vary") != "Cookie" {
					t.Fatalf("HTTP/2 %v: %d, headers %v", http2, a.StatusCode, a.Header)
				}
				if got := w.payload(); got != `{"a": 1}` {
					t.Errorf("the payload is %s", got)
				}
				if name == "controller" {
					return // HTTP/2 is full duplex anyway, and says that it cannot be made so
				}
			}
		})
	}
}

type onlyReader struct{ io.Reader }

func TestStreaming(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	read := make(chan struct{})
	x.handle("/stream", func(s *sessionhttp.Session, w http.ResponseWriter, _ *http.Request) error {
		if err := s.Set("a", 1); err != nil {
			return err
		}
		_, _ = io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		<-read
		var n int
		if found, err := s.Get("a", &n); err != nil || !found || n != 1 {
			t.Errorf("Get while streaming: %d, %v, %v", n, found, err)
		}
		_, err := io.WriteString(w, "second\n")
		return err
	})
	w := x.browser()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.url+"/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	if !lines.Scan() || lines.Text() != "first" || w.token() == "" {
		t.Fatalf("the first line %q, the token held: %v", lines.Text(), w.token() != "")
	}
	close(read)
	if !lines.Scan() || lines.Text() != "second" {
		t.Fatalf("the second line %q", lines.Text())
	}
}

func TestHijacking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	x.handle("/socket", func(s *sessionhttp.Session, w http.ResponseWriter, _ *http.Request) error {
		if err := s.Set("a", 1); err != nil {
			return err
		}
		conn, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		// As libraries do that are given the header to send.
		_, _ = io.WriteString(buffer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n")
		_ = w.Header().Write(buffer)
		_, _ = io.WriteString(buffer, "\r\nhello\n")
		return buffer.Flush()
	})
	plain := httptest.NewServer(x.srv.Config.Handler)
	defer plain.Close()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", plain.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n")
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil) //nolint:bodyclose // an upgrade has none
	if err != nil {
		t.Fatal(err)
	}
	line, err := reader.ReadString('\n')
	if response.StatusCode != http.StatusSwitchingProtocols || len(response.Cookies()) != 1 || line != "hello\n" || b.sessions() != 1 {
		t.Errorf("%d, %d cookies, %q, %v, %d sessions", response.StatusCode, len(response.Cookies()), line, err, b.sessions())
	}
	// HTTP/2 has nothing to hijack.
	if a := x.browser().get("/socket"); a.StatusCode < http.StatusInternalServerError {
		t.Errorf("hijacking HTTP/2: %d", a.StatusCode)
	}
}

// The session is revoked between the handler's change and the end of its request.
func TestARevokedSessionDoesNotComeBack(t *testing.T) {
	stores(t, func(b *bundle, store client.Store) {
		x := b.site(store)
		written := make(chan error, 1)
		x.handle("/revoked", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
			var value any = "scalar"
			if r.FormValue("kind") == "object" {
				value = map[string]int{"n": 1}
			}
			if err := s.Set("a", value); err != nil {
				return err
			}
			if _, err := b.client.SessionCloseUser(r.Context(), "ann"); err != nil {
				return err
			}
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Length", "6")
			w.Header().Set("Location", "/secret")
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
			_, err := io.WriteString(w, "secret")
			written <- err
			return nil
		})
		for _, kind := range []string{"scalar", "object"} {
			w := x.browser().login()
			token := w.token()
			a := w.want(401, "", "/revoked", "kind", kind)
			if strings.Contains(a.body, "secret") || a.Header.Get("Location") != "" || a.Header.Get("Cache-Control") != "no-store" {
				b.Errorf("%s: the answer is %q, %v", kind, a.body, a.Header)
			}
			if a.Header.Get("Content-Security-Policy") == "" {
				b.Errorf("%s: the site's policy is gone", kind)
			}
			if err := <-written; !errors.Is(err, client.ErrGone) {
				b.Errorf("%s: writing returned %v", kind, err)
			}
			if len(a.Cookies()) > 0 || b.live(token) || b.sessions() != 0 {
				b.Errorf("%s: cookies %v, %d sessions", kind, a.Cookies(), b.sessions())
			}
			w.want(200, "", "/user")
		}
	})
}

func TestTheStoreIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := &counted{Store: b.client}
	x := b.site(store)
	w := x.browser().login()
	store.failing("*")
	for _, page := range []string{"/user", "/get?name=a", "/set?name=a", "/login", "/logout", "/rotate"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.url+page, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := w.do(r); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || len(a.Cookies()) > 0 || strings.Contains(a.body, errAway.Error()) {
			t.Errorf("%s: %d %q %v", page, a.StatusCode, a.body, a.Header)
		}
	}
	store.failing("merge")
	w.want(503, "", "/set", "name", "a", "value", "1")
	store.failing()
	w.want(200, "none", "/get", "name", "a")
	w.want(200, "ann", "/user")
}

func TestAHungStoreIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client, func(c *sessionhttp.Config) { c.Timeout = 200 * time.Millisecond })
	token, _, err := b.client.SessionOpen(t.Context(), client.OpenOptions{Username: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	w := x.browser()
	w.plant(cookie, token.Reveal())
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), "lock table pgsession.sessions"); err != nil {
		t.Fatal(err)
	}
	w.want(503, "", "/user")
}

func TestAHandlerThatFailsSavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	x.handle("/fail", func(s *sessionhttp.Session, w http.ResponseWriter, _ *http.Request) error {
		err := s.Set("a", 1)
		w.WriteHeader(http.StatusInternalServerError)
		return err
	})
	x.handle("/panic", func(s *sessionhttp.Session, _ http.ResponseWriter, r *http.Request) error {
		if err := errors.Join(s.Rotate(r.Context()), s.Set("a", 1)); err != nil {
			return err
		}
		panic(http.ErrAbortHandler)
	})
	inner := x.srv.Config.Handler
	x.start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		inner.ServeHTTP(w, r)
	}))
	w := x.browser()
	w.want(500, "", "/fail")
	if w.token() != "" || b.sessions() != 0 {
		t.Error("an answer of status 500 saved something")
	}
	w.login()
	old := w.token()
	w.want(500, "", "/panic")
	if w.token() == old || b.live(old) {
		t.Error("the new token did not reach the browser")
	}
	if got := w.payload(); got != `{}` {
		t.Errorf("a panic saved %s", got)
	}
	w.want(200, "ann", "/user")
}

// What a handler says of caches is left alone, unless a cookie goes along.
func TestCaches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.client)
	x.handle("/own", func(s *sessionhttp.Session, w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "private, max-age=60")
		w.Header().Set("Vary", "Accept")
		if _, err := s.Username(); err != nil {
			return err
		}
		if r.FormValue("set") != "" {
			return s.Rotate(r.Context())
		}
		return nil
	})
	w := x.browser()
	if a := w.want(200, "", "/user"); a.Header.Get("Cache-Control") != "" || a.Header.Get("Vary") != "Cookie" {
		t.Errorf("a page for visitors: %v", a.Header)
	}
	w.login()
	if a := w.want(200, "", "/user"); a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a page for ann: %v", a.Header)
	}
	if a := w.want(200, "", "/own"); a.Header.Get("Cache-Control") != "private, max-age=60" || strings.Join(a.Header.Values("Vary"), ",") != "Accept,Cookie" {
		t.Errorf("a page that says so itself: %v", a.Header)
	}
	if a := w.want(200, "", "/own", "set", "1"); a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a page with a cookie: %v", a.Header)
	}
}

// sendfile is a server's writer that can send files.
type sendfile struct {
	*httptest.ResponseRecorder
	sent int64
}

func (w *sendfile) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseRecorder, src)
	w.sent += n
	return n, err
}

func (*sendfile) CloseNotify() <-chan bool {
	c := make(chan bool)
	close(c)
	return c
}

// What the server's writer can do is not lost, and what it cannot is no panic.
func TestTheServersWriter(t *testing.T) {
	t.Parallel()
	mw, err := sessionhttp.New(client.New(nil), sessionhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	serve := func(w http.ResponseWriter, h http.HandlerFunc) {
		mw.Handler(h).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	}
	able := &sendfile{ResponseRecorder: httptest.NewRecorder()}
	serve(able, func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "doc.go")
		<-w.(http.CloseNotifier).CloseNotify() //nolint:staticcheck // frameworks still ask for it
	})
	if able.sent == 0 || able.sent != int64(able.Body.Len()) {
		t.Errorf("%d of %d bytes went by ReadFrom", able.sent, able.Body.Len())
	}
	serve(httptest.NewRecorder(), func(w http.ResponseWriter, _ *http.Request) {
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("hijacking what cannot be hijacked: %v", err)
		}
		select {
		case <-w.(http.CloseNotifier).CloseNotify(): //nolint:staticcheck // frameworks still ask for it
			t.Error("the connection is said to be gone")
		default:
		}
	})
}
