package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// process is "pgsession serve" as a process of its own.
type process struct {
	url   string
	cmd   *exec.Cmd
	stdin io.Closer
	log   *lockedBuffer
	ended chan error
}

// lockedBuffer may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startServing starts the command and waits until it says where it listens.
func startServing(t *testing.T, db *pgtest.DB, args ...string) *process {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{log: &lockedBuffer{}, ended: make(chan error, 1)}
	p.cmd = exec.Command(executable, append([]string{"serve", "--listen", "127.0.0.1:0", "--log-level", "debug"}, args...)...)
	p.cmd.Env = append(os.Environ(), asCommand+"=1", "DATABASE_URL="+db.DSN())
	p.cmd.Stderr = p.log
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() { p.ended <- p.cmd.Wait() }()
	if _, p.url, _ = strings.Cut(strings.TrimSpace(line), "listens on "); p.url == "" || err != nil {
		t.Fatalf("it said %q: %v\n%s", line, err, p.log)
	}
	return p
}

// wait waits until the process has ended of its own, and expects status 0.
func (p *process) wait(t *testing.T) {
	t.Helper()
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("%v\n%s", err, p.log)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("it does not end\n%s", p.log)
	}
}

// answer is what the gateway said.
type answer struct {
	status int
	Token  string
	answeredSession
	Session  answeredSession
	Error    struct{ Code string }
	etag     string
	Sessions []struct {
		ID      int64
		Current bool
		Origin  struct{ Address, Agent string }
	}
}

type answeredSession struct {
	ID       int64
	Username string
	Payload  json.RawMessage
	Version  int64
	TTL      *int64
	Source   string
}

// ask makes one request, with headers as name and value; a failure to answer at all is status 0.
func (p *process) ask(method, path, token, body string, headers ...string) answer {
	request, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, etag: response.Header.Get("ETag")}
	text, err := io.ReadAll(response.Body)
	if err != nil || len(text) > 0 && json.Unmarshal(text, &a) != nil {
		return answer{}
	}
	return a
}

// login logs anna in and returns her token.
func (p *process) login(t *testing.T, more string) string {
	t.Helper()
	a := p.ask("POST", "/v1/login", "", `{"username": "anna", "password": "secret"`+more+`}`)
	if a.status != 200 || a.Token == "" || a.Session.Username != "anna" {
		t.Fatalf("login: %+v", a)
	}
	return a.Token
}

// newUser makes a database in which anna has an account.
func newUser(t *testing.T) *pgtest.DB {
	t.Helper()
	db := pgtest.New(t)
	db.Exec(t, "select pgsession.user_create('anna', 'secret')")
	return db
}

