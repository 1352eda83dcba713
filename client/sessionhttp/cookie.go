package sessionhttp

import (
	"net/http"
	"strings"

	"github.com/pgsession/pgsession/client"
)

const (
	// forever is how long browsers keep a cookie at most, in seconds. How long its session lives is decided
	// by the database and moves with use, which a cookie's age would not.
	forever = 400 * 24 * 60 * 60
	// legacyMost bounds a foreign identifier: browsers send no longer cookie.
	legacyMost = 4096
)

// token returns the token that a request carries; false where it carries none, or several that differ:
// one of them would have been planted.
func (c *Config) token(r *http.Request) (client.Token, bool) {
	var found client.Token
	for _, cookie := range r.CookiesNamed(c.CookieName) {
		token, ok := client.ParseToken(cookie.Value)
		if !ok {
			continue
		}
		if !found.IsZero() && found != token {
			return client.Token{}, false
		}
		found = token
	}
	return found, !found.IsZero()
}

// legacy returns the key of the foreign identifier that a request carries.
func (c *Config) legacy(r *http.Request) (client.Key, bool) {
	if c.LegacyCookie == "" {
		return client.Key{}, false
	}
	cookies := r.CookiesNamed(c.LegacyCookie)
	if len(cookies) != 1 || cookies[0].Value == "" || len(cookies[0].Value) > legacyMost {
		return client.Key{}, false
	}
	return client.KeyOf(cookies[0].Value), true
}

// setCookie puts a cookie in a response's header, in place of one of the same name: of two, browsers keep
// whichever comes last. maxAge is in seconds; 0: until the browser is closed; negative: take it away.
func (c *Config) setCookie(h http.Header, name, value string, maxAge int) {
	cookie := http.Cookie{ //nolint:gosec // insecure only where Config.Insecure says so
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: !c.Insecure, HttpOnly: true, SameSite: c.SameSite, Partitioned: c.Partitioned,
	}
	lines := h["Set-Cookie"]
	kept := lines[:0:0]
	for _, line := range lines {
		if !strings.HasPrefix(line, name+"=") {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, cookie.String())
}

// outgoing is what a response tells the browser.
type outgoing struct {
	token     client.Token // zero: nothing new
	remember  bool         // the token's cookie outlives the browser
	end       bool         // take the token's cookie away
	endLegacy bool
	clear     bool         // forget more than cookies: a logout
	floor     client.Floor // zero: nothing new
}

// write sets the cookies, and reports whether there were any.
func (o *outgoing) write(c *Config, h http.Header) bool {
	wrote := false
	set := func(name, value string, maxAge int) {
		c.setCookie(h, name, value, maxAge)
		wrote = true
	}
	switch {
	case !o.token.IsZero() && o.remember:
		set(c.CookieName, o.token.Reveal(), forever)
	case !o.token.IsZero():
		set(c.CookieName, o.token.Reveal(), 0)
	case o.end:
		set(c.CookieName, "", -1)
	}
	if o.endLegacy {
		set(c.LegacyCookie, "", -1)
	}
	switch {
	case !c.ReadYourWrites:
	case !o.floor.Epoch.IsZero():
		set(c.floorName(), formatFloor(o.floor), floorAge)
	case o.end:
		set(c.floorName(), "", -1)
	}
	return wrote
}

// clearSiteData writes the header of that name: a list of quoted strings.
func clearSiteData(what []string) string { return `"` + strings.Join(what, `", "`) + `"` }
