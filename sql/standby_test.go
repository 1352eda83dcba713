package sql_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/internal/pgtest"
)

// What reads works on a standby, with no epoch; what writes is refused; promoted, it starts an epoch of its own.
func TestStandby(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, pgserver.Options{})
	if !server.Binaries().Has("pg_basebackup") {
		pgtest.Lacking(t, "pg_basebackup", "the program pg_basebackup is not there (Debian: the package postgresql-client)")
	}
	db := server.New(t)
	primary := db.Conn(t)
	user(t, primary, "ann")
	exec(t, primary, "select pgsession.change_start()")
	revoke(t, primary, 1)
	s := open(t, primary, "ann")
	before := one[string](t, primary, epoch)

	standby, err := server.Standby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	conn, err := pgx.Connect(t.Context(), standby.DSN(db.Name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })

	for _, answer := range []string{
		"select concat_ws(' ', id, username, payload, version, expires) from pgsession.session_get(p_token => '" + s.token + "')",
		"select concat_ws(' ', id, username, version, expires) from pgsession.session_list('ann')",
		"select u::text from pgsession.user_get('ann') u", "select pgsession.setting('lease')", "select pgsession.version()",
		"select concat_ws(' ', users, sessions, expired) from pgsession.stats()", "select pgsession.session_key('" + s.token + "')::text",
		"select u::text from pgsession.user_list() u", "select pgsession.session_explain('" + s.token + "')",
		"select s::text from pgsession.signed_in s", "select count(*)::text from pgsession.audit_trail",
	} {
		want := one[string](t, primary, answer)
		pgtest.Eventually(t, patience, func() bool {
			found := list[string](t, conn, answer)
			return len(found) == 1 && found[0] == want
		}, answer)
	}
	same(t, "epochs", one[bool](t, conn, `select pgsession.epoch() is null and (select bool_and(epoch is null) from pgsession.session_list('ann'))
		and (select epoch is null from pgsession.session_get(p_key => $1::bytea)) and (select epoch is null and log_rows is null from pgsession.stats())`, s.key), true)
	refused(t, conn, "SE007", "select pgsession.change_poll()")
	refused(t, conn, "SE007", "select pgsession.change_wait()")
	for _, call := range []string{"login('ann', '" + password + "')", "session_touch('{}')", "session_close('" + s.token + "')", "session_open()", "session_sweep()"} {
		refused(t, conn, "25006", "select pgsession."+call)
	}
	for _, call := range []string{"change_start()", "change_members()"} {
		refused(t, conn, "0A000", "select pgsession."+call)
	}

	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "after promotion: epoch, log rows", one[string](t, conn, "select concat_ws(' ', epoch is null, log_rows) from pgsession.stats()"), "t 0")
	exec(t, conn, "select pgsession.change_start()")
	if after := one[string](t, conn, epoch); after == "" || after == before {
		t.Errorf("epoch after promotion %q, before %q", after, before)
	}
	same(t, "closed", one[bool](t, conn, "select pgsession.session_close(p_key => $1)", s.key), true)
}
