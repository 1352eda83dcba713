package sql_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := migrations.Up(ctx, conn, migrations.Options{}); err != nil {
			return err
		}
		// The cheapest bcrypt there is: these tests hash hundreds of passwords.
		_, err := conn.Exec(ctx, "insert into pgsession.settings (name, value) values ('bcrypt_cost', '4'), ('password_min', '1')")
		return err
	}))
}

// start makes a database of the schema and connects to it as its owner.
func start(t *testing.T) (*pgtest.DB, *pgx.Conn) {
	t.Helper()
	db := pgtest.New(t)
	return db, db.Conn(t)
}

// exec runs SQL: several statements, if there are no arguments.
func exec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// one returns the only value of a query.
func one[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// list returns the only column of a query.
func list[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) []T {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return values
}

// refused runs SQL that has to be refused with a code.
func refused(t *testing.T, conn *pgx.Conn, code, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); state(err) != code {
		t.Errorf("%s: %v; should be refused with %s", sql, err, code)
	}
}

// state is the SQLSTATE of an error, empty for no error and for one that is not PostgreSQL's.
func state(err error) string {
	if refusal := refusalOf(err); refusal != nil {
		return refusal.Code
	}
	return ""
}

// refusalOf is what PostgreSQL said, nil if it said nothing.
func refusalOf(err error) *pgconn.PgError {
	var refusal *pgconn.PgError
	errors.As(err, &refusal)
	return refusal
}

// same compares what a test got with what it wants.
func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v; should be %v", what, got, want)
	}
}

// leased sets the lease while nobody holds one, so that nobody has to mind the former.
func leased(t *testing.T, conn *pgx.Conn, lease string) {
	t.Helper()
	exec(t, conn, "insert into pgsession.settings values ('lease', $1), ('poll', '50 ms') on conflict (name) do update set value = excluded.value", lease)
	exec(t, conn, "delete from pgsession.lease_changes")
}

// session is what a test keeps of an opened session.
type session struct {
	id    int64
	token string
	key   []byte
}

// password is the one of every user that a test makes with user.
const password = "correct horse battery staple"

// user makes users.
func user(t *testing.T, conn *pgx.Conn, names ...string) {
	t.Helper()
	for _, name := range names {
		exec(t, conn, "select pgsession.user_create($1, $2)", name, password)
	}
}

// open opens a session of a user, or an anonymous one for an empty name, with an idle lifetime of an hour.
func open(t *testing.T, conn *pgx.Conn, username string) session {
	t.Helper()
	var s session
	err := conn.QueryRow(t.Context(), "select id, token, key from pgsession.session_open(nullif($1, ''), 3600)", username).Scan(&s.id, &s.token, &s.key)
	if err != nil {
		t.Fatalf("opening a session of %q: %v", username, err)
	}
	return s
}

// live tells whether session_get finds a session under a key.
func live(t *testing.T, conn *pgx.Conn, key []byte) bool {
	t.Helper()
	return one[bool](t, conn, "select exists (select from pgsession.session_get(p_key => $1::bytea))", key)
}
