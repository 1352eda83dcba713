package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/listener"
)

// sessionBody is a session as it is told over HTTP.
type sessionBody struct {
	ID       int64           `json:"id"`
	Username *string         `json:"username"` // null: anonymous
	Payload  json.RawMessage `json:"payload"`
	Version  int64           `json:"version"`
	TTL      *int64          `json:"ttl"` // whole seconds left, rounded down; null: it never ends by itself
	Source   string          `json:"source"`
}

func bodyOf(s *client.Session, source listener.Source) sessionBody {
	b := sessionBody{ID: s.ID, Payload: s.Payload.Bytes(), Version: s.Version, TTL: secondsLeft(s), Source: source.String()}
	if s.Username != "" {
		b.Username = &s.Username
	}
	return b
}

// secondsLeft is how long a session lives from now on if it is not used; nil: forever.
func secondsLeft(s *client.Session) *int64 {
	left, ends := s.TTL()
	if !ends {
		return nil
	}
	seconds := int64(left / time.Second)
	return &seconds
}

// writeSession answers with a session, and tells proxies whose it is.
func writeSession(w http.ResponseWriter, s *client.Session, source listener.Source) error {
	describe(w.Header(), s)
	return writeJSON(w, http.StatusOK, bodyOf(s, source))
}

// describe sets the headers that go with a session.
func describe(h http.Header, s *client.Session) {
	h.Set("ETag", etagOf(s))
	if s.Username != "" {
		h.Set("X-Session-User", headerText(s.Username))
	}
}

// headerText writes text so that a header can hold it: whatever is not visible ASCII, and the percent sign itself, as percent and
// two hexadecimal digits for each byte of its UTF-8.
func headerText(text string) string {
	const digits = "0123456789ABCDEF"
	escaped := make([]byte, 0, len(text))
	for i := range len(text) {
		c := text[i]
		if c > ' ' && c < 0x7f && c != '%' {
			escaped = append(escaped, c)
			continue
		}
		escaped = append(escaped, '%', digits[c>>4], digits[c&15])
	}
	return string(escaped)
}

// writeJSON answers with a body. Text in it stays as it is: it is no HTML.
func writeJSON(w http.ResponseWriter, status int, body any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // fails only if whoever asked is gone
	return nil
}

// readBody returns a request's body, which has to be of one of the media types.
func readBody(r *http.Request, mediaTypes ...string) ([]byte, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(mediaTypes, mediaType) {
		return nil, errMediaType
	}
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errBodyTooLarge
	case err != nil:
		return nil, badRequest("the body could not be read")
	case !json.Valid(body) || !utf8.Valid(body):
		return nil, badRequest("the body is not JSON in UTF-8")
	case hasHalfCharacter(body):
		return nil, badRequest("the body has half of a surrogate pair, which is no character")
	}
	return body, nil
}

// hasHalfCharacter reports whether valid JSON escapes a surrogate (\ud800 to \udfff) that is not one of a pair. The database would
// refuse it; decoding makes it another character, and so maybe another's username.
func hasHalfCharacter(body []byte) bool {
	for i := bytes.IndexByte(body, '\\'); i >= 0 && i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		i++ // what is escaped, a backslash for one
		if body[i] != 'u' {
			continue
		}
		if first := escaped(body[i-1:]); utf16.IsSurrogate(first) {
			if utf16.DecodeRune(first, escaped(body[i+5:])) == utf8.RuneError {
				return true
			}
			i += 6
		}
	}
	return false
}

// escaped returns the number in a \uXXXX that text begins with, 0 where it does not.
func escaped(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0
	}
	number, _ := strconv.ParseUint(string(text[2:6]), 16, 16) // valid JSON has four digits here
	return rune(number)
}
