package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
)

// The errors of the stored functions, one a code of class SE. Test for them with errors.Is; the
// *[Error] around them says more. A missing session or a failed login is no error, but an answer.
var (
	// ErrGone (SE001): the session to be saved, merged or rotated has ended. Nothing brings it back.
	ErrGone = errors.New("the session is gone")
	// ErrConflict (SE002): the version to be replaced is no longer the current one. Nothing was changed.
	ErrConflict = errors.New("the version has moved on")
	// ErrNoUser (SE003): there is no such user.
	ErrNoUser = errors.New("no such user")
	// ErrExists (SE004): the username or the session's key is taken.
	ErrExists = errors.New("it exists already")
	// ErrInvalid (SE005): an argument is not acceptable: a payload that is no JSON object, too large, or
	// holds what PostgreSQL cannot store (\u0000); a username or password out of bounds; a lifetime that
	// is not positive. Nothing was changed.
	ErrInvalid = errors.New("invalid argument")
	// ErrNotActive (SE006): the user is pending or disabled.
	ErrNotActive = errors.New("the user is not active")
	// ErrPollRefused (SE007): changes cannot be polled on a standby, nor in a read-only or REPEATABLE READ
	// transaction.
	ErrPollRefused = errors.New("changes cannot be polled here")
	// ErrIsolation (SE008): logging in, ending all sessions of a user, changing a password or a status need
	// READ COMMITTED.
	ErrIsolation = errors.New("the transaction's isolation level does not allow it")
	// ErrProtected (SE009): the change log is not to be truncated.
	ErrProtected = errors.New("the change log is protected")
)

const codeInvalid = "SE005"

// sentinels is the registry: every code that has a sentinel. Those that are not of class SE are
// PostgreSQL's own, for arguments that it refuses before a function of ours sees them. It is never
// written to.
var sentinels = map[string]error{
	"SE001": ErrGone,
	"SE002": ErrConflict,
	"SE003": ErrNoUser,
	"SE004": ErrExists,
	"SE005": ErrInvalid,
	"SE006": ErrNotActive,
	"SE007": ErrPollRefused,
	"SE008": ErrIsolation,
	"SE009": ErrProtected,

	"22P05": ErrInvalid, // untranslatable_character: \u0000 in jsonb
	"22021": ErrInvalid, // character_not_in_repertoire: not UTF-8
	"22P02": ErrInvalid, // invalid_text_representation: not JSON
	"22003": ErrInvalid, // numeric_value_out_of_range: a number beyond its type, in JSON beyond numeric
	"54000": ErrInvalid, // program_limit_exceeded: a JSON string or object beyond jsonb
	"54001": ErrInvalid, // statement_too_complex: JSON nested too deeply
}

// refusals says what PostgreSQL's own refusals mean. Its words are not used for them: they can quote
// the argument.
var refusals = map[string]string{
	"22P05": `PostgreSQL cannot store the character \u0000`,
	"22021": "text is not valid UTF-8",
	"22P02": "payload, patch or origin is not valid JSON",
	"22003": "a number is out of range",
	"54000": "a JSON string or object is too large",
	"54001": "JSON is nested too deeply",
}

// Error is a refusal, by a stored function, by PostgreSQL or, for arguments that cannot be sent, by
// this package. It unwraps to its sentinel, if its code has one, and to the *pgconn.PgError, if
// PostgreSQL raised it. It never holds an argument's value.
type Error struct {
	Code    string // SQLSTATE: class SE for the stored functions' own
	Message string
	Detail  string // what exactly was wrong; may be empty
	Hint    string // what to do about it; may be empty
	Limit   string // the setting whose limit an argument is beyond, such as "payload_max"; mostly empty

	op       string // the stored function
	sentinel error
	cause    error
}

// Error names the operation, what was refused, and the code.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("pgsession: ")
	if e.op != "" {
		b.WriteString(e.op + ": ")
	}
	b.WriteString(e.Message + " (" + e.Code + ")")
	for _, more := range []string{e.Detail, e.Hint} {
		if more != "" {
			b.WriteString(": " + more)
		}
	}
	return b.String()
}

// Unwrap returns the sentinel and what PostgreSQL said.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.sentinel, e.cause} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// fail turns err, from the database, into what the caller of op is told.
func fail(ctx context.Context, op string, err error) error {
	var pgErr *pgconn.PgError
	var connectErr *pgconn.ConnectError
	var ours *Error
	switch {
	case errors.As(err, &ours):
		named := *ours
		named.op = op
		err = &named
	case errors.As(err, &pgErr) && !errors.As(err, &connectErr): // connecting, pgx also says where to
		err = refused(op, pgErr)
	default:
		err = fmt.Errorf("pgsession: %s: %w", op, err)
	}
	// A cancelled query can come back as what the server said about it.
	if ctxErr := ctx.Err(); ctxErr != nil && !errors.Is(err, ctxErr) {
		err = fmt.Errorf("%w: %w", err, ctxErr)
	}
	return err
}

// refused keeps of a PgError what cannot quote an argument.
func refused(op string, pgErr *pgconn.PgError) *Error {
	e := &Error{Code: pgErr.Code, Message: pgErr.Message, Hint: pgErr.Hint, op: op, sentinel: sentinels[pgErr.Code], cause: pgErr}
	if message, ok := refusals[pgErr.Code]; ok {
		e.Message, e.Hint = message, ""
		return e
	}
	switch pgErr.Code[:min(2, len(pgErr.Code))] {
	case "SE":
		e.Detail = pgErr.Detail
		e.Limit = pgErr.ConstraintName
	case "22", "23": // data exceptions and violated constraints quote the data
		e.Message = "PostgreSQL refused a value"
	}
	return e
}

// invalid makes the refusal of an argument that cannot even be sent.
func invalid(op, message string) *Error {
	return &Error{Code: codeInvalid, Message: message, op: op, sentinel: ErrInvalid}
}

// checkText refuses what PostgreSQL's text cannot hold. In the simple protocol a NUL would end the
// statement, so this cannot be left to the server.
func checkText(op, what, s string) error {
	switch {
	case strings.IndexByte(s, 0) >= 0:
		return invalid(op, what+" contains a NUL character, which PostgreSQL cannot store")
	case !utf8.ValidString(s):
		return invalid(op, what+" is not valid UTF-8")
	}
	return nil
}
