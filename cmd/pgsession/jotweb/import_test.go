package jotweb_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/cmd/pgsession/jotweb"
	"github.com/pgsession/pgsession/internal/pgtest"
)

// loose are the seed's tables without its types and constraints.
const loose = `
create schema old;
create table old.users (id bigint, username text, cryptpasswd text, createddate text, lastlogin text, lasthit text, payload %[1]s);
create table old.sessions (id bigint, key text, username text, cryptpasswd text, createddate bigint, expiresecs text, expires bigint, payload %[1]s);`

// site makes a database of an encoding, runs SQL in it, and returns a connection as an import makes it.
func site(t *testing.T, encoding string, sql ...string) *pgx.Conn {
	t.Helper()
	db := pgtest.Empty(t)
	admin := db.Conn(t)
	name := strings.ToLower(db.Name + "_" + encoding)
	run(t, admin, fmt.Sprintf("create database %s encoding '%s' locale 'C' template template0", name, encoding))
	connect := func(change func(*pgx.ConnConfig)) *pgx.Conn {
		config := db.Config()
		config.Database = name
		change(config)
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	owner := connect(func(c *pgx.ConnConfig) {
		c.DefaultQueryExecMode = pgx.QueryExecModeExec
		if encoding != "SQL_ASCII" {
			c.RuntimeParams["client_encoding"] = "UTF8"
		}
	})
	for _, statement := range sql {
		for single := range strings.SplitSeq(statement, ";\n") {
			run(t, owner, single)
		}
	}
	if err := owner.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := connect(jotweb.SourceConfig)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = conn.Close(ctx)
		if _, err := admin.Exec(ctx, "drop database "+name); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// imported imports from a site and returns the users that came, with their payloads, and what was found.
func imported(t *testing.T, from *pgx.Conn, o jotweb.Options) (users, findings []string, summary jotweb.Summary) {
	t.Helper()
	to := pgtest.New(t).Conn(t)
	o.FromSchema = "old"
	o.Found = func(f jotweb.Finding) {
		findings = append(findings, fmt.Sprint(f.Kind, " ", f.ID, " ", f.Effect, ": ", f.Why))
	}
	summary, err := jotweb.Import(t.Context(), from, to, o)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := to.Query(t.Context(), "select username || ' ' || payload from pgsession.users order by id")
	if err != nil {
		t.Fatal(err)
	}
	if users, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	return users, findings, summary
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nshould be\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A pickle's bytes are the same in whatever encoding the site's database is, and names are read in it.
func TestEncodings(t *testing.T) {
	t.Parallel()
	const user = `insert into old.users (id, username, cryptpasswd, createddate, payload) values (1, '%s', 'x', '1', E'%s')`
	for _, tt := range []struct {
		encoding, username, payload string
		users, findings             []string
	}{
		{"UTF8", "Jürg €", `(dV\u00e9\nS''\\xfc''\ns.`, []string{`Jürg € {"é": "ü"}`}, []string{"user 1 noted: payload: 1 × text that is not UTF-8, read as Latin-1"}},
		{"UTF8", "x", `(dV€\nI1\ns.`, nil, []string{"user 1 skipped: payload cannot be read: it has characters that are no bytes"}},
		{"LATIN1", "Jürg", `(dVé\nI1\ns.`, []string{`Jürg {"é": 1}`}, nil},
		{"KOI8R", "Юра", `(dI1\nI1\ns.`, []string{`Юра {"1": 1}`}, nil},
		{"SQL_ASCII", "J\xc3\xbcrg", `(dV\351\nI1\ns.`, []string{`Jürg {"é": 1}`}, nil},
		{"SQL_ASCII", "J\xfcrg", `(dI1\nI1\ns.`, []string{`Jürg {"1": 1}`}, []string{"user 1 noted: username is not UTF-8: read as Latin-1"}},
	} {
		t.Run(tt.encoding+" "+strings.ToValidUTF8(tt.username, "?"), func(t *testing.T) {
			t.Parallel()
			from := site(t, tt.encoding, fmt.Sprintf(loose, "text"), fmt.Sprintf(user, tt.username, tt.payload))
			users, findings, _ := imported(t, from, jotweb.Options{})
			equal(t, "users", users, tt.users)
			equal(t, "findings", findings, tt.findings)
		})
	}
}

// Tables that were made with fewer constraints than the seed's, or with bytea for the payload.
func TestRowsThatAreWrong(t *testing.T) {
	t.Parallel()
	//nolint:dupword // two nulls are two columns
	from := site(t, "UTF8", fmt.Sprintf(loose, "bytea"), `insert into old.users values
			(1, null, 'x', '1', null, null, '(d.'), (2, 'a', null, '1', null, null, '(d.'), (3, 'b', 'x', null, null, null, '(d.'),
			(4, 'c', 'x', '253402300800', null, null, '(d.'), (5, 'd', 'x', '1', 'yesterday', '-1', '(d.'), (6, 'e', 'x', '1', null, null, null),
			(7, '', 'x', '1', null, null, '(d.'), (8, 'ok', 'x', '0', '253402300799', '1', '\x80027d2e');
insert into old.sessions values (1, null, 'ok', 'x', 1, null, null, '(d.'), (2, 'k2', 'ok', 'x', null, null, null, '(d.'),
			(3, 'k3', 'ok', 'x', 1, 'soon', null, '(d.'), (4, 'k4', null, 'x', 1, null, null, '(d.'), (5, 'k5', 'c', 'x', 1, null, null, '(d.'),
			(6, 'k6', 'ok', 'y', 1, null, null, '(d.'), (7, 'k7', 'ok', 'x', 1, null, null, '\x80027d2e')`)
	users, findings, summary := imported(t, from, jotweb.Options{})
	equal(t, "users", users, []string{"ok {}"})
	equal(t, "findings", findings, []string{
		"user 1 skipped: username is null",
		"user 2 skipped: cryptpasswd is null",
		"user 3 skipped: createddate is null",
		"user 4 skipped: createddate is no date",
		"user 5 skipped: lastlogin is no date; lasthit is no date",
		"user 6 skipped: payload is null",
		"user 7 skipped: a username has 1 to 255 characters, none of them a control character",
		"session 1 skipped: key is null",
		"session 3 skipped: expiresecs is no number",
		"session 4 dead: it has no user",
		"session 5 skipped: its user is not imported",
		"session 6 dead: its user has changed the password since",
		"session 2 skipped: createddate is null",
	})
	if u := summary.Users; u.Imported != 1 || u.Skipped != 7 || summary.Sessions.Imported != 1 || summary.Whole() {
		t.Errorf("%+v", summary)
	}
}

func TestAcknowledgement(t *testing.T) {
	t.Parallel()
	//nolint:dupword // two nulls are two columns
	from := site(t, "UTF8", fmt.Sprintf(loose, "text"), `insert into old.users values
			(1, 'pending', 'x', '1', null, null, E'(dS''key''\nS''k3y''\nsS''n''\nL12345678901234567890L\ns.'), (2, 'no key', 'x', '1', null, null, '(d.'),
			(3, 'none', 'x', '1', null, null, E'(dS''key''\nNs.'), (4, 'empty', 'x', '1', null, null, E'(dS''key''\nS''''\ns.'),
			(5, 'number', 'x', '1', null, null, E'(dS''key''\nI1\ns.');
insert into old.sessions values (1, 'k', 'pending', 'x', 1, null, null, '(d.')`)
	users, findings, summary := imported(t, from, jotweb.Options{Acknowledgement: "key"})
	equal(t, "users", users, []string{`pending {"n": 12345678901234567890}`, "no key {}", `none {"key": null}`, `empty {"key": ""}`})
	equal(t, "findings", findings, []string{"user 5 skipped: the acknowledgement key is no text", "session 1 dead: its user is pending or disabled"})
	if summary.Sessions.Dead != 1 || summary.Sessions.Imported != 0 {
		t.Errorf("%+v", summary)
	}
}
