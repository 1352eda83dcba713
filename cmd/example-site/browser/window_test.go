package browser_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// patience is how long a step in the browser may take, on a machine that has much else to do.
const patience = time.Minute

// window is a tab of a browser. A method that cannot do what it is asked to ends the test.
type window struct {
	t   *testing.T
	ctx context.Context
}

// startBrowser starts a browser with a profile of its own, and returns its first tab.
func startBrowser(t *testing.T) *window {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(chromium(t))}
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has none for root
	}
	return newWindow(t, context.Background(), chromedp.WithAllocatorOptions(options...))
}

// chromium is the browser's path. The test ends where there is none.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	pgtest.Lacking(t, "chromium", "there is no Chromium along PATH (Debian: the package chromium)")
	return ""
}

func newWindow(t *testing.T, parent context.Context, options ...chromedp.ContextOption) *window { //nolint:revive // the test comes first
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(func() {
		defer cancel()
		closing, end := context.WithTimeout(ctx, patience)
		defer end()
		if err := chromedp.Cancel(closing); err != nil {
			t.Logf("closing the browser: %v", err)
		}
	})
	w := &window{t, ctx}
	// Without a limit of its own: the browser lives as long as the context it is started with.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	return w
}

// another opens another tab of the same browser, with the same cookies.
func (w *window) another() *window {
	w.t.Helper()
	return newWindow(w.t, w.ctx)
}

// stranger opens a tab that shares nothing with this one, as on somebody else's machine.
func (w *window) stranger() *window {
	w.t.Helper()
	return newWindow(w.t, w.ctx, chromedp.WithNewBrowserContext())
}

// do runs steps in the browser.
func (w *window) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

// loads runs steps that lead to another page, and returns the status it came with.
func (w *window) loads(what string, steps ...chromedp.Action[chromedp.Void]) int {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, steps...)
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	return int(response.Status)
}

// value runs an action that returns something.
func value[T any](w *window, what string, action chromedp.Action[T]) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	return v
}

// open goes to a page, as somebody does who types its address.
func (w *window) open(home *url.URL, path string) int {
	w.t.Helper()
	return w.loads("opening "+path, chromedp.Navigate(home.JoinPath(path).String()))
}

// fill types into fields of a form, named by their ids.
func (w *window) fill(fields ...string) {
	w.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		w.do("filling in "+fields[i], chromedp.Clear(chromedp.ID(fields[i])), chromedp.SendKeys(chromedp.ID(fields[i]), fields[i+1]))
	}
}

// press clicks what leads to another page, and returns the status it came with.
func (w *window) press(selector string) int {
	w.t.Helper()
	return w.loads("pressing "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// text is what a person reads in an element.
func (w *window) text(selector string) string {
	w.t.Helper()
	return value(w, "reading "+selector, chromedp.Text(chromedp.CSS(selector)))
}

// path is where the window is.
func (w *window) path() string {
	w.t.Helper()
	at, err := url.Parse(value(w, "asking where it is", chromedp.Location()))
	if err != nil {
		w.t.Fatal(err)
	}
	return at.Path
}

// is compares where the window is, and as whom it is logged in there; "" is nobody.
func (w *window) is(path, user string) {
	w.t.Helper()
	if at := w.path(); at != path {
		w.t.Errorf("the window is at %s, wanted %s", at, path)
	}
	who := value(w, "asking who is logged in", chromedp.Evaluate[string](`(document.getElementById("user") || {textContent: ""}).textContent`))
	if who != user {
		w.t.Errorf("logged in is %q, wanted %q", who, user)
	}
}

// cookie returns the cookie of a name as the browser keeps it for the page, nil where it has none.
func (w *window) cookie(name string) *network.Cookie {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	all, err := chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		w.t.Fatalf("asking for the cookies: %v", err)
	}
	for _, c := range all.Cookies {
		if c.Name == name {
			return c
		}
	}
	return nil
}

const password = "correct horse battery"

// signUp registers and activates an account.
func (w *window) signUp(home *url.URL, username string) {
	w.t.Helper()
	w.open(home, "/register")
	w.fill("username", username, "password", password)
	w.press("main button")
	if key := w.text("#acknowledgement"); len(key) < 16 {
		w.t.Fatalf("the key is %q", key)
	}
	w.press("#activate")
	if w.path() != "/login" {
		w.t.Fatalf("the account was not activated: %s", w.text("main"))
	}
}

// logIn logs in.
func (w *window) logIn(home *url.URL, username string) {
	w.t.Helper()
	w.open(home, "/login")
	w.fill("username", username, "password", password)
	w.press("main button")
	w.is("/account", username)
}
