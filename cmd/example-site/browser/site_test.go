package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// The cookie that browsers get.
const sessionCookie = "__Host-pgsession"

func TestFromRegisteringToLoggingOut(t *testing.T) {
	w := startBrowser(t)
	db := pgtest.New(t)
	one, two := startSite(t, db), startSite(t, db)

	// By hand, as by the button of signUp: the key is typed into the form.
	w.open(one, "/register")
	w.fill("username", "anna", "password", password)
	w.press("main button")
	key := w.text("#acknowledgement")
	w.open(two, "/activate")
	w.fill("username", "anna", "acknowledgement", key+"x")
	if status := w.press("main button"); status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong key: status %d", status)
	}
	w.fill("acknowledgement", key)
	w.press("main button")
	w.is("/login", "")

	// Logged in on one process, read on the other.
	w.logIn(one, "anna")
	w.open(two, "/account")
	w.is("/account", "anna")

	// Logged out in one window, signed out at the next click in the other.
	other := w.another()
	other.open(two, "/")
	other.fill("note", "a secret note")
	other.press("main button")
	if notes := other.text("#notes"); !strings.Contains(notes, "a secret note") {
		t.Errorf("the notes are %q", notes)
	}
	other.open(two, "/account")
	other.is("/account", "anna")
	w.press("#logout")
	w.is("/login", "")
	other.press(`nav a[href="/sessions"]`)
	other.is("/login", "")

	// The back button shows nothing of what was there.
	for range 2 {
		other.do("going back", chromedp.NavigateBack())
		if text := other.text("body"); strings.Contains(text, "anna") || strings.Contains(text, "a secret note") {
			t.Errorf("going back shows %s:\n%s", other.path(), text)
		}
	}
}

// Two tabs of one browser, each on another process.
func TestTwoTabsLoseNothing(t *testing.T) {
	w := startBrowser(t)
	db := pgtest.New(t)
	one, two := startSite(t, db), startSite(t, db)
	w.open(one, "/")
	w.fill("note", "as a visitor")
	w.press("main button")
	w.signUp(one, "anna")
	w.logIn(one, "anna")
	other := w.another()
	w.open(one, "/")
	other.open(two, "/")
	w.fill("note", "from the first tab") // neither has seen what the other writes
	other.fill("note", "from the second tab")
	w.press("main button")
	other.press("main button")
	w.open(one, "/")
	for _, tab := range []*window{w, other} {
		for _, note := range []string{"as a visitor", "from the first tab", "from the second tab"} {
			if notes := tab.text("#notes"); !strings.Contains(notes, note) {
				t.Errorf("%q is lost: %q", note, notes)
			}
		}
	}
}

func TestBehindOneAddress(t *testing.T) {
	w := startBrowser(t)
	home := startSite(t, pgtest.New(t), "--processes", "2")
	w.signUp(home, "anna")
	w.logIn(home, "anna")
	processes := map[string]bool{}
	for range 4 {
		w.open(home, "/account")
		w.is("/account", "anna")
		processes[w.text("#process")] = true
	}
	if len(processes) != 2 {
		t.Errorf("the processes that answered: %v", processes)
	}
	w.open(home, "/sessions")
	if text := w.text("#sessions"); !strings.Contains(text, "Chromium on Linux") && !strings.Contains(text, "Chrom") || !strings.Contains(text, "127.0.0.1") {
		t.Errorf("the sessions are %q", text)
	}
}

func TestEndingOtherSessions(t *testing.T) {
	w := startBrowser(t)
	db := pgtest.New(t)
	one, two := startSite(t, db), startSite(t, db)
	w.signUp(one, "anna")
	w.logIn(one, "anna")
	elsewhere := w.stranger()
	elsewhere.logIn(two, "anna")
	w.open(one, "/sessions")
	w.press("#sessions li:not(.current) button")
	w.is("/sessions", "anna")
	elsewhere.press(`nav a[href="/account"]`)
	elsewhere.is("/login", "")

	elsewhere.logIn(two, "anna")
	w.open(two, "/account")
	w.fill("old", password, "password", "another horse")
	w.press("main button")
	w.is("/account", "anna")
	elsewhere.press(`nav a[href="/sessions"]`)
	elsewhere.is("/login", "")
}

