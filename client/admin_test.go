package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestStats(t *testing.T) {
	t.Parallel()
	db := started(t)
	c := client.New(app(t, db).Pool(t))
	ctx := t.Context()
	if _, err := c.UserCreate(ctx, "alice", "password", client.UserOptions{}); err != nil {
		t.Fatal(err)
	}
	var sessions []client.Session
	for range 3 {
		_, session, err := c.SessionOpen(ctx, client.OpenOptions{Username: "alice", Idle: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, session)
	}
	db.Exec(t, "update pgsession.sessions set expires = statement_timestamp() - interval '1 second' where id = $1", sessions[0].ID)
	stats, err := c.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	epoch, err := c.Epoch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Users != 1 || stats.Sessions != 2 || stats.Expired != 1 || stats.LogRows != 1 || stats.LowWater == 0 || stats.Epoch != epoch {
		t.Errorf("%+v in epoch %v", stats, epoch)
	}
	if n, err := c.SessionSweep(ctx, 0); n != 1 || err != nil {
		t.Errorf("SessionSweep: %d, %v", n, err)
	}
	if n, err := c.SessionSweep(ctx, 10); n != 0 || err != nil {
		t.Errorf("SessionSweep again: %d, %v", n, err)
	}
	_, err = c.SessionSweep(ctx, -1)
	wantErr(t, "SessionSweep of less than nothing", err, client.ErrInvalid)
	if stats, err := c.Stats(ctx); err != nil || stats.Sessions != 2 || stats.Expired != 0 {
		t.Errorf("swept: %+v, %v", stats, err)
	}
}

func TestStatsBeforeStart(t *testing.T) {
	t.Parallel()
	c := client.New(app(t, pgtest.New(t)).Pool(t))
	if stats, err := c.Stats(t.Context()); err != nil || stats != (client.Stats{}) {
		t.Errorf("%+v, %v", stats, err)
	}
	if epoch, err := c.Epoch(t.Context()); err != nil || !epoch.IsZero() {
		t.Errorf("epoch %v, %v", epoch, err)
	}
}

func TestSettingAndVersion(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, mode := range modes() {
		conn := app(t, db).Conn(t, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode })
		c := client.New(conn)
		if value, err := c.Setting(t.Context(), "bcrypt_cost"); value != "4" || err != nil {
			t.Errorf("%s: Setting: %q, %v", mode, value, err)
		}
		_, err := c.Setting(t.Context(), "no'such")
		wantErr(t, mode.String(), err, client.ErrInvalid)
		if version, err := c.Version(t.Context()); err != nil || strings.Count(version, ".") != 2 {
			t.Errorf("%s: Version: %q, %v", mode, version, err)
		}
	}
}

func TestSetSetting(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, mode := range modes() {
		c := client.New(db.Conn(t, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode }))
		if err := c.SetSetting(t.Context(), "payload_max", "2048"); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		if value, err := c.Setting(t.Context(), "payload_max"); value != "2048" || err != nil {
			t.Errorf("%s: set to %q, %v", mode, value, err)
		}
		if err := c.ResetSetting(t.Context(), "payload_max"); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		if value, err := c.Setting(t.Context(), "payload_max"); value != "65536" || err != nil {
			t.Errorf("%s: set back to %q, %v", mode, value, err)
		}
		wantErr(t, "a value that it cannot have", c.SetSetting(t.Context(), "payload_max", "much"), client.ErrInvalid)
		wantErr(t, "a name that is none", c.SetSetting(t.Context(), "nosuch", "1"), client.ErrInvalid)
		wantErr(t, "a name that is none", c.ResetSetting(t.Context(), "nosuch"), client.ErrInvalid)
		wantErr(t, "a zero byte", c.SetSetting(t.Context(), "notify", "in\x00line"), client.ErrInvalid)
	}
}

