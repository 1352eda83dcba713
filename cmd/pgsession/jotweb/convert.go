package jotweb

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/cmd/pgsession/jotweb/pickle"
)

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799

// item is a user or a session on the way to its import function.
type item struct {
	id       string // at the source
	args     []any  // of the function; nil: it is not imported
	findings []Finding
}

// converter makes the arguments of the import functions.
type converter struct {
	source          *source
	acknowledgement string // the payload's member that holds a pending user's key; empty: none does
}

// lose notes why an item is not imported.
func (i *item) lose(kind Kind, why string) *item {
	i.args = nil
	i.note(kind, Skipped, why)
	return i
}

func (i *item) note(kind Kind, what Effect, why string) {
	i.findings = append(i.findings, Finding{Kind: kind, ID: i.id, Effect: what, Why: why})
}

// user converts a row of the table users.
func (c *converter) user(r row) *item {
	i := &item{id: string(r["id"])}
	username, err := c.text(i, UserRow, "username", r["username"])
	hash, err2 := c.text(i, UserRow, "cryptpasswd", r["cryptpasswd"])
	created, err3 := date("createddate", r["createddate"])
	lastLogin, err4 := date("lastlogin", r["lastlogin"])
	lastHit, err5 := date("lasthit", r["lasthit"])
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		return i.lose(UserRow, oneLine(err))
	}
	if created == nil {
		return i.lose(UserRow, "createddate is null")
	}
	payload, err := c.payload(i, UserRow, r["payload"])
	if err != nil {
		return i.lose(UserRow, err.Error())
	}
	key, payload, err := c.pending(payload)
	if err != nil {
		return i.lose(UserRow, err.Error())
	}
	i.args = []any{username, hash, created, lastLogin, lastHit, payload, key}
	return i
}

// session converts a row of the table sessions.
func (c *converter) session(r row) *item {
	i := &item{id: string(r["id"])}
	switch {
	case r["current"] == nil:
		return i.dead("it has no user")
	case string(r["cryptpasswd"]) != string(r["current"]):
		return i.dead("its user has changed the password since")
	case r["key"] == nil:
		return i.lose(SessionRow, "key is null")
	}
	username, err := c.text(i, SessionRow, "username", r["username"])
	hash, err2 := c.text(i, SessionRow, "cryptpasswd", r["cryptpasswd"])
	created, err3 := date("createddate", r["createddate"])
	expires, err4 := date("expires", r["expires"])
	idle, err5 := seconds(r["expiresecs"])
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		return i.lose(SessionRow, oneLine(err))
	}
	if created == nil {
		return i.lose(SessionRow, "createddate is null")
	}
	payload, err := c.payload(i, SessionRow, r["payload"])
	if err != nil {
		return i.lose(SessionRow, err.Error())
	}
	key := client.KeyOf(string(r["key"]))
	i.args = []any{key[:], username, hash, created, idle, expires, payload}
	return i
}

// dead notes a session that JOTWeb itself would not accept.
func (i *item) dead(why string) *item {
	i.note(SessionRow, Dead, why)
	return i
}

// text is a column in UTF-8. What is not, in a database that promises it nothing, is read as Latin-1.
func (c *converter) text(i *item, kind Kind, column string, stored []byte) (string, error) {
	if stored == nil {
		return "", fmt.Errorf("%s is null", column)
	}
	characters := c.source.characters
	if characters == nil {
		if utf8.Valid(stored) {
			return string(stored), nil
		}
		i.note(kind, Noted, column+" is not UTF-8: read as Latin-1")
		characters = charmap.ISO8859_1
	}
	text, err := characters.NewDecoder().Bytes(stored)
	if err != nil {
		return "", fmt.Errorf("%s is not in the database's encoding", column)
	}
	return string(text), nil
}

// payload converts a pickle and notes what is lost.
func (c *converter) payload(i *item, kind Kind, stored []byte) (string, error) {
	if stored == nil {
		return "", errors.New("payload is null")
	}
	raw, err := c.source.pickled(stored)
	if err != nil {
		return "", err
	}
	result, err := pickle.Read(raw)
	if err != nil {
		return "", err
	}
	for _, what := range slices.Sorted(maps.Keys(result.Lost)) {
		i.note(kind, LeftOut, fmt.Sprintf("payload: %d × %s", result.Lost[what], what))
	}
	if result.Latin1 > 0 {
		i.note(kind, Noted, fmt.Sprintf("payload: %d × text that is not UTF-8, read as Latin-1", result.Latin1))
	}
	return string(result.JSON), nil
}

// date reads seconds since 1970; nil is null.
func date(column string, stored []byte) (*time.Time, error) {
	if stored == nil {
		return nil, nil
	}
	s, err := strconv.ParseInt(string(stored), 10, 64)
	if err != nil || s < 0 || s > maxSeconds {
		return nil, fmt.Errorf("%s is no date", column)
	}
	t := time.Unix(s, 0).UTC()
	return &t, nil
}

// seconds reads an idle lifetime; nil is none.
func seconds(stored []byte) (*int32, error) {
	if stored == nil {
		return nil, nil
	}
	s, err := strconv.ParseInt(string(stored), 10, 32)
	if err != nil {
		return nil, errors.New("expiresecs is no number")
	}
	idle := int32(s)
	return &idle, nil
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
