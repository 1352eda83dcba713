package sessionhttp_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client/sessionhttp"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
)

const floor = cookie + "-floor"

// Two instances of a site that hear nothing of each other within the test: nobody is notified, and the
// next poll is minutes away. A user changes something on one and looks at it on the other.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		carried bool
		want    string
	}{
		"without": {false, "\"old\"\n"}, // the change is undone before the user's eyes
		"with":    {true, "\"new\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.db.Exec(t, "insert into pgsession.settings values ('notify', 'none'), ('lease', '20 minutes'), ('poll', '10 minutes')")
			edit := func(config *sessionhttp.Config) { config.ReadYourWrites = c.carried }
			here, there := b.cache(), b.cache()
			one, two := b.site(here, edit), b.site(there, edit)

			w := one.browser().login()
			w.want(200, "", "/set", "name", "theme", "value", "old")
			elsewhere := &browser{site: two, client: w.client} // browsers keep cookies by host, not by port
			pgtest.Eventually(t, patience, func() bool {
				elsewhere.want(200, "\"old\"\n", "/get", "name", "theme")
				_, source, found, err := there.Lookup(t.Context(), w.key())
				return err == nil && found && source == listener.FromCache
			}, "the other instance has the session in memory")

			w.want(200, "", "/set", "name", "theme", "value", "new")
			elsewhere.want(200, c.want, "/get", "name", "theme")
			w.want(200, "\"new\"\n", "/get", "name", "theme")
		})
	}
}

// A floor that was forged, or is of an epoch gone by, is replaced by what the database says.
func TestAForgedFloorIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := b.site(b.cache(), func(c *sessionhttp.Config) { c.ReadYourWrites = true })
	w := x.browser().login()
	if a := w.want(200, "", "/set", "name", "a", "value", "1"); !strings.Contains(strings.Join(a.Header.Values("Set-Cookie"), "\n"),
		floor+"="+w.cookie(floor)+"; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("Set-Cookie: %v", a.Header.Values("Set-Cookie"))
	}
	own := w.cookie(floor)
	if a := w.want(200, "\"1\"\n", "/get", "name", "a"); len(a.Cookies()) != 0 {
		t.Errorf("a floor that holds is set again: %v", a.Cookies())
	}
	for name, forge := range map[string]func([]byte){
		"a version far ahead": func(b []byte) { b[16] = 0x7f },
		"another epoch":       func(b []byte) { b[0] ^= 1 },
	} {
		b, err := base64.RawURLEncoding.DecodeString(own)
		if err != nil || len(b) != 24 {
			t.Fatalf("the floor is %q: %v", own, err)
		}
		forge(b)
		w.plant(floor, base64.RawURLEncoding.EncodeToString(b))
		w.want(200, "\"1\"\n", "/get", "name", "a")
		if got := w.cookie(floor); got != own {
			t.Errorf("%s: the floor is %q, want %q", name, got, own)
		}
	}
	w.want(200, "", "/logout")
	if w.cookie(floor) != "" {
		t.Error("the floor survives the logout")
	}
}
