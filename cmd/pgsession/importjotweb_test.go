package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
)

// sitePassword is that of all users of the site that jotweb/testdata/make.py made.
const sitePassword = "pässword-1"

// site makes a JOTWeb database, and returns it with its connect string as JOTWeb had it.
func site(t *testing.T) (*pgtest.DB, string) {
	t.Helper()
	sql, err := os.ReadFile("jotweb/testdata/site.sql")
	if err != nil {
		t.Fatal(err)
	}
	db := pgtest.Empty(t)
	db.Exec(t, "set search_path = public;"+string(sql))
	return db, db.DSN()
}

// stored is everything that is in pgsession's tables, as text.
func stored(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	var all string
	err := conn.QueryRow(t.Context(), `select concat((select string_agg(u::text, E'\n' order by id) from pgsession.users u), E'\n',
		(select string_agg(s::text, E'\n' order by id) from pgsession.sessions s))`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// siteReport is what an import of the site says. Sessions come in the order of their dates, then ids.
const siteReport = `user 6: left out: payload: 1 × datetime.datetime
user 7: skipped: payload cannot be read: it is no pickle of protocols 0 to 2
user 8: skipped: a username has 1 to 255 characters, none of them a control character
session 6: dead: its user has changed the password since
session 7: dead: it has no user
session 8: skipped: payload cannot be read: it is no pickle of protocols 0 to 2
session 9: skipped: its user is not imported
session 10: skipped: expiresecs is not positive
session 11: left out: payload: 1 × datetime.date
users     6 imported (1 of them without something), 0 there already, 2 skipped, 0 dead
sessions  6 imported (1 of them without something), 0 there already, 3 skipped, 3 dead
`

func TestImportJOTWeb(t *testing.T) {
	_, from := site(t)
	db := pgtest.New(t)
	conn := db.Conn(t)
	noDatabase(t)
	got := runCommand(t, "import-jotweb", "--from", from, "--dsn", db.DSN(), "--dry-run")
	if want := siteReport + "a dry run: nothing has been changed\n"; got.out != want || got.status != 3 || strings.TrimSpace(stored(t, conn)) != "" {
		t.Fatalf("dry run: status %d\n%s%s", got.status, got.out, got.err)
	}
	got = runCommand(t, "import-jotweb", "--from", from, "--dsn", db.DSN())
	if got.out != siteReport || got.status != 3 || !strings.Contains(got.err, "not everything") {
		t.Fatalf("status %d\n%s%s", got.status, got.out, got.err)
	}
	if !strings.Contains(got.err, "users    [##############################] 8 of 8") {
		t.Errorf("no progress is shown:\n%s", got.err)
	}

	// Again it changes nothing.
	before := stored(t, conn)
	got = runCommand(t, "import-jotweb", "--from", from, "--dsn", db.DSN())
	if got.status != 3 || !strings.Contains(got.out, "users     0 imported (0 of them without something), 6 there already, 2 skipped, 0 dead\n"+
		"sessions  0 imported (0 of them without something), 6 there already, 3 skipped, 3 dead\n") {
		t.Errorf("again: status %d\n%s%s", got.status, got.out, got.err)
	}
	if after := stored(t, conn); after != before {
		t.Errorf("importing again changed\n%s\nto\n%s", before, after)
	}
}

// An imported session opens with its cookie, an imported user logs in, and the hash's upgrade ends no session; what was ended does
// not come back.
func TestImportedUsersLogInAndSessionsLive(t *testing.T) {
	_, from := site(t)
	db := pgtest.New(t)
	c := client.New(db.Pool(t))
	noDatabase(t)
	if got := runCommand(t, "import-jotweb", "--from", from, "--dsn", db.DSN()); got.status != 3 {
		t.Fatalf("%+v", got)
	}
	for _, username := range []string{"des", "extdes", "md5crypt", "md5hex"} {
		key := client.KeyOf(username + "-cookie")
		session, found, err := c.SessionGet(t.Context(), key)
		if err != nil || !found || session.Username != username {
			t.Errorf("%s: %+v: %v", username, session, err)
		}
		login, err := c.Login(t.Context(), username, sitePassword, client.LoginOptions{})
		if err != nil || login.Outcome != client.OK {
			t.Errorf("%s: login: %s: %v", username, login.Outcome, err)
		}
		if _, found, err := c.SessionGet(t.Context(), key); err != nil || !found {
			t.Errorf("%s: the upgrade has ended the session: %v", username, err)
		}
		if wrong, err := c.Login(t.Context(), username, "wrong", client.LoginOptions{}); err != nil || wrong.Outcome != client.BadCredentials {
			t.Errorf("%s: login with a wrong password: %s: %v", username, wrong.Outcome, err)
		}
	}
	for cookie, want := range map[string]string{"des-cookie": `{"cart": ["apples", 3]}`, "md5crypt-cookie": `{"a": 1}`, "partly-cookie": `{"a": 1}`} {
		if session, _, err := c.SessionGet(t.Context(), client.KeyOf(cookie)); err != nil || session.Payload.String() != want {
			t.Errorf("%s: %s: %v", cookie, session.Payload, err)
		}
	}
	for _, cookie := range []string{"expired-cookie", "old-password-cookie", "stranger-cookie", "broken-cookie", "broken-user-cookie", "negative-cookie"} {
		if _, found, err := c.SessionGet(t.Context(), client.KeyOf(cookie)); err != nil || found {
			t.Errorf("%s is alive: %v", cookie, err)
		}
	}
	conn := db.Conn(t)
	const dates = `select concat_ws(' ', extract(epoch from u.createddate)::int, extract(epoch from u.lasthit)::int, s.expiresecs, extract(epoch from s.expires)::int, u.payload)
		from pgsession.users u join pgsession.sessions s using (username) where s.payload ? 'cart'`
	var row string
	if err := conn.QueryRow(t.Context(), dates).Scan(&row); err != nil || !strings.HasPrefix(row, "1050000000 ") || !strings.HasSuffix(row, ` 3600 2000000000 {"mail": "des@example.org", "visits": 3}`) {
		t.Errorf("%s: %v", row, err)
	}

	if _, err := c.SessionClose(t.Context(), client.KeyOf("des-cookie")); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "import-jotweb", "--from", from, "--dsn", db.DSN())
	if _, found, err := c.SessionGet(t.Context(), client.KeyOf("des-cookie")); err != nil || found {
		t.Errorf("a session that was ended has come back: %v", err)
	}
}

// What was added to the site since comes along when it is repeated.
func TestImportJOTWebAgainBringsWhatIsNew(t *testing.T) {
	source, from := site(t)
	db := pgtest.New(t)
	c := client.New(db.Pool(t))
	noDatabase(t)
	runCommand(t, "import-jotweb", "--from", from, "--dsn", db.DSN())
	source.Exec(t, `insert into public.users (username, cryptpasswd, createddate, payload) values ('new', 'abRy4/6THFs9U', 1060000000, E'(d.');
		insert into public.sessions (key, username, cryptpasswd, createddate, payload)
		select username || '-cookie-2', username, cryptpasswd, 1060000000, E'(d.' from public.users where username in ('des', 'new')`)
	got := runCommand(t, "import-jotweb", "--from", from, "--dsn", db.DSN())
	if !strings.Contains(got.out, "users     1 imported") || !strings.Contains(got.out, "sessions  2 imported") {
		t.Errorf("%+v", got)
	}
	for _, cookie := range []string{"des-cookie", "des-cookie-2", "new-cookie-2"} {
		if _, found, err := c.SessionGet(t.Context(), client.KeyOf(cookie)); err != nil || !found {
			t.Errorf("%s is not there: %v", cookie, err)
		}
	}
}

// The reference shows what is printed.
func TestImportJOTWebIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../sql/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), " --dry-run\n"+siteReport+"a dry run: nothing has been changed\n```") {
		t.Error("sql/README.md shows another report than the import of the test site prints")
	}
}

