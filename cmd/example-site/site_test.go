package main

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pgsession/pgsession/internal/pgtest"
)

func TestRegistering(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, start(t, pgtest.New(t), "--processes", "2").url)
	v.get("/register").is(t, 200, "/register", `name="username"`, `name="password"`)
	for _, tt := range []struct{ username, password, says string }{
		{"", password, "Enter a username."},
		{" anna", password, "does not begin or end with a space"},
		{"an\x01na", password, "no control characters"},
		{strings.Repeat("ä", 65), password, "at most 64 characters"},
		{"anna", "", "Enter a password."},
		{"anna", "seven 7", "at least 8 characters"},
		{"anna", strings.Repeat("ä", 37), "at most 72 bytes"},
		{"anna-anna", "anna-anna", "must not be the username"},
		{"anna", "12345678\x00", "no zero bytes"},
	} {
		p := v.post("/register", "username", tt.username, "password", tt.password)
		p.is(t, http.StatusUnprocessableEntity, "/register", tt.says, `aria-invalid="true"`)
		if tt.password != "" && tt.password != tt.username && strings.Contains(p.text, tt.password) {
			t.Errorf("the page holds the password:\n%s", p.text)
		}
	}
	const name = `ännä <b>&"'`
	p := v.post("/register", "username", name, "password", password)
	p.is(t, 200, "/register", name)
	key := p.element("acknowledgement")
	if len(key) < 16 {
		t.Fatalf("the key is %q:\n%s", key, p.text)
	}
	v.post("/register", "username", name, "password", password).is(t, http.StatusConflict, "/register", "is taken")
	v.post("/login", "username", name, "password", password).is(t, http.StatusForbidden, "/login", "not been activated")

	v.post("/activate", "username", name).is(t, http.StatusUnprocessableEntity, "/activate", "Enter the key")
	v.post("/activate", "acknowledgement", key).is(t, http.StatusUnprocessableEntity, "/activate", "Enter your username")
	v.post("/activate", "username", name, "acknowledgement", key+"x").is(t, http.StatusUnprocessableEntity, "/activate", "does not belong")
	v.post("/activate", "username", "nobody", "acknowledgement", key).is(t, http.StatusUnprocessableEntity, "/activate", "does not belong")
	v.post("/activate", "username", name, "acknowledgement", " "+key+" ").is(t, 200, "/login", "Your account is active")
	v.post("/activate", "username", name, "acknowledgement", key).is(t, http.StatusUnprocessableEntity, "/activate")

	v.post("/login", "username", name).is(t, http.StatusUnprocessableEntity, "/login", "Enter your password")
	v.post("/login", "username", name, "password", "wrong").is(t, http.StatusUnauthorized, "/login", "is wrong")
	v.post("/login", "username", "nobody", "password", "wrong").is(t, http.StatusUnauthorized, "/login", "is wrong")
	v.post("/login", "username", strings.Repeat("x", 300), "password", "wrong").is(t, http.StatusUnauthorized, "/login", "is wrong")
	v.post("/login", "username", name, "password", password).is(t, 200, "/account", name)
	v.get("/login").is(t, 200, "/account")
}

func TestEveryProcessKnows(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, start(t, pgtest.New(t), "--processes", "2").url)
	for _, path := range []string{"/account", "/sessions"} {
		v.get(path).is(t, 200, "/login", "Please log in first")
	}
	v.signUp("anna")
	processes := map[string]bool{}
	for range 4 {
		p := v.get("/account")
		p.is(t, 200, "/account", "anna")
		processes[p.element("process")] = true
	}
	if len(processes) != 2 {
		t.Errorf("the processes that answered: %v", processes)
	}
	old := v.cookie("pgsession")
	v.get("/logout").is(t, 200, "/logout", "anna")
	v.post("/logout").is(t, 200, "/login", "You are logged out")
	for range 2 {
		v.get("/account").is(t, 200, "/login")
	}
	// Whoever has kept the token has nothing.
	v.client.Jar.SetCookies(v.home, []*http.Cookie{{Name: "pgsession", Value: old, Path: "/"}})
	for range 2 {
		v.get("/account").is(t, 200, "/login")
	}
}

