package gateway

import (
	"net/http"
	"strings"

	"github.com/pgsession/pgsession/client"
)

// CookieName is the cookie that holds a session's token. Its prefix has browsers accept it only over HTTPS (or from localhost),
// for the whole host, and send it to no other host.
const CookieName = "__Host-pgsession"

// keyOf returns the key of the token that a request carries; false if it carries none or a malformed one. A bearer token wins over
// the cookie, because whoever sends it means it, while a browser sends the cookie by itself.
func keyOf(r *http.Request) (client.Key, bool) {
	text, ok := bearer(r.Header.Get("Authorization"))
	if !ok {
		cookie, err := r.Cookie(CookieName)
		if err != nil {
			return client.Key{}, false
		}
		text = cookie.Value
	}
	token, ok := client.ParseToken(text)
	if !ok {
		return client.Key{}, false
	}
	return token.Key(), true
}

// bearer returns the token of an Authorization header of the scheme Bearer. Another scheme is somebody else's business.
func bearer(header string) (string, bool) {
	scheme, token, _ := strings.Cut(header, " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// setCookie hands the token to a browser, until the browser is closed: how long a session lives is decided by the database, and
// moves with use.
func setCookie(w http.ResponseWriter, token client.Token) { writeCookie(w, token.Reveal(), 0) }

// forgetCookie takes the cookie of a session that has been ended away again, unless it may be another session's: of a request that
// has both, the bearer token counts.
func forgetCookie(w http.ResponseWriter, r *http.Request) {
	_, byBearer := bearer(r.Header.Get("Authorization"))
	if _, err := r.Cookie(CookieName); err == nil && !byBearer {
		writeCookie(w, "", -1)
	}
}

func writeCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
