package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsession/pgsession/client"
)

// failingDB fails every call in the same way.
type failingDB struct{ err error }

func (db failingDB) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, db.err
}
func (db failingDB) Query(context.Context, string, ...any) (pgx.Rows, error) { return nil, db.err }
func (db failingDB) QueryRow(context.Context, string, ...any) pgx.Row        { return errorRow(db) }
func (db failingDB) Begin(context.Context) (pgx.Tx, error)                   { return nil, db.err }

// raise returns what a client makes of an error that PostgreSQL raises.
func raise(t *testing.T, pgErr *pgconn.PgError) error {
	t.Helper()
	_, err := client.New(failingDB{fmt.Errorf("wrapped: %w", pgErr)}).SessionSave(t.Context(), client.Key{}, map[string]int{}, 0)
	return err
}

// TestErrorRegistry holds the sentinels against the registry of SQLSTATEs, both ways.
func TestErrorRegistry(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../sql/ERRORS.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (SE[0-9A-Z]{3}) \|`).FindAllStringSubmatch(string(text), -1) {
		if documented[row[1]] {
			t.Errorf("%s is documented twice", row[1])
		}
		documented[row[1]] = true
	}
	if len(documented) == 0 {
		t.Fatal("ERRORS.md documents no code")
	}
	sentinels := client.Sentinels()
	for code := range documented {
		if sentinels[code] == nil {
			t.Errorf("%s is documented and has no sentinel", code)
		}
	}
	for code := range sentinels {
		if strings.HasPrefix(code, "SE") && !documented[code] {
			t.Errorf("%s has a sentinel and is not documented", code)
		}
	}
}

func TestErrorUnwraps(t *testing.T) {
	t.Parallel()
	for code, sentinel := range client.Sentinels() {
		err := raise(t, &pgconn.PgError{Code: code, Message: "message", Detail: "detail", Hint: "hint"})
		if !errors.Is(err, sentinel) {
			t.Errorf("%s is not %v", code, sentinel)
		}
		for other, unlike := range client.Sentinels() {
			if !errors.Is(sentinel, unlike) && errors.Is(err, unlike) {
				t.Errorf("%s is also %s", code, other)
			}
		}
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) || pgErr.Code != code {
			t.Errorf("%s hides PostgreSQL's error", code)
		}
		var ours *client.Error
		if !errors.As(err, &ours) || ours.Code != code || ours.Message == "" {
			t.Errorf("%s: %+v", code, ours)
		}
		if !strings.Contains(err.Error(), "session_save") || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: the error names neither operation nor code: %v", code, err)
		}
	}
}

func TestErrorNamesTheLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ code, constraint, limit string }{
		{"SE005", "payload_max", "payload_max"},
		{"SE005", "", ""},
		{"23505", "users_username_key", ""}, // PostgreSQL's own, whose constraints are no settings
	} {
		var refused *client.Error
		if err := raise(t, &pgconn.PgError{Code: tt.code, ConstraintName: tt.constraint}); !errors.As(err, &refused) || refused.Limit != tt.limit {
			t.Errorf("%+v: %+v", tt, refused)
		}
	}
}

func TestErrorTellsWhatToDo(t *testing.T) {
	t.Parallel()
	err := raise(t, &pgconn.PgError{Code: "SE002", Message: "the version has moved on", Detail: "It is 3.", Hint: "Read again."})
	const want = "pgsession: session_save: the version has moved on (SE002): It is 3.: Read again."
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	var ours *client.Error
	if !errors.As(err, &ours) || ours.Detail != "It is 3." || ours.Hint != "Read again." {
		t.Errorf("%+v", ours)
	}
}

// TestErrorQuotesNoArgument raises what PostgreSQL says when it quotes the data it refuses.
func TestErrorQuotesNoArgument(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	for _, pgErr := range []pgconn.PgError{
		{Code: "22P02", Message: "invalid input syntax for type json", Detail: `Token "s3cr3t" is invalid.`, Where: "JSON data, line 1: s3cr3t"},
		{Code: "22P02", Message: `invalid input syntax for type bigint: "s3cr3t"`},
		{Code: "22P05", Message: "unsupported Unicode escape sequence", Detail: "s3cr3t"},
		{Code: "22021", Message: "invalid byte sequence: s3cr3t"},
		{Code: "22001", Message: "s3cr3t is too long"},
		{Code: "22ABC", Message: "s3cr3t"},
		{Code: "23505", Message: "duplicate key", Detail: "Key (username)=(s3cr3t) already exists."},
		{Code: "23514", Message: "s3cr3t violates", Detail: "Failing row contains (s3cr3t)."},
		{Code: "42501", Message: "permission denied", Detail: "s3cr3t"},
		{Code: "54001", Message: "stack depth limit exceeded", Detail: "s3cr3t", Hint: "s3cr3t"},
	} {
		err := raise(t, &pgErr)
		var ours *client.Error
		if !errors.As(err, &ours) {
			t.Errorf("%s: %v", pgErr.Code, err)
			continue
		}
		marshalled, marshalErr := json.Marshal(ours)
		if marshalErr != nil {
			t.Fatal(marshalErr)
		}
		for _, s := range []string{err.Error(), fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err), fmt.Sprintf("%#v", *ours), string(marshalled)} {
			if strings.Contains(s, secret) {
				t.Errorf("%s: quotes what was refused: %s", pgErr.Code, s)
			}
		}
	}
}

func TestErrorKeepsWhatIsNotAnArgument(t *testing.T) {
	t.Parallel()
	err := raise(t, &pgconn.PgError{Code: "42501", Message: "permission denied for function session_save"})
	if !strings.Contains(err.Error(), "permission denied for function session_save (42501)") {
		t.Error(err)
	}
	for _, err := range []error{client.ErrGone, client.ErrInvalid} {
		if errors.Is(raise(t, &pgconn.PgError{Code: "42501"}), err) {
			t.Errorf("an unknown code is %v", err)
		}
	}
	broken := errors.New("connection broke")
	_, err = client.New(failingDB{broken}).Version(t.Context())
	if !errors.Is(err, broken) || err.Error() != "pgsession: version: connection broke" {
		t.Error(err)
	}
}

// TestErrorOfEndedContext has the server report a cancelled query in its own words.
func TestErrorOfEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.New(failingDB{&pgconn.PgError{Code: "57014", Message: "canceling statement due to user request"}}).Version(ctx)
	var pgErr *pgconn.PgError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &pgErr) {
		t.Error(err)
	}
}

func TestErrorOfMarshalling(t *testing.T) {
	t.Parallel()
	broken := errors.New("s3cr3t")
	_, err := client.New(failingDB{}).SessionSave(t.Context(), client.Key{}, brokenMarshaler{broken}, 0)
	if !errors.Is(err, client.ErrInvalid) || !errors.Is(err, broken) || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("a payload that fails to marshal: %v", err)
	}
	_, err = client.New(failingDB{}).SessionSave(t.Context(), client.Key{}, make(chan int), 0)
	if !errors.Is(err, client.ErrInvalid) || !strings.Contains(err.Error(), "chan int") {
		t.Errorf("a payload that cannot be marshalled: %v", err)
	}
}

type brokenMarshaler struct{ err error }

func (b brokenMarshaler) MarshalJSON() ([]byte, error) { return nil, b.err }