// Two tabs share a cookie and write at the same time, each to another process.
func TestNoNoteIsLost(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, start(t, pgtest.New(t), "--processes", "2").url)
	v.post("/notes", "note", "as a visitor").is(t, 200, "/", "as a visitor")
	v.signUp("anna")
	const tabs, each = 2, 5
	var done sync.WaitGroup
	for tab := range tabs {
		done.Go(func() {
			for i := range each {
				v.post("/notes", "note", fmt.Sprintf("tab %d, note %d.", tab, i))
			}
		})
	}
	done.Wait()
	for range 2 {
		p := v.get("/")
		p.is(t, 200, "/", "as a visitor")
		for tab := range tabs {
			for i := range each {
				p.is(t, 200, "/", fmt.Sprintf("tab %d, note %d.", tab, i))
			}
		}
	}
	name := regexp.MustCompile(`name="name" value="([^"]+)"`).FindStringSubmatch(v.get("/").text)
	p := v.post("/notes/delete", "name", name[1])
	p.is(t, 200, "/", "tab 0, note 0")
	if strings.Contains(p.text, "as a visitor") {
		t.Errorf("the note is still there:\n%s", p.text)
	}
	v.post("/notes", "note", " ").is(t, http.StatusUnprocessableEntity, "/notes", "Enter a note")
	v.post("/notes", "note", strings.Repeat("x", 501)).is(t, http.StatusUnprocessableEntity, "/notes", "at most 500")
	v.post("/notes", "note", "\x00").is(t, http.StatusUnprocessableEntity, "/notes", "cannot be kept")
	v.post("/notes/delete", "name", "somebody else's").is(t, http.StatusBadRequest, "/notes/delete")
	v.post("/notes", "note", strings.Repeat("x", 70000)).is(t, http.StatusBadRequest, "/notes", "too long")
}

func TestTheNotepadIsFull(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(t, "insert into pgsession.settings (name, value) values ('payload_max', '1024')")
	v := newVisitor(t, start(t, db).url)
	v.post("/notes", "note", strings.Repeat("x", 500)).is(t, 200, "/")
	v.post("/notes", "note", strings.Repeat("y", 500)).is(t, http.StatusUnprocessableEntity, "/notes", "full", "xxx")
}

