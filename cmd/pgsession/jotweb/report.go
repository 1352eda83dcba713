package jotweb

// Kind is the table of the source that a finding is about.
type Kind string

// The kinds.
const (
	UserRow    Kind = "user"
	SessionRow Kind = "session"
)

// Effect is what became of a row, or of a part of it.
type Effect string

// The effects.
const (
	Skipped Effect = "skipped"  // the row is not imported
	LeftOut Effect = "left out" // the row is imported, but for something that cannot be converted
	Dead    Effect = "dead"     // a session that its user could not use any more, there or here; it is not imported
	Noted   Effect = "noted"    // the row is imported whole; a guess had to be made
)

// Finding is something to know about one row. It never holds a hash, a key or anything of a payload but the names of classes.
type Finding struct {
	Kind   Kind   `json:"kind"`
	ID     string `json:"id"` // the column id, at the source
	Effect Effect `json:"effect"`
	Why    string `json:"why"`
}

// Tally counts rows of one table.
type Tally struct {
	Imported int64 `json:"imported"`
	Existing int64 `json:"existing"` // they were there and are left alone
	Skipped  int64 `json:"skipped"`
	Dead     int64 `json:"dead"`     // sessions only: expired, or of an older password
	LeftOut  int64 `json:"left_out"` // imported, but for something
}

// Summary is what an import did.
type Summary struct {
	Users    Tally `json:"users"`
	Sessions Tally `json:"sessions"`
	DryRun   bool  `json:"dry_run"` // nothing is kept
}

// Whole reports whether all that was live has been moved, in all its parts.
func (s Summary) Whole() bool {
	return s.Users.Skipped+s.Users.LeftOut+s.Sessions.Skipped+s.Sessions.LeftOut == 0
}

// verdict is what an answer of an import function comes to.
type verdict struct {
	effect Effect // empty: imported, or existing
	why    string
}

// verdictOf explains the answers of import_user and import_session, other than imported and exists.
func verdictOf(answer string) verdict {
	switch answer {
	case "bad_username":
		return verdict{Skipped, "a username has 1 to 255 characters, none of them a control character"}
	case "payload_too_large":
		return verdict{Skipped, "the payload is larger than the setting payload_max"}
	case "no_user":
		return verdict{Skipped, "its user is not imported"}
	case "bad_lifetime":
		return verdict{Skipped, "expiresecs is not positive"}
	case "not_active":
		return verdict{Dead, "its user is pending or disabled"}
	case "other_password":
		return verdict{Dead, "its user has another password here"}
	case "expired":
		return verdict{Dead, "it has expired"}
	case "ended":
		return verdict{Dead, "it was opened before the last import, or the user's last login here"}
	}
	return verdict{Skipped, "the answer was " + answer}
}