// Administrators and auditors get their rights, and lose them again.
func TestGrantAndRevoke(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role := db.As(t)
	c := client.New(role.Pool(t))
	closeAll := func() error { _, err := c.SessionCloseAll(t.Context()); return err }
	stats := func() error { _, err := c.Stats(t.Context()); return err }
	for _, mode := range modes() {
		owner := client.New(db.Conn(t, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode }))
		for _, step := range []struct {
			name            string
			do              func(context.Context, string) error
			closeAll, stats bool
		}{
			{"auditor", owner.GrantAuditor, false, true},
			{"admin", owner.GrantAdmin, true, true},
			{"revoked", owner.RevokeRole, false, false},
		} {
			if err := step.do(t.Context(), role.User); err != nil {
				t.Errorf("%s: %s: %v", mode, step.name, err)
			}
			if err := closeAll(); (err == nil) != step.closeAll {
				t.Errorf("%s: session_close_all: %v", step.name, err)
			}
			if err := stats(); (err == nil) != step.stats {
				t.Errorf("%s: stats: %v", step.name, err)
			}
			wantErr(t, "everybody", step.do(t.Context(), "public"), client.ErrInvalid)
		}
		if n, err := owner.AuditMaintain(t.Context()); n != 0 || err != nil {
			t.Errorf("%s: AuditMaintain: %d, %v", mode, n, err)
		}
	}
}

func TestGrantApp(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role := db.As(t)
	const denied = "42501"
	c := client.New(role.Pool(t))
	for name, call := range map[string]func() error{
		"session_get": func() error { _, _, err := c.SessionGet(t.Context(), client.Key{}); return err },
		"grant_app":   func() error { return c.GrantApp(t.Context(), role.User) },
	} {
		var ours *client.Error
		if err := call(); !errors.As(err, &ours) || ours.Code != denied {
			t.Errorf("%s before grant_app: %v", name, err)
		}
	}
	for _, mode := range modes() {
		owner := db.Conn(t, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode })
		if err := client.New(owner).GrantApp(t.Context(), role.User); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
	if _, _, err := c.SessionGet(t.Context(), client.Key{}); err != nil {
		t.Errorf("session_get after grant_app: %v", err)
	}
	_, err := c.SessionCloseAll(t.Context())
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != denied {
		t.Errorf("session_close_all by an application: %v", err)
	}
	owner := client.New(db.Conn(t))
	wantErr(t, "a name that would be cut short", owner.GrantApp(t.Context(), strings.Repeat("x", 64)), client.ErrInvalid)
	if err := owner.GrantApp(t.Context(), "nobody of that name"); err == nil {
		t.Error("a role that does not exist was granted rights")
	}
}

func TestSessionCloseAll(t *testing.T) {
	t.Parallel()
	c := client.New(started(t).Pool(t))
	for range 3 {
		if _, _, err := c.SessionOpen(t.Context(), client.OpenOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := c.SessionCloseAll(t.Context()); n != 3 || err != nil {
		t.Errorf("SessionCloseAll: %d, %v", n, err)
	}
}

// TestOtherSchema has two installations in one database, which know nothing of each other.
func TestOtherSchema(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Conn(t)
	if _, err := migrations.Up(t.Context(), conn, migrations.Options{Schema: "tenant_2"}); err != nil {
		t.Fatal(err)
	}
	pool := db.Pool(t)
	first, second := client.New(pool), client.New(pool, client.WithSchema("tenant_2"))
	_, session, err := second.SessionOpen(t.Context(), client.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, found, err := first.SessionGet(t.Context(), session.Key); found || err != nil {
		t.Errorf("one schema's session in another: %v, %v", found, err)
	}
	if _, found, err := second.With(conn).SessionGet(t.Context(), session.Key); !found || err != nil {
		t.Errorf("With: %v, %v", found, err)
	}
	if _, err := client.New(pool, client.WithSchema("missing")).Version(t.Context()); err == nil {
		t.Error("a schema that is not there has a version")
	}
}