func TestOnesOwnSessions(t *testing.T) {
	t.Parallel()
	home := start(t, pgtest.New(t), "--processes", "2").url
	laptop, phone, tablet := newVisitor(t, home), newVisitor(t, home), newVisitor(t, home)
	laptop.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	phone.headers["User-Agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
	laptop.signUp("anna")
	logIn := func(v *visitor, password string) page {
		return v.post("/login", "username", "anna", "password", password)
	}
	logIn(phone, password).is(t, 200, "/account")
	logIn(tablet, password).is(t, 200, "/account")

	p := laptop.get("/sessions")
	p.is(t, 200, "/sessions", "Firefox on Linux", "Safari on iPhone", "this session", "127.0.0.1")
	// The newest come first: tablet, phone, laptop.
	ids := regexp.MustCompile(`action="/sessions/(\d+)"`).FindAllStringSubmatch(p.text, -1)
	if len(ids) != 3 {
		t.Fatalf("%d sessions are listed:\n%s", len(ids), p.text)
	}
	laptop.post("/sessions/"+ids[1][1]).is(t, 200, "/sessions", "has been ended")
	laptop.post("/sessions/"+ids[1][1]).is(t, 200, "/sessions") // twice is once
	phone.isSignedOut()
	tablet.get("/account").is(t, 200, "/account")
	stranger := newVisitor(t, home)
	stranger.signUp("bob")
	stranger.post("/sessions/"+ids[0][1]).is(t, 200, "/sessions")
	tablet.get("/account").is(t, 200, "/account")
	laptop.post("/sessions/x").is(t, http.StatusNotFound, "/sessions/x")

	laptop.post("/sessions").is(t, 200, "/sessions", "other sessions have been ended")
	tablet.isSignedOut()
	stranger.get("/account").is(t, 200, "/account", "bob")

	// A new password ends all sessions but this one, which gets another token.
	logIn(phone, password).is(t, 200, "/account")
	before := laptop.cookie("pgsession")
	laptop.post("/account", "old", "wrong", "password", "another horse").is(t, http.StatusUnprocessableEntity, "/account", "not your current password")
	laptop.post("/account", "old", password, "password", "short").is(t, http.StatusUnprocessableEntity, "/account", "at least 8")
	laptop.post("/account", "old", password, "password", "another horse").is(t, 200, "/account", "Your password is changed")
	if after := laptop.cookie("pgsession"); after == "" || after == before {
		t.Errorf("the token after the change: %q", after)
	}
	phone.isSignedOut()
	for range 2 {
		laptop.get("/account").is(t, 200, "/account", "anna")
	}
	logIn(phone, password).is(t, http.StatusUnauthorized, "/login")
	logIn(phone, "another horse").is(t, 200, "/account")

	// Ending the own session is logging out.
	p = phone.get("/sessions")
	own := regexp.MustCompile(`(?s)class="current".*?action="/sessions/(\d+)"`).FindStringSubmatch(p.text)
	phone.post("/sessions/"+own[1]).is(t, 200, "/login", "You are logged out")
}

func TestGuessing(t *testing.T) {
	t.Parallel()
	home := start(t, pgtest.New(t), "--processes", "2").url
	v := newVisitor(t, home)
	newVisitor(t, home).signUp("anna")
	var p page
	for range 20 {
		if p = v.post("/login", "username", "anna", "password", "guess"); p.status == http.StatusTooManyRequests {
			break
		}
		p.is(t, http.StatusUnauthorized, "/login")
	}
	p.is(t, http.StatusTooManyRequests, "/login", "Try again in ")
	if p.header.Get("Retry-After") == "" {
		t.Errorf("header: %v", p.header)
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	auto, never := start(t, db), start(t, db, "--plain-cookies", "never")
	two := start(t, db, "--processes", "2", "--trusted-proxy", "127.0.0.0/8")
	always := start(t, db, "--plain-cookies", "always")
	const (
		plain  = "pgsession=; Path=/; HttpOnly; SameSite=Lax"
		secure = "__Host-pgsession=; Path=/; HttpOnly; Secure; SameSite=Lax"
	)
	for _, tt := range []struct {
		name          string
		home          *url.URL
		header, value string
		want          string
	}{
		{"a program on loopback", auto.url, "", "", plain},
		{"a browser on loopback", auto.url, "Sec-Fetch-Site", "same-origin", secure},
		{"a program elsewhere", never.url, "", "", secure},
		{"through a proxy on loopback", auto.url, "X-Forwarded-For", "203.0.113.7", secure},
		{"through a proxy that speaks HTTPS", auto.url, "X-Forwarded-Proto", "https", secure},
		{"through a proxy, of a program on loopback", auto.url, "X-Forwarded-For", "127.0.0.1, ::1", plain},
		{"two processes", two.url, "", "", plain},
		{"through a proxy to two processes", two.url, "X-Forwarded-For", "203.0.113.7", secure},
		{"always", always.url, "X-Forwarded-For", "203.0.113.7", plain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVisitor(t, tt.home)
			v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			if tt.header != "" {
				v.headers[tt.header] = tt.value
			}
			p := v.post("/notes", "note", "x")
			got := regexp.MustCompile(`=[^;]*;`).ReplaceAllString(p.header.Get("Set-Cookie"), "=;")
			got = strings.Replace(got, "Path=;", "Path=/;", 1)
			if p.status != http.StatusSeeOther || got != tt.want {
				t.Errorf("status %d, cookie %q, wanted %q", p.status, got, tt.want)
			}
		})
	}
	// A browser on loopback keeps the one with all its attributes, and no other is taken from it.
	v := newVisitor(t, auto.url)
	v.signUp("anna")
	v.headers["Sec-Fetch-Site"] = "same-origin"
	v.get("/account").is(t, 200, "/login")
}

// X-Forwarded-For is believed of the proxies that were named, however many processes there are.
func TestAddressesBehindAProxy(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for i, tt := range []struct {
		args []string
		want string
	}{
		{nil, "127.0.0.1"},
		{[]string{"--processes", "2"}, "127.0.0.1"},
		{[]string{"--trusted-proxy", "127.0.0.0/8"}, "203.0.113.7"},
		{[]string{"--processes", "2", "--trusted-proxy", "127.0.0.0/8"}, "203.0.113.7"},
		{[]string{"--processes", "2", "--trusted-proxy", "192.0.2.0/24"}, "127.0.0.1"},
	} {
		v := newVisitor(t, start(t, db, append(tt.args, "--plain-cookies", "always")...).url)
		v.headers["X-Forwarded-For"] = "198.51.100.1, 203.0.113.7"
		v.signUp(fmt.Sprint("user", i))
		v.get("/sessions").is(t, 200, "/sessions", tt.want+",")
	}
}

func TestOtherSitesPages(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, start(t, pgtest.New(t)).url)
	v.signUp("anna")
	v.headers["Origin"] = "https://evil.example"
	v.post("/notes", "note", "planted").is(t, http.StatusForbidden, "/notes", "another site")
	v.post("/logout").is(t, http.StatusForbidden, "/logout")
	delete(v.headers, "Origin")
	p := v.get("/")
	p.is(t, 200, "/", "anna")
	if strings.Contains(p.text, "planted") {
		t.Errorf("the note was taken:\n%s", p.text)
	}
}

