package client_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
)

// TestTransaction has a session's change commit and roll back with the application's own.
func TestTransaction(t *testing.T) {
	t.Parallel()
	db := started(t)
	pool := db.Pool(t)
	c := client.New(pool)
	ctx := t.Context()
	_, session, err := c.SessionOpen(ctx, client.OpenOptions{Payload: json.RawMessage(`{"n": 0}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []struct {
		name string
		end  func(pgx.Tx) error
		want string
	}{
		{"rollback", func(tx pgx.Tx) error { return tx.Rollback(ctx) }, `{"n": 0}`},
		{"commit", func(tx pgx.Tx) error { return tx.Commit(ctx) }, `{"n": 1}`},
	} {
		tx, err := pool.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		inside := c.With(tx)
		if _, err := inside.SessionSave(ctx, session.Key, map[string]int{"n": 1}, 0); err != nil {
			t.Fatal(err)
		}
		if got, _, err := inside.SessionGet(ctx, session.Key); err != nil || got.Payload.String() != `{"n": 1}` {
			t.Errorf("%s: inside %s, %v", end.name, got.Payload, err)
		}
		if got, _, err := c.SessionGet(ctx, session.Key); err != nil || got.Payload.String() != `{"n": 0}` {
			t.Errorf("%s: outside %s, %v", end.name, got.Payload, err)
		}
		if err := end.end(tx); err != nil {
			t.Fatal(err)
		}
		if got, _, err := c.SessionGet(ctx, session.Key); err != nil || got.Payload.String() != end.want {
			t.Errorf("%s: afterwards %s, %v", end.name, got.Payload, err)
		}
	}
}

// TestDeadlineRunsFromSending holds the deadline against a server that is slow to answer.
func TestDeadlineRunsFromSending(t *testing.T) {
	t.Parallel()
	db := started(t)
	c := client.New(db.Pool(t))
	_, opened, err := c.SessionOpen(t.Context(), client.OpenOptions{Idle: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	session, found, err := c.SessionGet(t.Context(), opened.Key)
	after := time.Now()
	if err != nil || !found {
		t.Fatal(found, err)
	}
	left := session.Deadline.Sub(session.Sent)
	if session.Sent.Before(before) || left <= 0 || left > time.Hour {
		t.Errorf("sent %v, deadline %v after that", session.Sent, left)
	}
	// The session ends an hour after it was opened, by either clock: never later by ours.
	if latest := opened.Sent.Add(time.Hour).Add(after.Sub(opened.Sent)); session.Deadline.After(latest) {
		t.Errorf("the deadline is %v too late", session.Deadline.Sub(latest))
	}
}

// TestLifetimeBeyondDuration reads a session that outlives what a time.Duration can hold.
func TestLifetimeBeyondDuration(t *testing.T) {
	t.Parallel()
	db := started(t)
	c := client.New(db.Pool(t))
	_, session, err := c.SessionOpen(t.Context(), client.OpenOptions{Idle: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "update pgsession.sessions set expires = '9999-12-31' where id = $1", session.ID)
	got, found, err := c.SessionGet(t.Context(), session.Key)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	if ttl, ends := got.TTL(); !ends || ttl < 200*365*24*time.Hour || got.Expires.UTC().Year() != 9999 {
		t.Errorf("time to live %v, %v, expires %v", ttl, ends, got.Expires)
	}
}

// TestDeepPayload nests JSON to the limit of a payload and beyond that of the server's stack.
func TestDeepPayload(t *testing.T) {
	t.Parallel()
	c := client.New(app(t, started(t)).Pool(t))
	_, session, err := c.SessionOpen(t.Context(), client.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, depth := range []int{1000, 30_000, 1_000_000} {
		payload := json.RawMessage(`{"a": ` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`)
		_, err := c.SessionSave(t.Context(), session.Key, payload, 0)
		t.Logf("%d levels: %.100v", depth, err)
		if err != nil && !errors.Is(err, client.ErrInvalid) || err == nil && depth > payloadMax {
			t.Errorf("%d levels: %v", depth, err)
		}
	}
}

// TestServerStyles has a server write its values in other styles than the usual ones.
func TestServerStyles(t *testing.T) {
	t.Parallel()
	db := started(t)
	for _, mode := range modes() {
		conn := db.Conn(t, func(c *pgx.ConnConfig) {
			c.DefaultQueryExecMode = mode
			c.RuntimeParams["intervalstyle"] = "sql_standard"
			c.RuntimeParams["timezone"] = "Asia/Kathmandu"
			c.RuntimeParams["bytea_output"] = "escape"
			c.RuntimeParams["extra_float_digits"] = "0"
		})
		c := client.New(conn)
		_, session, err := c.SessionOpen(t.Context(), client.OpenOptions{Idle: 100 * 24 * time.Hour})
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		if ttl, ends := session.TTL(); !ends || ttl < 99*24*time.Hour || ttl > 100*24*time.Hour {
			t.Errorf("%s: time to live %v, %v", mode, ttl, ends)
		}
		if age := time.Since(session.Created); age < -time.Minute || age > time.Minute {
			t.Errorf("%s: created %v ago", mode, age)
		}
		if p := poll(t, c, client.Snapshot{}); p.Lease != 3*time.Second {
			t.Errorf("%s: lease %v", mode, p.Lease)
		}
	}
}

// TestForeignCodec has an application that registered codecs of its own for the types we use.
func TestForeignCodec(t *testing.T) {
	t.Parallel()
	broken := errors.New("the application's own codec")
	conn := started(t).Conn(t)
	for _, oid := range []uint32{pgtype.JSONOID, pgtype.JSONBOID} {
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "jsonb", OID: oid, Codec: &pgtype.JSONBCodec{
			Marshal:   func(any) ([]byte, error) { return nil, broken },
			Unmarshal: func([]byte, any) error { return broken },
		}})
	}
	c := client.New(conn)
	_, session, err := c.SessionOpen(t.Context(), client.OpenOptions{Payload: map[string]int{"a": 1}, Origin: map[string]int{"b": 2}})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := c.SessionGet(t.Context(), session.Key); err != nil || got.Payload.String() != `{"a": 1}` {
		t.Errorf("%s, %v", got.Payload, err)
	}
}

