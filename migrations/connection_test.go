package migrations_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestConnectionComesBackAsItWas(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	exec(t, conn, `set search_path to public; set work_mem to '5MB'; set default_transaction_isolation to 'serializable';
		set default_transaction_read_only to on; set app.tenant to 'seven'; set client_min_messages to debug1`)
	settings := func() string {
		return one[string](t, conn, `select concat_ws('|', current_setting('search_path'), current_setting('work_mem'), current_setting('default_transaction_isolation'),
			current_setting('default_transaction_read_only'), current_setting('app.tenant'), current_setting('client_min_messages'))`)
	}
	before := settings()
	mustUp(t, conn, migrations.Options{})
	if after := settings(); after != before {
		t.Errorf("after up: %s, before: %s", after, before)
	}
	mustDown(t, conn, migrations.Options{}, 0)
	if after := settings(); after != before {
		t.Errorf("after down: %s, before: %s", after, before)
	}
	if n := one[int](t, conn, "select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and database = (select oid from pg_catalog.pg_database where datname = current_database())"); n != 0 {
		t.Errorf("%d advisory locks are held", n)
	}
}

func TestConnectionInATransactionIsRefused(t *testing.T) {
	t.Parallel()
	conn := pgtest.Empty(t).Conn(t)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrations.Up(t.Context(), conn, migrations.Options{}); err == nil {
		t.Error("up in somebody's transaction succeeded")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestWaitingForAnotherMigratorCanBeCancelled(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	holder, conn := db.Conn(t), db.Conn(t)
	tx, err := holder.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "select pg_catalog.pg_advisory_xact_lock($1)", migrations.LockKey); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	waits := 0
	_, err = migrations.Up(ctx, conn, migrations.Options{OnStep: func(s migrations.Step) {
		if s.Action == migrations.ActionWait {
			waits++
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || waits != 1 {
		t.Errorf("error: %v after %d announcements of waiting", err, waits)
	}
	if conn.IsClosed() || conn.PgConn().TxStatus() != 'I' {
		t.Fatal("the connection is not usable any more")
	}

	// It goes on as soon as the other one is done.
	_, err = migrations.Up(t.Context(), conn, migrations.Options{OnStep: func(s migrations.Step) {
		if s.Action == migrations.ActionWait {
			if err := tx.Rollback(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}})
	if err != nil {
		t.Error(err)
	}
}

func TestCancelledInTheMiddleChangesNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	observer := db.Conn(t)
	found := everything(t, observer)
	for _, action := range []migrations.Action{migrations.ActionCreateSchema, migrations.ActionUp, migrations.ActionInstall} {
		conn := db.Conn(t)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := migrations.Up(ctx, conn, migrations.Options{OnStep: func(s migrations.Step) {
			if s.Action == action {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at %q: %v", action, err)
		}
		if d := diff(found, everything(t, observer)); len(d) > 0 {
			t.Errorf("cancelled at %q, it left %v", action, d)
		}
	}
	mustUp(t, observer, migrations.Options{})
}

func TestEveryQueryMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Empty(t).Conn(t, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode })
			mustUp(t, conn, migrations.Options{})
			if s := status(t, conn, migrations.Options{}); s.Version != s.Newest || s.Code == "" {
				t.Errorf("status: %+v", s)
			}
			mustDown(t, conn, migrations.Options{}, 0)
		})
	}
}
