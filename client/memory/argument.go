package memory

import (
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pgsession/pgsession/client"
)

const (
	usernameMax = 255 // characters
	passwordMax = 72  // bytes: what bcrypt reads
	originMax   = 4096
)

// checkText refuses what PostgreSQL's text cannot hold.
func checkText(op, what, text string) error {
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return invalid(op, what+" contains a NUL character or is not valid UTF-8", "PostgreSQL could not store it.")
	}
	return nil
}

func checkUsername(op, username string) error {
	if err := checkText(op, "username", username); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(username); n < 1 || n > usernameMax || strings.ContainsFunc(username, unicode.IsControl) {
		return invalid(op, "invalid username", "A username has 1 to 255 characters, none of them a control character.")
	}
	return nil
}

func checkPassword(op, password string) error {
	if err := checkText(op, "password", password); err != nil {
		return err
	}
	if n := len(password); n < 1 || n > passwordMax {
		return invalid(op, "invalid password", "A password has 1 to 72 bytes in UTF-8: bcrypt would ignore what comes after.")
	}
	return nil
}

// checkNewPassword is [checkPassword] for a password that is set.
func (s *Store) checkNewPassword(op, password string) error {
	if err := checkPassword(op, password); err != nil {
		return err
	}
	if utf8.RuneCountInString(password) < s.options.PasswordMin {
		return invalid(op, "password too short", "A new password has at least as many characters as Options.PasswordMin says.")
	}
	return nil
}

func checkIdle(op string, idle time.Duration) error {
	if idle < 0 || idle%time.Second != 0 || idle/time.Second > math.MaxInt32 {
		return invalid(op, "invalid idle lifetime", "It is a positive number of whole seconds, or 0 for none.")
	}
	return nil
}

// checkExcept allows at most one session to be spared.
func checkExcept(op string, keys []client.Key) error {
	if len(keys) > 1 {
		return invalid(op, "at most one session can be excepted", "Give one key or none.")
	}
	return nil
}

// jsonText returns a value as the client would send it; "" is nil.
func jsonText(op, what string, v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case client.Payload:
		return v.String(), nil
	case json.RawMessage:
		return string(v), nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", invalid(op, what+" cannot be marshalled", "It has to be what encoding/json takes.")
	}
	return string(text), nil
}

// object reads an argument that has to be a JSON object.
func object(op, what string, v any) (map[string]any, error) {
	text, err := jsonText(op, what, v)
	if err != nil {
		return nil, err
	}
	value, err := parse(text)
	if err != nil {
		return nil, invalid(op, what+" is not what jsonb can hold: "+err.Error(), "It has to be a JSON object.")
	}
	o, ok := value.(map[string]any)
	if !ok {
		return nil, invalid(op, "invalid "+what, "It has to be a JSON object.")
	}
	return o, nil
}

// objectOr is [object] for an argument that may be nil.
func objectOr(op, what string, v any, none map[string]any) (map[string]any, error) {
	if text, err := jsonText(op, what, v); err != nil || text == "" {
		return none, err
	}
	return object(op, what, v)
}

// payload returns an object as a payload is stored, if it is not too large.
func (s *Store) payload(op string, o map[string]any) (client.Payload, error) {
	text := write(o)
	if len(text) > s.options.PayloadMax {
		return client.Payload{}, invalid(op, "payload too large", "Keep less in the session, or raise Options.PayloadMax.")
	}
	return client.RawPayload(text), nil
}

// origin returns an object as an origin is stored, nil where there is none.
func origin(op string, v any) (json.RawMessage, error) {
	o, err := objectOr(op, "origin", v, nil)
	if err != nil || o == nil {
		return nil, err
	}
	text := write(o)
	if len(text) > originMax {
		return nil, invalid(op, "invalid origin", "An origin is a JSON object of at most 4,096 bytes, or null.")
	}
	return text, nil
}