func TestGuessing(t *testing.T) {
	w := startBrowser(t)
	home := startSite(t, pgtest.New(t))
	w.signUp(home, "anna")
	w.open(home, "/login")
	status := 0
	for range 20 {
		w.fill("username", "anna", "password", "guess")
		if status = w.press("main button"); status != http.StatusUnauthorized {
			break
		}
	}
	if text := w.text("#errors"); status != http.StatusTooManyRequests || !strings.Contains(text, "Try again in ") {
		t.Errorf("status %d: %q", status, text)
	}
}

func TestCookies(t *testing.T) {
	w := startBrowser(t)
	home := startSite(t, pgtest.New(t))
	w.signUp(home, "anna")
	if c := w.cookie(sessionCookie); c != nil {
		t.Errorf("a visitor who has kept nothing has the cookie %+v", c)
	}
	w.logIn(home, "anna")
	c := w.cookie(sessionCookie)
	if c == nil {
		t.Fatal("the browser has no cookie")
	}
	if !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || c.Domain != home.Hostname() || !c.Session || len(c.Value) != 44 {
		t.Errorf("the cookie is %+v", c)
	}
	if seen := value(w, "reading the cookies by script", chromedp.Evaluate[string]("document.cookie")); seen != "" {
		t.Errorf("scripts see %q", seen)
	}
	w.press("#logout")
	if c := w.cookie(sessionCookie); c != nil {
		t.Errorf("after logging out the browser has %+v", c)
	}
	w.do("ticking the box", chromedp.Click(chromedp.ID("remember")))
	w.fill("username", "anna", "password", password)
	w.press("main button")
	if c := w.cookie(sessionCookie); c == nil || c.Session {
		t.Errorf("to be remembered, the browser has %+v", c)
	}
}

// Pages of other sites send a form of theirs to ours.
func TestOtherSitesPages(t *testing.T) {
	w := startBrowser(t)
	home := startSite(t, pgtest.New(t))
	w.signUp(home, "anna")
	w.logIn(home, "anna")
	evil := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(rw, `<form method="post" action="%s"><input name="note" value="planted"><button>Win</button></form>`, home.JoinPath("/notes"))
	}))
	t.Cleanup(evil.Close)
	here, err := url.Parse(evil.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{
		"another site":                  "http://localhost:" + here.Port(),
		"another origin of this site's": "http://127.0.0.1:" + here.Port(), // to which SameSite lets the cookie go
	} {
		w.do("visiting "+name, chromedp.Navigate(address))
		if status := w.press("button"); status != http.StatusForbidden {
			t.Errorf("%s: status %d, %q", name, status, w.text("body"))
		}
	}
	w.open(home, "/")
	w.is("/", "anna")
	if notes := w.text("#notes"); strings.Contains(notes, "planted") {
		t.Errorf("the notes are %q", notes)
	}
}

// Somebody plants a session of his own in a browser, hoping that its user logs in to it.
func TestSessionFixation(t *testing.T) {
	victim := startBrowser(t)
	home := startSite(t, pgtest.New(t))
	victim.signUp(home, "anna")
	attacker := victim.stranger()
	attacker.open(home, "/")
	attacker.fill("note", "bait")
	attacker.press("main button")
	planted := attacker.cookie(sessionCookie)
	if planted == nil {
		t.Fatal("the attacker has no session")
	}
	yes := true
	_, err := chromedp.Call(victim.ctx, network.SetCookie, network.SetCookieParams{
		Name: sessionCookie, Value: planted.Value, URL: home.String(), Path: "/", Secure: &yes, HTTPOnly: &yes,
	})
	if err != nil {
		t.Fatal(err)
	}
	victim.logIn(home, "anna")
	if c := victim.cookie(sessionCookie); c == nil || c.Value == planted.Value {
		t.Errorf("after the login the cookie is %+v", c)
	}
	attacker.open(home, "/account")
	attacker.is("/login", "")
}
