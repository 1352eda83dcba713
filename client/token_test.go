package client_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client"
)

func TestToken(t *testing.T) {
	t.Parallel()
	token := client.NewToken("alice")
	text := token.Reveal()
	if len(text) != 44 {
		t.Fatalf("a token has %d characters, want 44", len(text))
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != 33 {
		t.Fatalf("a token is not 33 bytes of base64url: %d, %v", len(raw), err)
	}
	slot := sha256.Sum256([]byte("alice"))
	if raw[0] != slot[0] {
		t.Errorf("slot %02x, want %02x, the first byte of sha256(username)", raw[0], slot[0])
	}
	want := sha256.Sum256(raw)
	want[0] = raw[0]
	if got := token.Key(); got != client.Key(want) {
		t.Errorf("key %x, want %x", got[:], want[:])
	}
	if parsed, ok := client.ParseToken(text); !ok || parsed != token {
		t.Error("a token does not survive Reveal and ParseToken")
	}
	if client.NewToken("alice") == token {
		t.Error("two tokens are equal")
	}
	if token.IsZero() || !(client.Token{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestTokenOfAnonymousSessionHasRandomSlot(t *testing.T) {
	t.Parallel()
	slots := map[byte]bool{}
	for range 100 {
		key := client.NewToken("").Key()
		slots[key[0]] = true
	}
	if len(slots) < 50 {
		t.Errorf("100 anonymous tokens have only %d slots", len(slots))
	}
}

func TestParseTokenRefusesEveryMalformedForm(t *testing.T) {
	t.Parallel()
	good := client.NewToken("alice").Reveal()
	malformed := map[string]string{
		"empty":               "",
		"one short":           good[:43],
		"one long":            good + "A",
		"padded":              good + "=",
		"padded inside":       good[:43] + "=",
		"doubled":             good + good,
		"leading space":       " " + good[:43],
		"trailing space":      good[:43] + " ",
		"surrounded":          " " + good + " ",
		"trailing newline":    good + "\n",
		"newline inside":      good[:20] + "\n" + good[21:],
		"return inside":       good[:20] + "\r" + good[21:],
		"lines inside":        good[:20] + "\r\n" + good[22:],
		"four newlines":       good[:40] + "\n\n\n\n",
		"NUL inside":          good[:20] + "\x00" + good[21:],
		"standard alphabet +": good[:20] + "+" + good[21:],
		"standard alphabet /": good[:20] + "/" + good[21:],
		"percent-encoded":     good[:42] + "%3",
		"quoted":              `"` + good[:42] + `"`,
		"two-byte letter":     good[:42] + "é",
		"full-width letter":   good[:41] + "Ａ",
		"invalid UTF-8":       good[:43] + "\xff",
		"hexadecimal":         strings.Repeat("ab", 33),
		"redacted":            "[redacted token]",
		"very long":           strings.Repeat("A", 1<<20),
	}
	for name, s := range malformed {
		if token, ok := client.ParseToken(s); ok || !token.IsZero() {
			t.Errorf("%s: accepted", name)
		}
	}
	// Every byte that is not of the alphabet, in every place.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for c := range 256 {
		for i := range len(good) {
			s := good[:i] + string([]byte{byte(c)}) + good[i+1:]
			if _, ok := client.ParseToken(s); ok != strings.Contains(alphabet, string([]byte{byte(c)})) {
				t.Fatalf("byte %#02x at %d: accepted is %v", c, i, ok)
			}
		}
	}
	for n := range 200 {
		if _, ok := client.ParseToken(strings.Repeat("A", n)); ok != (n == 44) {
			t.Errorf("%d characters: accepted is %v", n, ok)
		}
	}
}

func TestTokenAllocatesNothing(t *testing.T) {
	token := client.NewToken("alice")
	text := token.Reveal()
	var parsed client.Token
	if n := testing.AllocsPerRun(100, func() { parsed, _ = client.ParseToken(text) }); n != 0 {
		t.Errorf("ParseToken allocates %v times", n)
	}
	var key client.Key
	if n := testing.AllocsPerRun(100, func() { key = parsed.Key() }); n != 0 {
		t.Errorf("Key allocates %v times", n)
	}
	var tag client.Tag
	if n := testing.AllocsPerRun(100, func() { tag = key.Tag() }); n != 0 {
		t.Errorf("Tag allocates %v times", n)
	}
	if key != token.Key() || tag != key.Tag() {
		t.Error("the wrong key or tag")
	}
}

// secretForms are the ways in which a token's bytes could show.
func secretForms(token client.Token) []string {
	text := token.Reveal()
	raw, _ := base64.RawURLEncoding.DecodeString(text)
	return []string{
		text, string(raw), hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
		hex.EncodeToString(raw[8:16]), base64.StdEncoding.EncodeToString(raw),
		strings.Trim(fmt.Sprintf("%d", raw), "[]"), strings.TrimSuffix(fmt.Sprintf("%#v", raw[1:9])[len("[]byte{"):], "}"), fmt.Sprintf("%q", raw),
		hex.EncodeToString([]byte(text)),
	}
}

func TestTokenIsRedacted(t *testing.T) {
	t.Parallel()
	token := client.NewToken("alice")
	type holder struct{ Token client.Token }
	result := client.LoginResult{Outcome: client.OK, Token: token}
	values := map[string]any{
		"token": token, "pointer": &token, "slice": []client.Token{token}, "map": map[string]client.Token{"t": token},
		"struct": holder{token}, "key of a map": map[client.Token]int{token: 1}, "login result": result,
		"error": fmt.Errorf("with %v", token),
	}
	printed := map[string]string{}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%08v", "%50s", "%-60q", "%T"} {
			// Verbs and formats that fit no type are what this is about.
			printed[name+" "+verb] = fmt.Sprintf(verb, v)
		}
		printed[name+" Sprint"] = fmt.Sprint(v)
		if b, err := json.Marshal(v); err == nil {
			printed[name+" json"] = string(b)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", slog.Any("w", v))
		slog.New(slog.NewTextHandler(&log, nil)).With("v", v).WithGroup("g").Info("m", "w", v)
		printed[name+" slog"] = log.String()
	}
	for how, s := range printed {
		for _, secret := range secretForms(token) {
			if strings.Contains(s, secret) {
				t.Errorf("%s reveals the token: %s", how, s)
			}
		}
	}
	for _, how := range []string{"token %v", "token %x", "token %d", "token %#v", "token %c", "token json", "token slog", "pointer %+v"} {
		if !strings.Contains(printed[how], "[redacted token]") {
			t.Errorf("%s does not say that it is redacted: %s", how, printed[how])
		}
	}
	if token.String() != "[redacted token]" || token.GoString() != "[redacted token]" {
		t.Error("String and GoString do not redact")
	}
}

func TestTokenCannotBeUnmarshalled(t *testing.T) {
	t.Parallel()
	var holder struct{ Token client.Token }
	if err := json.Unmarshal([]byte(`{"Token": "`+client.NewToken("").Reveal()+`"}`), &holder); err == nil {
		t.Error("a token was read from JSON: ParseToken is the only way")
	}
}

func FuzzParseToken(f *testing.F) {
	good := client.NewToken("alice").Reveal()
	for _, seed := range []string{"", good, good[:43], good + "=", good[:43] + "\n", strings.Repeat("A", 44), strings.Repeat("_", 44)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		token, ok := client.ParseToken(s)
		raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
		wellFormed := err == nil && len(raw) == 33 && len(s) == 44
		if ok != wellFormed {
			t.Fatalf("%q: accepted is %v", s, ok)
		}
		if ok && token.Reveal() != s {
			t.Fatalf("%q is revealed as %q", s, token.Reveal())
		}
		if !ok && !token.IsZero() {
			t.Fatalf("%q: refused, and yet a token", s)
		}
	})
}