func TestImportJOTWebForPrograms(t *testing.T) {
	_, from := site(t)
	db := pgtest.New(t)
	noDatabase(t)
	got := runCommand(t, "import-jotweb", "--from", from, "--dsn", db.DSN(), "--json", "--acknowledgement", "acknowledgement")
	var summary importSummary
	if err := json.Unmarshal([]byte(got.out), &summary); err != nil || got.status != 3 {
		t.Fatalf("%+v: %v", got, err)
	}
	if summary.Users.Imported != 6 || summary.Sessions.Imported != 5 || summary.Sessions.Dead != 4 || len(summary.Findings) != 10 || summary.DryRun {
		t.Errorf("%+v", summary)
	}
	for _, secret := range []string{"abRy4", "cookie", "example.org", "k3y", "not a pickle", sitePassword, "bad\n", `bad\n`} {
		if strings.Contains(got.out+got.err, secret) {
			t.Errorf("it says %q:\n%s%s", secret, got.out, got.err)
		}
	}
	var pending bool
	const query = `select status = 'pending' and activation = sha256('k3y') and payload = '{"mail": "p@example.org"}' from pgsession.users where username = 'pending'`
	if err := db.Conn(t).QueryRow(t.Context(), query).Scan(&pending); err != nil || !pending {
		t.Errorf("the user with an acknowledgement key is not pending: %v", err)
	}
}

