package client_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client"
)

func TestKeyOfIsPlainSHA256(t *testing.T) {
	t.Parallel()
	for _, foreign := range []string{"", "id", "\x00\xff", strings.Repeat("long", 1000)} {
		if got := client.KeyOf(foreign); got != client.Key(sha256.Sum256([]byte(foreign))) {
			t.Errorf("the key of %.10q is not its SHA-256", foreign)
		}
	}
	token := client.NewToken("alice")
	if client.KeyOf(token.Reveal()) == token.Key() {
		t.Error("a token has the same key as a foreign identifier")
	}
}

func TestKeyPrintsShort(t *testing.T) {
	t.Parallel()
	key := client.Key{0x01, 0xab, 0xff, 0x10, 0x77}
	if got := fmt.Sprint(key); got != "01abff10…" {
		t.Errorf("a key prints as %s", got)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "key", key)
	if !strings.Contains(log.String(), `"key":"01abff10…"`) {
		t.Errorf("a key is logged as %s", log.String())
	}
}

func TestTagsAreHashesUnderDifferentPrefixes(t *testing.T) {
	t.Parallel()
	tag := func(s string) client.Tag {
		sum := sha256.Sum256([]byte(s))
		return client.Tag(binary.BigEndian.Uint64(sum[:8]))
	}
	key := client.NewToken("alice").Key()
	if got, want := key.Tag(), tag("pgsession:session:"+string(key[:])); got != want {
		t.Errorf("session tag %d, want %d", got, want)
	}
	for _, username := range []string{"alice", "", "ä€😀", strings.Repeat("x", 255)} {
		if got, want := client.UserTag(username), tag("pgsession:user:"+username); got != want {
			t.Errorf("tag of user %q is %d, want %d", username, got, want)
		}
	}
	if client.UserTag(string(key[:])) == key.Tag() {
		t.Error("a username can have the tag of a session")
	}
}

func TestEpochPrintsAsUUID(t *testing.T) {
	t.Parallel()
	epoch := client.Epoch{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}
	if got := epoch.String(); got != "01234567-89ab-cdef-fedc-ba9876543210" {
		t.Errorf("an epoch prints as %s", got)
	}
	if epoch.IsZero() || !(client.Epoch{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}