// TestAddedColumns reads from functions that return more than the client knows, as later versions may.
func TestAddedColumns(t *testing.T) {
	t.Parallel()
	db := started(t)
	c := client.New(db.Pool(t))
	_, session, err := c.SessionOpen(t.Context(), client.OpenOptions{Username: ""})
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `
		alter function pgsession.session_get(bytea) rename to session_get_0;
		create function pgsession.session_get(p_key bytea, p_more boolean default true)
		returns table (added text, id bigint, key bytea, username text, payload jsonb, version bigint, createddate timestamptz,
		               expires timestamptz, expiresecs integer, ttl interval, epoch uuid, more boolean)
		language sql as 'select ''x'', s.*, p_more from pgsession.session_get_0(p_key) s'`)
	if got, found, err := c.SessionGet(t.Context(), session.Key); err != nil || !found || got.ID != session.ID {
		t.Errorf("%+v, %v, %v", got, found, err)
	}
}

// TestPoolerWithoutPrepare runs a session's life through connections that change under the client, as
// behind a transaction pooler.
func TestPoolerWithoutPrepare(t *testing.T) {
	t.Parallel()
	pool := started(t).Pool(t, func(c *pgxpool.Config) {
		c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
		c.MaxConns = 2
		c.AfterRelease = func(*pgx.Conn) bool { return false } // each call has a connection of its own
	})
	c := client.New(pool)
	token, _, err := c.SessionOpen(t.Context(), client.OpenOptions{Idle: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.SessionTouch(t.Context(), token.Key()); n != 1 || err != nil {
		t.Errorf("SessionTouch: %d, %v", n, err)
	}
	if closed, err := c.Logout(t.Context(), token); !closed || err != nil {
		t.Errorf("Logout: %v, %v", closed, err)
	}
	if closed, err := c.Logout(t.Context(), token); closed || err != nil {
		t.Errorf("Logout again: %v, %v", closed, err)
	}
}

// TestBrokenConnection loses the server in the middle of a call.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Conn(t)
	db.Exec(t, "select pg_terminate_backend($1, 10000)", conn.PgConn().PID()) // waits until it has ended
	_, found, err := client.New(conn).SessionGet(t.Context(), client.Key{})
	if err == nil || found || !strings.HasPrefix(err.Error(), "pgsession: session_get: ") {
		t.Errorf("found %v, %v", found, err)
	}
}

// TestNoConnection names a database that is not there. The error says where it was looked for, and no
// password.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t, func(c *pgxpool.Config) {
		c.ConnConfig.Database, c.ConnConfig.Password = "missing", "s3cr3t"
	})
	_, _, err := client.New(pool).SessionGet(t.Context(), client.Key{})
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "3D000" || !strings.Contains(err.Error(), "database=missing") || strings.Contains(err.Error(), "s3cr3t") {
		t.Error(err)
	}
}

// TestModesReadTheSame reads one session in every mode: in binary or in text, the answer is the same.
func TestModesReadTheSame(t *testing.T) {
	t.Parallel()
	db := started(t)
	conn := db.Conn(t)
	if _, err := client.New(conn).UserCreate(t.Context(), "ä😀", "password", client.UserOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, o := range []client.OpenOptions{
		{},
		{Username: "ä😀", Idle: time.Hour, Payload: json.RawMessage(`{"a": "ä😀"}`)},
		{Idle: (1<<31 - 1) * time.Second},
	} {
		_, session, err := client.New(conn).SessionOpen(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, created := range []string{
			"now()", "'1969-12-31 23:59:59.5Z'", "'1999-12-31 23:59:59.999999Z'", "'2000-01-01Z'", "'0001-01-01Z'", "'0044-03-15Z BC'", "'9999-12-31 23:59:59.123456Z'",
		} {
			db.Exec(t, "update pgsession.sessions set createddate = "+created+" where id = "+strconv.FormatInt(session.ID, 10))
			want := readIn(t, db, pgx.QueryExecModeSimpleProtocol, session.Key)
			for _, mode := range modes() {
				if got := readIn(t, db, mode, session.Key); !reflect.DeepEqual(got, want) {
					t.Errorf("created %s: %s reads %+v\nwant %+v", created, mode, got, want)
				}
			}
		}
	}
}

// readIn reads a session, without what differs between two readings.
func readIn(t *testing.T, db *pgtest.DB, mode pgx.QueryExecMode, key client.Key) client.Session {
	t.Helper()
	conn := db.Conn(t, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode })
	session, found, err := client.New(conn).SessionGet(t.Context(), key)
	if err != nil || !found {
		t.Fatalf("%s: %v, %v", mode, found, err)
	}
	if session.Deadline.IsZero() != session.Expires.IsZero() {
		t.Errorf("%s: deadline %v, expires %v", mode, session.Deadline, session.Expires)
	}
	session.Sent, session.Deadline = time.Time{}, time.Time{}
	session.Created, session.Expires = session.Created.UTC(), session.Expires.UTC()
	return session
}
