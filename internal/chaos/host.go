//go:build unix

package chaos

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/migrations"
)

// template is the database of a host that scenes' databases are copies of.
const template = "chaos"

// host is a server on which scenes have their databases.
type host struct {
	server *pgserver.Server

	mu   sync.Mutex // CREATE DATABASE copies a template that nobody else may be using
	made int
}

// newHost starts a server and migrates its template.
func newHost(ctx context.Context) (*host, error) {
	o := pgserver.Options{TCP: true, Settings: map[string]string{
		"shared_buffers": "64MB", "max_wal_size": "512MB", "max_connections": "300", "max_prepared_transactions": "20",
		"autovacuum_naptime": "10s",
	}}
	server, err := pgserver.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	h := &host{server: server}
	if err := h.fill(ctx); err != nil {
		h.close(ctx)
		return nil, err
	}
	return h, nil
}

func (h *host) fill(ctx context.Context) error {
	if err := h.exec(ctx, "postgres", "create database "+template); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, h.server.DSN(template))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := migrations.Up(ctx, conn, migrations.Options{}); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "insert into pgsession.settings values ('bcrypt_cost', '4'), ('password_min', '1')")
	return err
}

// database makes a database of these settings.
func (h *host) database(ctx context.Context, settings map[string]string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.made++
	name := fmt.Sprintf("%s_%d", template, h.made)
	if err := h.exec(ctx, "postgres", "create database "+name+" template "+template); err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, h.server.DSN(name))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	var names, values []string
	for setting, value := range settings {
		names, values = append(names, setting), append(values, value)
	}
	// In one statement: poll is to stay below lease. Nobody holds a lease yet, so the former one need not be minded.
	_, err = conn.Exec(ctx, "insert into pgsession.settings select * from unnest($1::text[], $2::text[]) on conflict (name) do update set value = excluded.value", names, values)
	if err == nil {
		_, err = conn.Exec(ctx, "delete from pgsession.lease_changes")
	}
	return name, err
}

// drop removes a database, whoever is connected to it.
func (h *host) drop(ctx context.Context, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.exec(ctx, "postgres", "drop database if exists "+name+" with (force)")
}

// exec runs SQL over a connection of its own.
func (h *host) exec(ctx context.Context, database, sql string, args ...any) error {
	return execute(ctx, h.server.DSN(database), sql, args...)
}

func execute(ctx context.Context, dsn, sql string, args ...any) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if len(args) == 0 { // several statements, or one that runs in no transaction
		args = []any{pgx.QueryExecModeSimpleProtocol}
	}
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("%.60s: %w", sql, err)
	}
	return nil
}

func (h *host) close(ctx context.Context) { _ = h.server.Close(context.WithoutCancel(ctx)) }

// named adds parameters to a connection URL: who connects, and that connecting takes no longer than this.
func named(dsn, application string, more ...string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		panic(err) // it was made by this program
	}
	query := u.Query()
	query.Set("application_name", application)
	query.Set("connect_timeout", "2")
	for _, pair := range more {
		name, value, _ := strings.Cut(pair, "=")
		query.Set(name, value)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// multiHost is a DSN of two servers, of which the one that takes writes is meant.
func multiHost(first, second string) (string, error) {
	a, err := url.Parse(first)
	if err != nil {
		return "", err
	}
	b, err := url.Parse(second)
	if err != nil {
		return "", err
	}
	// net/url refuses to parse, but not to print, a list of hosts; so parameters are added first.
	return strings.Replace(named(first, "chaos", "target_session_attrs=read-write"), a.Host, a.Host+","+b.Host, 1), nil
}