func TestImportJOTWebReadsTheSeedsConnectString(t *testing.T) {
	source, _ := site(t)
	db := pgtest.New(t)
	noDatabase(t)
	config := source.Config()
	dsn := fmt.Sprintf("%s:%d:%s:%s:%s:-c statement_timeout=60s:tty", config.Host, config.Port, config.Database, config.User, config.Password)
	if got := runCommand(t, "import-jotweb", "--from", dsn, "--dsn", db.DSN(), "--dry-run"); got.status != 3 || !strings.HasPrefix(got.out, siteReport) {
		t.Errorf("%+v", got)
	}
}

func TestImportJOTWebRefusals(t *testing.T) {
	source, from := site(t)
	db := pgtest.New(t)
	empty := pgtest.Empty(t)
	noDatabase(t)
	source.Exec(t, "create schema old; create table old.users (id integer, username text); create schema half; create table half.users (like public.users)")
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"no source", []string{"--dsn", db.DSN()}, 2, "--from"},
		{"unreadable source", []string{"--from", "host=x port=many password=hunter2", "--dsn", db.DSN()}, 2, "--from: dsn: cannot read"},
		{"too many parts", []string{"--from", "a:b:c:d:e:f:g:hunter2", "--dsn", db.DSN()}, 2, "seven parts"},
		{"source away", []string{"--from", "/nonexistent::x:y:hunter2", "--dsn", db.DSN()}, 1, "connect to the JOTWeb database"},
		{"no tables", []string{"--from", empty.DSN(), "--dsn", db.DSN()}, 1, "there is no table"},
		{"no columns", []string{"--from", from, "--from-schema", "old", "--dsn", db.DSN()}, 1, `"old".users is none of JOTWeb's: it has no cryptpasswd, createddate, lastlogin, lasthit, payload`},
		{"no sessions", []string{"--from", from, "--from-schema", "half", "--dsn", db.DSN()}, 1, `there is no table "half".sessions`},
		{"no right to read", []string{"--from", source.As(t).DSN(), "--dsn", db.DSN()}, 1, "grant select on the table"},
		{"pgsession not installed", []string{"--from", from, "--dsn", empty.DSN()}, 1, "migrate up"},
		{"no right to import", []string{"--from", from, "--dsn", db.As(t).DSN()}, 1, "connect as its owner"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := runCommand(t, append([]string{"import-jotweb"}, tt.args...)...)
			if got.status != tt.status || !strings.Contains(got.err, tt.says) || got.out != "" || strings.Contains(got.err, "hunter2") {
				t.Errorf("status %d, should be %d and say %q:\n%s%s", got.status, tt.status, tt.says, got.out, got.err)
			}
		})
	}
}

// cancelling is a standard error that is interrupted when something is printed to it.
type cancelling struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (c *cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return c.Buffer.Write(p)
}

// Interrupted after the first batches, it has changed nothing.
func TestImportJOTWebInterrupted(t *testing.T) {
	source, from := site(t)
	source.Exec(t, "insert into public.users (username, cryptpasswd, createddate, payload) select 'user ' || i, 'x', 1050000000, E'(d.' from generate_series(1, 2000) i")
	db := pgtest.New(t)
	noDatabase(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stderr := &cancelling{cancel: cancel}
	var stdout bytes.Buffer
	status := run(ctx, []string{"import-jotweb", "--from", from, "--dsn", db.DSN()}, streams{in: strings.NewReader(""), out: &stdout, err: stderr})
	if status != 1 || !strings.Contains(stderr.String(), "500 of 2008") || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("status %d\n%s%s", status, &stdout, stderr)
	}
	if left := strings.TrimSpace(stored(t, db.Conn(t))); left != "" {
		t.Errorf("it has left\n%s", left)
	}
	if got := runCommand(t, "import-jotweb", "--from", from, "--dsn", db.DSN()); !strings.Contains(got.out, "users     2006 imported") {
		t.Errorf("%+v", got)
	}
}
