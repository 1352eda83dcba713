package client

import (
	"crypto/sha256"
	"encoding/binary"
)

// Tag is a 64-bit hash of a session's key or of a username. The change log and notifications name
// what has changed by it, so that whoever reads them learns nothing that opens a session. SQL makes
// the same tags.
type Tag int64

// The two kinds of tags are hashed under different prefixes, so that no username can be chosen to
// have the tag of a session.
const (
	sessionTagPrefix = "pgsession:session:"
	userTagPrefix    = "pgsession:user:"
)

// Tag returns the tag of the session stored under k: the first 8 bytes, big-endian, of
// sha256("pgsession:session:" followed by the key).
func (k Key) Tag() Tag {
	var b [len(sessionTagPrefix) + len(k)]byte
	copy(b[:], sessionTagPrefix)
	copy(b[len(sessionTagPrefix):], k[:])
	return tagOf(sha256.Sum256(b[:]))
}

// UserTag returns the tag of a username: the first 8 bytes, big-endian, of sha256("pgsession:user:"
// followed by the username in UTF-8).
func UserTag(username string) Tag {
	return tagOf(sha256.Sum256([]byte(userTagPrefix + username)))
}

func tagOf(sum [sha256.Size]byte) Tag {
	//nolint:gosec // the top bit becomes the sign, as in SQL's bigint
	return Tag(binary.BigEndian.Uint64(sum[:8]))
}
