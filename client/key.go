package client

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
)

// Key is what a session is stored and cached under. It opens nothing: a token cannot be had from it.
// Keys are comparable and make good map keys.
type Key [32]byte

// KeyOf returns the key of a foreign identifier, a session id that another library made: the plain
// SHA-256 of its bytes. It is not for tokens; see [Token.Key].
func KeyOf(foreign string) Key { return sha256.Sum256([]byte(foreign)) }

// slot returns the byte by which a shard can be picked: for a token's key, the slot of the session's
// owner when it was opened.
func (k Key) slot() byte { return k[0] }

// String returns the first four bytes in hexadecimal and "…", enough to tell keys apart in a log.
func (k Key) String() string { return hex.EncodeToString(k[:4]) + "…" }

// LogValue returns what String does.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// slotOf returns the slot of a user's tokens: the first byte of sha256(username).
func slotOf(username string) byte {
	sum := sha256.Sum256([]byte(username))
	return sum[0]
}
