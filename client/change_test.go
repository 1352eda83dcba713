package client_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
)

func TestChangePoll(t *testing.T) {
	t.Parallel()
	for _, mode := range modes() {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			pool := app(t, pgtest.New(t)).Pool(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			c := client.New(pool)
			ctx := t.Context()

			before, err := c.ChangePoll(ctx, client.Snapshot{}, client.Instance{})
			if err != nil || !before.Epoch.IsZero() || before.LowWater != 0 || before.Snapshot.IsZero() {
				t.Fatalf("before change_start: %+v, %v", before, err)
			}
			for range 2 {
				if err := c.ChangeStart(ctx); err != nil {
					t.Fatal(err)
				}
			}
			epoch, err := c.Epoch(ctx)
			if err != nil || epoch.IsZero() {
				t.Fatalf("Epoch: %v, %v", epoch, err)
			}

			first := poll(t, c, client.Snapshot{})
			if first.Epoch != epoch || first.LowWater == 0 || len(first.Changes) != 0 || first.Snapshot.Xmax() < first.LowWater {
				t.Errorf("the first poll: %+v", first)
			}
			if first.Lease != 3*time.Second || first.Interval != time.Second || first.Notify != "inline" {
				t.Errorf("lease %v, interval %v, notify %q", first.Lease, first.Interval, first.Notify)
			}

			_, session, err := c.SessionOpen(ctx, client.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			opened := poll(t, c, first.Snapshot)
			if len(opened.Changes) != 0 || session.Epoch != epoch {
				t.Errorf("opening logs %+v; epochs %v and %v", opened.Changes, session.Epoch, epoch)
			}
			floor, err := c.SessionSave(ctx, session.Key, map[string]int{}, 0)
			if err != nil || floor.Epoch != epoch {
				t.Errorf("saved in epoch %v, %v", floor.Epoch, err)
			}
			saved := poll(t, c, opened.Snapshot)
			if !slices.Equal(saved.Changes, []client.Change{{Kind: client.ChangedSession, Tag: session.Key.Tag()}}) {
				t.Errorf("saving logs %+v", saved.Changes)
			}
			if again := poll(t, c, saved.Snapshot); len(again.Changes) != 0 {
				t.Errorf("polled again: %+v", again.Changes)
			}
			if all := poll(t, c, first.Snapshot); !slices.Equal(all.Changes, saved.Changes) {
				t.Errorf("polled from the first cursor: %+v", all.Changes)
			}
		})
	}
}

func poll(t *testing.T, c *client.Client, cursor client.Snapshot) client.Poll {
	t.Helper()
	before := time.Now()
	p, err := c.ChangePoll(t.Context(), cursor, client.Instance{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Sent.Before(before) || p.Sent.After(time.Now()) {
		t.Errorf("sent at %v", p.Sent)
	}
	return p
}

func TestChangePollOfManySessions(t *testing.T) {
	t.Parallel()
	c := client.New(app(t, started(t)).Pool(t))
	ctx := t.Context()
	if _, err := c.UserCreate(ctx, "alice", "password", client.UserOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, _, err := c.SessionOpen(ctx, client.OpenOptions{Username: "alice"}); err != nil {
			t.Fatal(err)
		}
	}
	start := poll(t, c, client.Snapshot{})
	if n, err := c.SessionCloseUser(ctx, "alice"); n != 3 || err != nil {
		t.Fatalf("SessionCloseUser: %d, %v", n, err)
	}
	want := []client.Change{{Kind: client.ChangedUser, Tag: client.UserTag("alice")}}
	if got := poll(t, c, start.Snapshot); !slices.Equal(got.Changes, want) {
		t.Errorf("closing a user's sessions logs %+v, want %+v", got.Changes, want)
	}
}

func TestChangePollLimit(t *testing.T) {
	t.Parallel()
	db := started(t)
	db.Exec(t, "insert into pgsession.settings values ('poll_limit', '3')")
	c := client.New(app(t, db).Pool(t))
	start := poll(t, c, client.Snapshot{})
	for range 4 {
		_, session, err := c.SessionOpen(t.Context(), client.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.SessionClose(t.Context(), session.Key); err != nil {
			t.Fatal(err)
		}
	}
	if got := poll(t, c, start.Snapshot); !slices.Equal(got.Changes, []client.Change{{Kind: client.ChangedAll}}) {
		t.Errorf("more changes than a poll returns: %+v", got.Changes)
	}
}

func TestChangePollRefused(t *testing.T) {
	t.Parallel()
	conn := started(t).Conn(t)
	for name, options := range map[string]pgx.TxOptions{
		"repeatable read": {IsoLevel: pgx.RepeatableRead},
		"serializable":    {IsoLevel: pgx.Serializable},
		"read-only":       {AccessMode: pgx.ReadOnly},
	} {
		tx, err := conn.BeginTx(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.New(tx).ChangePoll(t.Context(), client.Snapshot{}, client.Instance{})
		wantErr(t, name, err, client.ErrPollRefused)
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestChangeWait asks how long to wait, with a fencing of one's own and without, and compares it with what a poll says.
func TestChangeWait(t *testing.T) {
	t.Parallel()
	db := started(t)
	for _, mode := range modes() {
		c := client.New(app(t, db).Conn(t, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode }))
		if p := poll(t, c, client.Snapshot{}); p.Lease != 3*time.Second || p.Wait != 3030*time.Millisecond {
			t.Errorf("%s: lease %v, wait %v", mode, p.Lease, p.Wait)
		}
		for fencing, want := range map[time.Duration]time.Duration{0: 3030 * time.Millisecond, time.Second: 4030 * time.Millisecond} {
			if wait, err := c.ChangeWait(t.Context(), fencing); wait != want || err != nil {
				t.Errorf("%s: ChangeWait(%v) = %v, %v", mode, fencing, wait, err)
			}
		}
	}
}