// Somebody plants a session of his own, hoping that the victim logs in to it.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	home := start(t, pgtest.New(t), "--processes", "2").url
	newVisitor(t, home).signUp("anna")
	attacker, victim := newVisitor(t, home), newVisitor(t, home)
	attacker.post("/notes", "note", "bait")
	planted := attacker.cookie("pgsession")
	victim.client.Jar.SetCookies(home, []*http.Cookie{{Name: "pgsession", Value: planted, Path: "/"}})
	victim.post("/login", "username", "anna", "password", password).is(t, 200, "/account", "anna")
	if token := victim.cookie("pgsession"); token == "" || token == planted {
		t.Errorf("the token after the login: %q", token)
	}
	for range 2 {
		attacker.get("/account").is(t, 200, "/login")
	}
	// Nor is a token adopted that nobody has given.
	invented := strings.Repeat("A", 44)
	jar, _ := cookiejar.New(nil)
	jar.SetCookies(home, []*http.Cookie{{Name: "pgsession", Value: invented, Path: "/"}})
	victim.client.Jar = jar
	victim.post("/notes", "note", "mine").is(t, 200, "/", "mine")
	if victim.cookie("pgsession") == invented {
		t.Error("an invented token was adopted")
	}
}

func TestEveryPageIsProtected(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, start(t, pgtest.New(t)).url)
	for path, status := range map[string]int{"/": 200, "/login": 200, "/register": 200, "/nosuch": 404, "/static/site.css": 200} {
		p := v.get(path)
		p.is(t, status, path)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"Referrer-Policy":         "same-origin", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if !strings.HasPrefix(path, "/static") && p.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be stored: %v", path, p.header)
		}
		if strings.Contains(p.text, "<script") || strings.Contains(p.text, "style=") {
			t.Errorf("%s holds what its policy forbids", path)
		}
	}
}
