package sessionhttp

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	defaultName     = "pgsession"
	hostPrefix      = "__Host-"
	securePrefix    = "__Secure-"
	defaultIdle     = 30 * time.Minute
	defaultRemember = 30 * 24 * time.Hour
	defaultTimeout  = 5 * time.Second
)

// Config says how sessions are carried and kept. The zero value is what a site on HTTPS wants.
type Config struct {
	// CookieName is the cookie that holds the token. Empty: "__Host-pgsession", which is also the
	// gateway's, or "pgsession" with Insecure. Browsers take a cookie whose name begins with "__Host-" from
	// its own host over HTTPS only, so that no neighbouring subdomain can plant one.
	CookieName string

	// Insecure makes cookies that also travel over plain HTTP, for development: no Secure attribute, and no
	// "__Host-" before the default name. Never set it where users are.
	Insecure bool

	// SameSite is the cookie's attribute. Zero: Lax. Strict also keeps it from requests that begin on another
	// site, links included; None sends it along with everything.
	SameSite http.SameSite

	// Partitioned keeps the cookie apart for each site that the pages are embedded in (CHIPS); it usually
	// goes with SameSite None. A site that turns it on later changes CookieName with it: a browser would send
	// the old cookie and the new one, and a request with two different tokens has no session.
	Partitioned bool

	// LegacyCookie names the cookie of the session library that was used before. Where a request carries no
	// token of ours, what is in it is looked up once, as a foreign identifier ([client.KeyOf]), and its
	// session gets a token of ours. Empty: there is none. What scs stores with HashTokenInStore is not found:
	// there the store knows the hash of a hash.
	LegacyCookie string

	// Idle is the idle lifetime of sessions, in whole seconds: it starts anew with every use. Zero: 30
	// minutes. An absolute lifetime is the database's setting absolute_lifetime.
	Idle time.Duration

	// RememberIdle is the idle lifetime, in whole seconds, of sessions that are to outlive the browser
	// ([Remember]). Zero: 30 days. It differs from Idle, because it tells these sessions from the others.
	RememberIdle time.Duration

	// ReadYourWrites carries, in a second cookie, the version that the browser's last change made, for a
	// minute. A user who has just changed something then sees it on every process, however late that process
	// hears of the change; without it, for as long as the database's lease (seconds by default), one may not.
	// Processes that share the site set it alike. The cookie is no secret and not signed: who forges it gets
	// fresher answers than he needs, at one query each. Where answers overtake each other on their way to the
	// browser, the cookie of the earlier one may be what it keeps.
	ReadYourWrites bool

	// ClearSiteData is what a logout has the browser forget, by the header of that name. Nil: "cache" and
	// "storage", of this origin. "cookies" is left out, because it would take away those of the whole
	// registrable domain, other applications' included, and perhaps those set by the same answer. Empty and
	// not nil: the header is not sent.
	ClearSiteData []string

	// TrustedOrigins are origins ("https://app.example.com") whose pages may send requests of unsafe methods
	// although they are not the site's own.
	TrustedOrigins []string

	// CrossOrigin replaces the protection that TrustedOrigins would configure, for sites that let some paths
	// through. Its deny handler is not used. Nil: one that trusts TrustedOrigins.
	CrossOrigin *http.CrossOriginProtection

	// TrustedProxies are the networks of proxies that append to X-Forwarded-For who asked them. From them,
	// and from nobody else, the header is believed. Nil: the client is who connects.
	TrustedProxies []netip.Prefix

	// ErrorHandler answers a request that has failed with err: see [Fail]. Whatever the handler of the request
	// had meant to answer has not been sent. Nil: [AnswerError].
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)

	// Timeout bounds each call of the store, a login's included, on top of the request's context. Zero: 5
	// seconds.
	Timeout time.Duration

	// Logger is told of requests that failed because of the store, at error level, and of those refused, at
	// debug level. No token, payload or password is ever logged. Nil: nobody is told.
	Logger *slog.Logger
}

