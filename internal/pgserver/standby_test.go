//go:build unix

package pgserver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/internal/pgtest"
)

func TestStandbyFollowsAndTakesOver(t *testing.T) {
	t.Parallel()
	primary := start(t, pgserver.Options{TCP: true})
	standby, err := primary.Standby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standby.Close(context.Background()) })
	r, err := inspect(standby)
	if err != nil {
		t.Fatal(err)
	}
	if got := query(t, standby.TCPDSN("postgres"), "select pg_is_in_recovery()::text"); got != "true" {
		t.Fatalf("in recovery: %s", got)
	}
	mustExec(t, primary, "create table kept as select 'shipped' as what")
	pgtest.Eventually(t, time.Minute, func() bool {
		return query(t, standby.DSN("postgres"), "select coalesce(to_regclass('kept')::text, '')") == "kept"
	}, "the standby shows what the primary has committed")
	if err := primary.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := query(t, standby.TCPDSN("postgres"), "insert into kept values ('written') returning what"); got != "written" {
		t.Errorf("%q", got)
	}
	if err := standby.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	assertGone(t, r)
}

func TestDataIsSavedAndPutBack(t *testing.T) {
	t.Parallel()
	srv := start(t, pgserver.Options{})
	if err := srv.SaveData(t.Context()); err == nil {
		t.Error("the data of a running server was copied")
	}
	mustExec(t, srv, "create table kept as select 1 as n")
	if err := errors.Join(srv.Stop(t.Context()), srv.SaveData(t.Context()), srv.StartAgain(t.Context())); err != nil {
		t.Fatal(err)
	}
	mustExec(t, srv, "insert into kept values (2)")
	if err := srv.PutBack(t.Context()); err == nil {
		t.Error("the data of a running server was replaced")
	}
	if err := errors.Join(srv.Stop(t.Context()), srv.PutBack(t.Context()), srv.StartAgain(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got := query(t, srv.DSN("postgres"), "select string_agg(n::text, ' ') from kept"); got != "1" {
		t.Errorf("after it was put back, the table holds %s", got)
	}
}

func mustExec(t *testing.T, srv *pgserver.Server, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), srv.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
