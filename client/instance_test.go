package client_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
)

// TestInstances registers an instance, has it poll and report, and ends its registration.
func TestInstances(t *testing.T) {
	t.Parallel()
	for _, mode := range modes() {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			db := started(t)
			db.Exec(t, `insert into pgsession.settings values ('lease', '100 ms'), ('poll', '50 ms'); delete from pgsession.lease_changes;
				update pgsession.change_state set begun = begun - interval '1 hour'`) // the epoch is not young
			conn := app(t, db).Conn(t, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode })
			c := client.New(conn)
			ctx := t.Context()
			id, other := client.NewInstance(), client.NewInstance()
			if id == other || id == (client.Instance{}) || strings.Count(id.String(), "-") != 4 {
				t.Fatalf("instances %v and %v", id, other)
			}
			is := func(what string, want bool) func(bool, error) {
				return func(got bool, err error) {
					t.Helper()
					if got != want || err != nil {
						t.Errorf("%s: %v, %v; want %v", what, got, err, want)
					}
				}
			}

			before := poll(t, c, client.Snapshot{})
			if p, err := c.ChangePoll(ctx, client.Snapshot{}, id); err != nil || p.Member {
				t.Errorf("polling unregistered: %v, %v", p.Member, err)
			}
			is("ChangeAck unregistered", false)(c.ChangeAck(ctx, id, before.Snapshot))
			wantErr(t, "ChangeJoin of nobody", c.ChangeJoin(ctx, client.Instance{}), client.ErrInvalid)
			if err := c.ChangeJoin(ctx, id); err != nil {
				t.Fatal(err)
			}
			checkMember(t, c, client.Member{Instance: id})

			is("ChangeApplied before the first poll", false)(c.ChangeApplied(ctx, before.Snapshot.Xmin()-1))
			p, err := c.ChangePoll(ctx, before.Snapshot, id)
			if err != nil || !p.Member {
				t.Errorf("polling registered: %v, %v", p.Member, err)
			}
			checkMember(t, c, client.Member{Instance: id, Polls: 1, Applied: before.Snapshot})
			is("ChangeApplied of what the cursor sees", true)(c.ChangeApplied(ctx, before.Snapshot.Xmin()-1))
			revoked := transactionID(t, conn)
			is("ChangeApplied of what the cursor does not see", false)(c.ChangeApplied(ctx, revoked))
			is("ChangeAck", true)(c.ChangeAck(ctx, id, poll(t, c, client.Snapshot{}).Snapshot))
			is("ChangeApplied of what was acknowledged", true)(c.ChangeApplied(ctx, revoked))

			is("ChangeExpel of who has polled", false)(c.ChangeExpel(ctx, id, 0))
			is("ChangeExpel of another", false)(c.ChangeExpel(ctx, other, 1))
			is("ChangeExpel", true)(c.ChangeExpel(ctx, id, 1))
			if err := c.ChangeJoin(ctx, other); err != nil {
				t.Fatal(err)
			}
			if err := c.ChangeLeave(ctx, other); err != nil {
				t.Fatal(err)
			}
			if members, err := c.ChangeMembers(ctx); len(members) != 0 || err != nil {
				t.Errorf("after all have left: %+v, %v", members, err)
			}
		})
	}
}

// checkMember checks the only registration there is.
func checkMember(t *testing.T, c *client.Client, want client.Member) {
	t.Helper()
	members, err := c.ChangeMembers(t.Context())
	if err != nil || len(members) != 1 || members[0] != want {
		t.Errorf("registered: %+v, %v; want %+v", members, err, want)
	}
}

// transactionID runs a transaction and returns its number.
func transactionID(t *testing.T, conn *pgx.Conn) uint64 {
	t.Helper()
	var xid int64
	if err := conn.QueryRow(t.Context(), "select pg_current_xact_id()::text::bigint").Scan(&xid); err != nil {
		t.Fatal(err)
	}
	return uint64(xid)
}

func TestChangeRing(t *testing.T) {
	t.Parallel()
	db := started(t)
	c := client.New(app(t, db).Pool(t))
	ears := db.Conn(t)
	if _, err := ears.Exec(t.Context(), "listen pgsession_inv"); err != nil {
		t.Fatal(err)
	}
	heard := func() string {
		t.Helper()
		n, err := ears.WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n.Payload[strings.LastIndexByte(n.Payload, '|')+1:]
	}
	session := client.Change{Kind: client.ChangedSession, Tag: -1}
	user := client.Change{Kind: client.ChangedUser, Tag: 1}
	many := make([]client.Change, 601)
	for i := range many {
		many[i] = user
	}
	for _, ring := range []struct {
		changes []client.Change
		want    []string
	}{
		{nil, []string{"!"}},
		{[]client.Change{session, user}, []string{"s__________8uAAAAAAAAAAE"}},
		{[]client.Change{session, {Kind: client.ChangedAll}, user}, []string{"*"}},
		{many, []string{strings.Repeat("uAAAAAAAAAAE", 600), "uAAAAAAAAAAE"}},
	} {
		if err := c.ChangeRing(t.Context(), ring.changes...); err != nil {
			t.Fatal(err)
		}
		for _, want := range ring.want {
			if got := heard(); got != want {
				t.Errorf("%d changes were announced as %.100q, want %.100q", len(ring.changes), got, want)
			}
		}
	}
}