// complete fills in the defaults, and says what is wrong with the rest.
func (c *Config) complete() error {
	if c.CookieName == "" {
		c.CookieName = hostPrefix + defaultName
		if c.Insecure {
			c.CookieName = defaultName
		}
	}
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	if c.Idle == 0 {
		c.Idle = defaultIdle
	}
	if c.RememberIdle == 0 {
		c.RememberIdle = defaultRemember
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.ClearSiteData == nil {
		c.ClearSiteData = []string{"cache", "storage"}
	}
	if c.ErrorHandler == nil {
		c.ErrorHandler = AnswerError
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(c.checkCookie(), c.checkTimes(), c.checkClearSiteData(), c.protect())
}

func (c *Config) checkCookie() error {
	for _, name := range []string{c.CookieName, c.LegacyCookie} {
		if name != "" && (&http.Cookie{Name: name}).Valid() != nil { //nolint:gosec // it is not sent
			return fmt.Errorf("%q cannot be a cookie's name", name)
		}
	}
	lower := strings.ToLower(c.CookieName)
	prefixed := strings.HasPrefix(lower, strings.ToLower(hostPrefix)) || strings.HasPrefix(lower, strings.ToLower(securePrefix))
	switch {
	case c.LegacyCookie == c.CookieName || c.LegacyCookie == c.floorName():
		return fmt.Errorf("Config.LegacyCookie %q is the name of a cookie of ours", c.LegacyCookie)
	case c.Insecure && prefixed:
		return fmt.Errorf("Config.Insecure does not go with CookieName %q: browsers refuse it over plain HTTP", c.CookieName)
	case c.Insecure && c.Partitioned:
		return errors.New("Config.Insecure does not go with Partitioned: browsers want such a cookie to be Secure")
	case c.Insecure && c.SameSite == http.SameSiteNoneMode:
		return errors.New("Config.Insecure does not go with SameSite None: browsers want such a cookie to be Secure")
	case c.SameSite < http.SameSiteLaxMode || c.SameSite > http.SameSiteNoneMode:
		return errors.New("Config.SameSite has to be Lax, Strict or None")
	}
	return nil
}

func (c *Config) checkTimes() error {
	for name, d := range map[string]time.Duration{"Idle": c.Idle, "RememberIdle": c.RememberIdle} {
		if d < time.Second || d%time.Second != 0 || d/time.Second > math.MaxInt32 {
			return fmt.Errorf("idle lifetime Config.%s of %v is not a positive number of whole seconds, below 2^31", name, d)
		}
	}
	switch {
	case c.Idle == c.RememberIdle:
		return errors.New("Config.Idle and Config.RememberIdle are the same: they have to tell sessions apart")
	case c.Timeout < 0:
		return errors.New("Config.Timeout is negative")
	}
	return nil
}

func (c *Config) checkClearSiteData() error {
	known := []string{"cache", "clientHints", "cookies", "executionContexts", "prefetchCache", "prerenderCache", "storage", "*"}
	for _, what := range c.ClearSiteData {
		if !slices.Contains(known, what) {
			return fmt.Errorf("Config.ClearSiteData has %q, which is none of %s", what, strings.Join(known, ", "))
		}
	}
	return nil
}

// protect makes the protection from requests of other origins.
func (c *Config) protect() error {
	if c.CrossOrigin != nil {
		if len(c.TrustedOrigins) > 0 {
			return errors.New("Config.TrustedOrigins does not go with CrossOrigin: add them to that")
		}
		return nil
	}
	c.CrossOrigin = http.NewCrossOriginProtection()
	for _, origin := range c.TrustedOrigins {
		if err := c.CrossOrigin.AddTrustedOrigin(origin); err != nil {
			return fmt.Errorf("Config.TrustedOrigins: %w", err)
		}
	}
	return nil
}

// idle is the idle lifetime of a login's session.
func (c *Config) idle(opts []LoginOption) time.Duration {
	var o loginOptions
	for _, opt := range opts {
		opt(&o)
	}
	if o.remember {
		return c.RememberIdle
	}
	return c.Idle
}

// rememberSecs tells the sessions that outlive the browser: by their idle lifetime, which the store keeps.
func (c *Config) rememberSecs() int32 { return int32(c.RememberIdle / time.Second) } //nolint:gosec // checkTimes has looked
