package client

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
)

const (
	tokenBytes = 33 // the slot and 32 random bytes
	tokenChars = 44 // the same in base64url; 33 is a multiple of 3, so there is no padding

	redactedToken = "[redacted token]"
)

// Token is what opens a session: the slot and 32 bytes from a CSPRNG. It lives in the cookie and in
// the process that reads it, and nowhere else: the database stores and sees its [Key] only.
//
// However it is printed, logged or marshalled, a Token reads "[redacted token]"; [Token.Reveal] is the
// only way to its text. One hole is Go's own: package fmt prints the unexported fields of a struct
// without asking their methods, so a struct that hides a Token must not be printed, or says how itself.
// Tokens are comparable, and safe for concurrent use. The zero value is no token.
type Token struct {
	b [tokenBytes]byte
}

// NewToken makes a token for a session of username, "" for an anonymous one. Its slot is the first
// byte of sha256(username), random for an anonymous session.
func NewToken(username string) Token {
	if username == "" {
		var slot [1]byte
		mustRead(slot[:])
		return newToken(slot[0])
	}
	return newToken(slotOf(username))
}

// newToken makes a token in a given slot, for a session that keeps its owner.
func newToken(slot byte) Token {
	var t Token
	t.b[0] = slot
	mustRead(t.b[1:])
	return t
}

// mustRead fills b from the system's CSPRNG, which never fails: crypto/rand ends the process instead.
func mustRead(b []byte) {
	if _, err := rand.Read(b); err != nil {
		panic(err)
	}
}

// ParseToken reads a token's text: exactly 44 base64url characters, no padding, no white space.
// Anything else is no token, and false. It allocates nothing.
func ParseToken(s string) (Token, bool) {
	var t Token
	if len(s) != tokenChars {
		return Token{}, false
	}
	var text [tokenChars]byte
	copy(text[:], s)
	// The decoder skips line breaks, so a text that holds one yields fewer bytes.
	n, err := base64.RawURLEncoding.Decode(t.b[:], text[:])
	if err != nil || n != tokenBytes {
		return Token{}, false
	}
	return t, true
}

// Reveal returns the token's text, for the cookie or the Authorization header it travels in. Whoever
// has it has the session.
func (t Token) Reveal() string { return base64.RawURLEncoding.EncodeToString(t.b[:]) }

// Key returns the key under which the token's session is stored: the SHA-256 of its 33 bytes, with the
// slot as the first byte. It allocates nothing.
func (t Token) Key() Key {
	k := Key(sha256.Sum256(t.b[:]))
	k[0] = t.b[0]
	return k
}

// IsZero reports whether t is the zero value, which is no token.
func (t Token) IsZero() bool { return t == Token{} }

// String returns "[redacted token]".
func (Token) String() string { return redactedToken }

// GoString returns "[redacted token]".
func (Token) GoString() string { return redactedToken }

// Format writes "[redacted token]" for every verb.
func (Token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redactedToken) }

// LogValue returns "[redacted token]".
func (Token) LogValue() slog.Value { return slog.StringValue(redactedToken) }

// MarshalText returns "[redacted token]". A token cannot be unmarshalled: use [ParseToken].
func (Token) MarshalText() ([]byte, error) { return []byte(redactedToken), nil }

// MarshalJSON returns "[redacted token]" as a JSON string.
func (Token) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedToken + `"`), nil }