func TestServeASessionsLife(t *testing.T) {
	t.Parallel()
	db := newUser(t)
	one, two := startServing(t, db), startServing(t, db)
	if a := one.ask("POST", "/v1/login", "", `{"username": "anna", "password": "guess"}`); a.status != 401 || a.Error.Code != "bad_credentials" {
		t.Errorf("wrong password: %+v", a)
	}
	if a := one.ask("POST", "/v1/login", "", `{"username": "`+strings.Repeat("a", 300)+`", "password": "guess"}`); a.status != 400 || a.Error.Code != "invalid" {
		t.Errorf("impossible username: %+v", a)
	}
	token := one.login(t, `, "expiresecs": 100`)
	for _, p := range []*process{one, two} {
		if a := p.ask("GET", "/readyz", "", ""); a.status != 200 {
			t.Errorf("not ready: %+v", a)
		}
		first, second := p.ask("GET", "/v1/session", token, ""), p.ask("GET", "/v1/session", token, "")
		if first.status != 200 || first.Source != "database" || second.Source != "cache" || second.TTL == nil || *second.TTL < 90 || *second.TTL > 100 {
			t.Errorf("read twice: %+v, %+v", first, second)
		}
	}
	if a := one.ask("PATCH", "/v1/session", token, `{"cart": ["tea"], "gone": null}`); a.status != 200 || string(a.Payload) != `{"cart":["tea"]}` || a.Version != 2 {
		t.Errorf("merged: %+v", a)
	}
	pgtest.Eventually(t, 5*time.Second, func() bool { return two.ask("GET", "/v1/session", token, "").Version == 2 }, "the other process sees the change")
	for name, body := range map[string]string{"no object": `[]`, "no text": `{"a": "\u0000"}`} {
		if a := one.ask("PATCH", "/v1/session", token, body); a.status != 400 || a.Error.Code != "invalid" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if a := one.ask("PATCH", "/v1/session", token, `{"a": "`+strings.Repeat("x", 70000)+`"}`); a.status != 413 || a.Error.Code != "payload_too_large" {
		t.Errorf("too large: %+v", a)
	}
	if a := two.ask("DELETE", "/v1/session?wait=true", token, ""); a.status != 204 {
		t.Errorf("ended: %+v", a)
	}
	for _, p := range []*process{one, two} {
		if a := p.ask("GET", "/v1/session", token, ""); a.status != 401 || a.Error.Code != "no_session" {
			t.Errorf("after its end: %+v", a)
		}
	}
	if a := one.ask("PATCH", "/v1/session", token, `{}`); a.status != 401 {
		t.Errorf("merge after its end: %+v", a)
	}
	if a := one.ask("DELETE", "/v1/session", token, ""); a.status != 204 {
		t.Errorf("ended twice: %+v", a)
	}
	for _, p := range []*process{one, two} {
		if log := p.log.String(); strings.Contains(log, token) || strings.Contains(log, "secret") {
			t.Errorf("a secret is in the log:\n%s", log)
		}
	}
}

func TestServeFinishesWhatItHasBegun(t *testing.T) {
	t.Parallel()
	db := newUser(t)
	p := startServing(t, db)
	token := p.login(t, "")
	locker, observer := db.Conn(t), db.Conn(t)
	lock, err := locker.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "select from pgsession.sessions for update"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan answer, 1)
	go func() { answered <- p.ask("DELETE", "/v1/session?wait=true", token, "") }()
	pgtest.Eventually(t, 5*time.Second, func() bool {
		var waiting bool
		err := observer.QueryRow(t.Context(),
			"select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')").Scan(&waiting)
		return err == nil && waiting
	}, "the request waits for the lock")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, 5*time.Second, func() bool { return p.ask("GET", "/healthz", "", "").status == 0 }, "no new requests are taken")
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := <-answered; a.status != 204 {
		t.Errorf("the request under way was answered %+v\n%s", a, p.log)
	}
	p.wait(t)
}

func TestServeWritesPendingTouches(t *testing.T) {
	t.Parallel()
	db := newUser(t)
	p := startServing(t, db)
	token := p.login(t, `, "expiresecs": 1000`)
	db.Exec(t, "update pgsession.sessions set expires = expires - interval '500 seconds'")
	if a := p.ask("GET", "/v1/session", token, ""); a.status != 200 {
		t.Fatalf("read: %+v", a)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.wait(t)
	var moved bool
	err := db.Conn(t).QueryRow(t.Context(), "select expires > statement_timestamp() + interval '900 seconds' from pgsession.sessions").Scan(&moved)
	if err != nil || !moved {
		t.Errorf("the deadline was not moved: %v", err)
	}
}

func TestServeEndsWithItsParent(t *testing.T) {
	t.Parallel()
	p := startServing(t, newUser(t), "--until-eof")
	if err := p.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	p.wait(t)
}

func TestServeAsAnApplicationsRole(t *testing.T) {
	t.Parallel()
	db := newUser(t)
	app := db.As(t)
	db.Exec(t, fmt.Sprintf("select pgsession.grant_app('%s')", app.User))
	p := startServing(t, app)
	token := p.login(t, "")
	if a := p.ask("PATCH", "/v1/session", token, `{"a": 1}`); a.status != 200 {
		t.Errorf("merged: %+v\n%s", a, p.log)
	}
	if a := p.ask("DELETE", "/v1/session", token, ""); a.status != 204 {
		t.Errorf("ended: %+v\n%s", a, p.log)
	}
}

func TestServeSaysWhatIsMissing(t *testing.T) {
	noDatabase(t)
	empty, db := pgtest.Empty(t), pgtest.New(t)
	if got := runCommand(t, "serve", "--listen", "127.0.0.1:0", "--dsn", empty.DSN()); got.status != 1 || !strings.Contains(got.err, "migrate up") {
		t.Errorf("not installed: %+v", got)
	}
	if got := runCommand(t, "serve", "--listen", "127.0.0.1:0", "--dsn", db.As(t).DSN()); got.status != 1 || !strings.Contains(got.err, "grant_app") {
		t.Errorf("no rights: %+v", got)
	}
	db.Exec(t, "create or replace function pgsession.version() returns text language sql as $$ select '99.0.0' $$")
	if got := runCommand(t, "serve", "--listen", "127.0.0.1:0", "--dsn", db.DSN()); got.status != 1 || !strings.Contains(got.err, "99.0.0") {
		t.Errorf("another version: %+v", got)
	}
}
