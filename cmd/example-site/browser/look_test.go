package browser_test

import (
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// screenshots is where TestLook writes pictures of the pages: go test -run Look -args -screenshots ../screenshots
var screenshots = flag.String("screenshots", "", "write pictures of the pages into this `folder`")

// scheme has the browser prefer light or dark.
func (w *window) scheme(name string) {
	w.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}
	if _, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		w.t.Fatalf("preferring %s: %v", name, err)
	}
}

// agent has the browser call itself something else.
func (w *window) agent(name string) {
	w.t.Helper()
	if _, err := chromedp.Call(w.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: name}); err != nil {
		w.t.Fatalf("calling itself %s: %v", name, err)
	}
}

// look checks a page in light and in dark, wide and narrow, and takes its picture if pictures are wanted.
func (w *window) look(name string) {
	w.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		w.scheme(scheme)
		for _, problem := range value(w, "inspecting "+name, chromedp.Evaluate[[]string](inspect)) {
			w.t.Errorf("%s, %s: %s", name, scheme, problem)
		}
		if *screenshots == "" || !slices.Contains([]string{"login", "notepad", "sessions", "account-errors"}, name) {
			continue
		}
		picture := value(w, "taking a picture of "+name, chromedp.CaptureScreenshot())
		if err := os.WriteFile(filepath.Join(*screenshots, name+"-"+scheme+".png"), picture, 0o644); err != nil {
			w.t.Error(err)
		}
	}
	w.do("narrowing the window", chromedp.EmulateViewport(320, 640))
	if value(w, "measuring "+name, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > innerWidth")) {
		w.t.Errorf("%s does not fit a phone", name)
	}
	w.do("widening the window", chromedp.EmulateViewport(wide, high))
}

const wide, high = 820, 620

// inspect is a script that lists what people would stumble over: fields without a label, text that is hard to read against what it
// stands on, more or less than one h1.
const inspect = `(() => {
  const problems = [];
  for (const e of document.querySelectorAll("input:not([type=hidden]), button"))
    if (!(e.labels && e.labels.length) && !e.textContent.trim()) problems.push("no label: " + e.outerHTML);
  for (const e of document.querySelectorAll("[aria-describedby], [aria-labelledby]"))
    for (const id of (e.getAttribute("aria-describedby") || e.getAttribute("aria-labelledby")).split(" "))
      if (!document.getElementById(id)) problems.push("nothing has the id " + id);
  for (const e of document.querySelectorAll(".errors a"))
    if (!document.querySelector(e.getAttribute("href"))) problems.push("leads nowhere: " + e.outerHTML);
  if (document.querySelectorAll("h1").length !== 1) problems.push("not one h1");
  const rgb = c => c.match(/[\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] !== 0) return c; } return "rgb(255, 255, 255)"; };
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) problems.push("contrast " + ((a + .05) / (b + .05)).toFixed(2) + ": " + e.outerHTML.slice(0, 80));
  }
  return problems;
})()`

func TestLook(t *testing.T) {
	w := startBrowser(t)
	home := startSite(t, pgtest.New(t))
	w.do("setting the window's size", chromedp.EmulateViewport(wide, high))
	w.open(home, "/register")
	w.look("register")
	w.fill("username", "anna", "password", password)
	w.press("main button")
	w.look("registered")
	w.press("#activate")
	w.look("login")
	for _, path := range []string{"/activate", "/logout", "/nosuch"} {
		w.open(home, path)
		w.look(strings.TrimPrefix(path, "/"))
	}
	w.logIn(home, "anna")
	w.look("account")
	phone := w.stranger()
	phone.agent("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36")
	phone.logIn(home, "anna")
	w.open(home, "/sessions")
	w.look("sessions")
	w.open(home, "/")
	for _, note := range []string{"Tea, if there is any", "Call the plumber back on Tuesday", "A note from the other tab"} {
		w.fill("note", note)
		w.press("main button")
	}
	w.look("notepad")
	w.errors(home)
}

// errors looks at a form that was filled in wrongly: where the keyboard is then, and what is said of which field.
func (w *window) errors(home *url.URL) {
	w.t.Helper()
	w.open(home, "/account")
	w.fill("password", "short")
	if status := w.press("main button"); status != http.StatusUnprocessableEntity {
		w.t.Errorf("status %d", status)
	}
	w.look("account-errors")
	if focus := value(w, "asking for the focus", chromedp.Evaluate[string]("document.activeElement.id")); focus != "errors" {
		w.t.Errorf("the focus is on %q", focus)
	}
	w.do("following the link to the field", chromedp.Click(chromedp.CSS(`#errors a[href="#password"]`)))
	if focus := value(w, "asking for the focus", chromedp.Evaluate[string]("document.activeElement.id")); focus != "password" {
		w.t.Errorf("the focus is on %q", focus)
	}
}
