package conformance

import (
	"errors"
	"strings"

	"github.com/pgsession/pgsession/client"
)

func usernameCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"Awkward": usernameAwkward,
		"Exact":   usernameExact,
		"Invalid": usernameInvalid,
	}
}

// usernameAwkward has users of every awkward kind go through all that takes a username.
func usernameAwkward(x *trial) {
	room := 255 - len(x.prefix)
	for what, name := range map[string]string{
		"spaces":             " two  spaces ",
		"no-break space":     "a\u00a0b",
		"single quotes":      "o'brien ''",
		"double quotes":      `"quoted"`,
		"backslashes":        `back\slash\'`,
		"SQL":                `'; drop table users; --`,
		"dollar":             `$1 $$ $do$`,
		"percent":            "100%_like",
		"braces":             `{a,"b"}`,
		"colon and equals":   "a:b=c",
		"question mark":      "a?b@c",
		"comment":            "-- /* */",
		"umlauts":            "Jürgen Ñandú",
		"Greek":              "Σίσυφος",
		"Chinese":            "用户名",
		"Arabic":             "مستخدم",
		"emoji":              "😀",
		"emoji sequence":     "👩‍👩‍👧‍👦🏳️‍🌈",
		"combining":          "e\u0301",
		"zero width":         "a\u200db",
		"right to left mark": "a\u202eb",
		"byte order mark":    "\ufeffa",
		"replacement":        "\ufffd",
		"noncharacter":       "\uffff",
		"last code point":    "\U0010ffff",
		"255 letters":        strings.Repeat("x", room),
		"255 emoji":          strings.Repeat("😀", room),
		"null":               "null",
		"digits":             "0",
		"backslash x":        `\x41`,
	} {
		x.Log(what)
		username := x.userNamed(name)
		session := x.login(username, password, client.OK).Session
		if session.Username != username {
			x.Errorf("%s: logged in as %q", what, session.Username)
		}
		if got := x.get(session.Key); got.Username != username {
			x.Errorf("%s: read as %q", what, got.Username)
		}
		_, opened := x.open(client.OpenOptions{Username: username})
		rotated := x.rotate(x.opened("").Key, username)
		if opened.Username != username || rotated.Username != username {
			x.Errorf("%s: opened as %q, rotated into %q", what, opened.Username, rotated.Username)
		}
		if sessions := x.list(username); len(sessions) != 3 || sessions[0].Username != username {
			x.Errorf("%s: listed %+v", what, sessions)
		}
		closed(x, what+": SessionCloseID", true)(x.Store.SessionCloseID(x.Context(), username, opened.ID))
		closed(x, what+": SessionCloseUser", int64(1))(x.Store.SessionCloseUser(x.Context(), username, session.Key))
		x.get(session.Key)
	}
}

// usernameExact checks that names which look the same are not.
func usernameExact(x *trial) {
	names := []string{"name", "Name", "NAME", "name ", " name", "nam\u00e9", "name\u0301", "ｎame", "name\u200b", "nàme", "na me", "na  me"}
	var sessions []client.Session
	for _, name := range names {
		sessions = append(sessions, x.opened(x.userNamed(name)))
	}
	for i, name := range names {
		if listed := x.list(x.prefix + name); len(listed) != 1 || listed[0].ID != sessions[i].ID {
			x.Errorf("user %q has the sessions %+v", name, listed)
		}
	}
	closed(x, "SessionCloseUser", int64(1))(x.Store.SessionCloseUser(x.Context(), x.prefix+names[0]))
	for _, session := range sessions[1:] {
		x.get(session.Key)
	}
}

func usernameInvalid(x *trial) {
	session := x.opened("")
	for what, username := range map[string]string{
		"256 letters": strings.Repeat("x", 256),
		"256 emoji":   strings.Repeat("😀", 256),
		"newline":     "a\nb",
		"tab":         "a\tb",
		"escape":      "a\x1bb",
		"delete":      "a\x7fb",
		"NUL":         "a\x00b",
		"not UTF-8":   "a\xffb",
		"surrogate":   "a\xed\xa0\x80b",
	} {
		_, _, err := x.Store.SessionOpen(x.Context(), client.OpenOptions{Username: username})
		x.refused("SessionOpen: "+what, err, client.ErrInvalid)
		_, _, err = x.Store.SessionRotate(x.Context(), session.Key, username)
		x.refused("SessionRotate: "+what, err, client.ErrInvalid)
		if err := x.CreateUser(x.Context(), username, password); err == nil {
			x.Errorf("%s: a user was created", what)
		}
		// These look for a user that cannot be, and may say so.
		_, err = x.Store.SessionList(x.Context(), username)
		x.noneOr(what, err)
		_, err = x.Store.SessionCloseUser(x.Context(), username)
		x.noneOr(what, err)
		_, err = x.Store.SessionCloseID(x.Context(), username, session.ID)
		x.noneOr(what, err)
	}
	x.same("after refused rotations", x.get(session.Key), session)
}

// noneOr checks that there was no error, or ErrInvalid.
func (x *trial) noneOr(what string, err error) {
	x.Helper()
	if err != nil && !errors.Is(err, client.ErrInvalid) {
		x.Errorf("%s: %v", what, err)
	}
}
