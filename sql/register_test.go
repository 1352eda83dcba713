package sql_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Two processes that keep a cache, as the register knows them.
const (
	firstInstance  = "11111111-1111-4111-8111-111111111111"
	secondInstance = "22222222-2222-4222-8222-222222222222"
)

// pollAs polls for an instance and returns the new cursor, and whether the instance is registered.
func pollAs(t *testing.T, conn *pgx.Conn, cursor, instance string) (snapshot, member string) {
	t.Helper()
	err := conn.QueryRow(t.Context(), "select snapshot::text, coalesce(member::text, '') from pgsession.change_poll(nullif($1, '')::pg_snapshot, nullif($2, '')::uuid) limit 1", cursor, instance).Scan(&snapshot, &member)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot, member
}

func members(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	return one[string](t, conn, "select coalesce(string_agg(concat(left(id::text, 1), ':', polls, ':', (applied is not null)::int), ' ' order by id), '') from pgsession.change_members()")
}

func TestRegister(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	exec(t, conn, "select pgsession.change_start()")
	cursor, member := pollAs(t, conn, "", firstInstance)
	same(t, "member before it joins", member, "false")
	_, member = pollAs(t, conn, cursor, "")
	same(t, "member without a name", member, "")
	exec(t, conn, "select pgsession.change_join($1), pgsession.change_join($2)", firstInstance, secondInstance)
	same(t, "joined", members(t, conn), "1:0:0 2:0:0")
	cursor, member = pollAs(t, conn, "", firstInstance)
	same(t, "member", member, "true")
	same(t, "before it applied anything", members(t, conn), "1:1:0 2:0:0")
	pollAs(t, conn, cursor, firstInstance)
	same(t, "after", members(t, conn), "1:2:1 2:0:0")
	same(t, "acknowledged", one[bool](t, conn, "select pgsession.change_ack($1, $2::text::pg_snapshot)", secondInstance, cursor), true)
	same(t, "after", members(t, conn), "1:2:1 2:0:1")

	// Who joins again starts again; who has polled since is not expelled.
	exec(t, conn, "select pgsession.change_join($1)", firstInstance)
	same(t, "joined again", members(t, conn), "1:3:0 2:0:1")
	same(t, "expelled", one[bool](t, conn, "select pgsession.change_expel($1, 2)", firstInstance), false)
	same(t, "expelled", one[bool](t, conn, "select pgsession.change_expel($1, 3)", firstInstance), true)
	same(t, "expelled again", one[bool](t, conn, "select pgsession.change_expel($1, 3)", firstInstance), false)
	exec(t, conn, "select pgsession.change_leave($1), pgsession.change_leave($1)", secondInstance)
	same(t, "all gone", members(t, conn), "")
	same(t, "acknowledged", one[bool](t, conn, "select pgsession.change_ack($1, '1:1:')", secondInstance), false)
	refused(t, conn, "SE005", "select pgsession.change_join(null)")
}

// Whether all have applied a transaction: not before its commit, nor while one has not said so, nor in a young epoch.
func TestApplied(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	revoker := db.Conn(t)
	leased(t, conn, "100 ms")
	exec(t, conn, "select pgsession.change_start(); update pgsession.change_state set begun = begun - interval '1 hour'")
	exec(t, conn, "select pgsession.change_join($1), pgsession.change_join($2)", firstInstance, secondInstance)
	const applied = "select pgsession.change_applied($1::text::xid8)"
	first, _ := pollAs(t, conn, "", firstInstance)
	pollAs(t, conn, "", secondInstance)

	exec(t, revoker, "begin")
	revoke(t, revoker, 1)
	xid := one[string](t, revoker, "select pg_current_xact_id()::text")
	before, _ := pollAs(t, conn, first, firstInstance)
	same(t, "before the commit", one[bool](t, conn, applied, xid), false)
	exec(t, revoker, "commit")
	same(t, "after the commit", one[bool](t, conn, applied, xid), false)
	after, _ := pollAs(t, conn, before, firstInstance)
	same(t, "polled, not yet applied", one[bool](t, conn, applied, xid), false)
	pollAs(t, conn, after, firstInstance)
	same(t, "one has, one was never heard of", one[bool](t, conn, applied, xid), false)
	exec(t, conn, "select pgsession.change_ack($1, $2::text::pg_snapshot)", secondInstance, before)
	same(t, "one is behind", one[bool](t, conn, applied, xid), false)
	exec(t, conn, "select pgsession.change_ack($1, $2::text::pg_snapshot)", secondInstance, after)
	same(t, "all have", one[bool](t, conn, applied, xid), true)

	exec(t, conn, "update pgsession.settings set value = '2 hours' where name = 'lease'")
	same(t, "in a young epoch", one[bool](t, conn, applied, xid), false)
	leased(t, conn, "100 ms")
	exec(t, conn, "insert into pgsession.settings values ('fencing', '1 hour')")
	same(t, "within the fencing", one[bool](t, conn, applied, xid), false)
	exec(t, conn, "delete from pgsession.settings; delete from pgsession.change_state")
	same(t, "without an epoch", one[bool](t, conn, applied, xid), false)
	refused(t, conn, "SE005", "select pgsession.change_applied(null)")
}

func TestRing(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	e := listen(t, db)
	good := "sAAAAAAAAAAA"
	for _, items := range []string{"*", good, "u__________w" + good, strings.Repeat(good, 600)} {
		exec(t, conn, "select pgsession.change_ring($1)", items)
		heard := e.heard(t)
		if len(heard) != 1 || len(heard[0].items) != max(1, len(items)/12) {
			t.Errorf("rang %.20s, heard %v", items, heard)
		}
	}
	for _, items := range []any{nil, "", "x", "s", "**", "!!", "*" + good, "!" + good, good + " ", good[:11], "t" + good[1:], good + "\n", "sAAAAAAAAAA|", strings.Repeat(good, 601)} {
		refused(t, conn, "SE005", "select pgsession.change_ring($1)", items)
	}
	exec(t, conn, "insert into pgsession.settings values ('notify', 'none')")
	exec(t, conn, "select pgsession.change_ring('*')")
	same(t, "heard in mode none", len(e.heard(t)), 0)
}

// In doorbell mode only who says that it will ring is silent.
func TestDoorbellMode(t *testing.T) {
	t.Parallel()
	db, conn := start(t)
	e := listen(t, db)
	exec(t, conn, "insert into pgsession.settings values ('notify', 'doorbell')")
	revoke(t, conn, 1)
	same(t, "heard from psql", len(e.heard(t)), 1)
	rings := db.Conn(t, func(c *pgx.ConnConfig) { c.RuntimeParams["pgsession.notify"] = "doorbell" })
	revoke(t, rings, 2)
	same(t, "heard from one that rings", len(e.heard(t)), 0)
	exec(t, rings, "begin; set local pgsession.notify = 'inline'")
	revoke(t, rings, 3)
	exec(t, rings, "commit")
	same(t, "heard from one that does not, once", len(e.heard(t)), 1)
	same(t, "logged", len(logged(t, conn)), 3)
}
