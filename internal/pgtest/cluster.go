package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
)

// setupTimeout bounds what is done for a test that has not begun or has already ended.
const setupTimeout = 2 * time.Minute

// smallServer lets several servers run side by side on a small machine.
func smallServer() map[string]string {
	return map[string]string{
		"shared_buffers":            "64MB",
		"max_connections":           "200",
		"max_prepared_transactions": "20", // not for the number: zero would refuse PREPARE TRANSACTION
		"max_wal_size":              "256MB",
	}
}

// cluster is a server on which databases are made.
type cluster struct {
	config  *pgx.ConnConfig  // the maintenance database
	server  *pgserver.Server // nil where the server is not ours
	prefix  string           // of the names of all that is made here
	migrate func(context.Context, *pgx.Conn) error
	private bool // to one test, with which the whole server goes

	mu       sync.Mutex // CREATE DATABASE copies a template that nobody else may be using
	admin    *pgx.Conn  // connects on demand: a server may be stopped in between
	template string     // empty until made
	made     int
}

// newPrefix begins with namePrefix and tells the processes of one server apart.
func newPrefix() string { return namePrefix + strings.ToLower(rand.Text()[:10]) }

const namePrefix = "pgsession_test_"

// ownCluster starts a server.
func ownCluster(ctx context.Context, o pgserver.Options, migrate func(context.Context, *pgx.Conn) error) (*cluster, error) {
	settings := smallServer()
	maps.Copy(settings, o.Settings)
	o.Settings = settings
	server, err := pgserver.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(server.DSN("postgres"))
	if err != nil {
		return nil, errors.Join(err, server.Close(ctx))
	}
	return &cluster{config: config, server: server, prefix: newPrefix(), migrate: migrate}, nil
}

// foreignCluster uses a running server. Its first connection carries the prefix in its application_name for as long
// as there are databases of that prefix; a database whose process shows no such connection was left by one that was
// killed, and is dropped here.
func foreignCluster(ctx context.Context, dsn string, migrate func(context.Context, *pgx.Conn) error) (*cluster, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", DSNVariable, err)
	}
	c := &cluster{config: config, prefix: newPrefix(), migrate: migrate}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.dropStale(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", DSNVariable, err)
	}
	return c, nil
}

// conn returns the connection to the maintenance database; c.mu is held.
func (c *cluster) conn(ctx context.Context) (*pgx.Conn, error) {
	if c.admin != nil && !c.admin.IsClosed() {
		if c.admin.Ping(ctx) == nil {
			return c.admin, nil
		}
		_ = c.admin.Close(ctx)
	}
	config := c.config.Copy()
	config.RuntimeParams["application_name"] = c.prefix
	admin, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	c.admin = admin
	return admin, nil
}

// exec runs one statement in the maintenance database; c.mu is held. The simple protocol leaves no statement behind and
// suits those that run in no transaction.
func (c *cluster) exec(ctx context.Context, sql string) error {
	conn, err := c.conn(ctx)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// create makes a database: a copy of the migrated template, or an empty one.
func (c *cluster) create(ctx context.Context, empty bool) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	source := "template0"
	if !empty && c.migrate != nil {
		if err := c.ensureTemplate(ctx); err != nil {
			return "", fmt.Errorf("template: %w", err)
		}
		source = c.template
	}
	c.made++
	name := fmt.Sprintf("%s_%d", c.prefix, c.made)
	if err := c.copyDatabase(ctx, name, source); err != nil {
		return "", err
	}
	return name, nil
}

func (c *cluster) copyDatabase(ctx context.Context, name, source string) error {
	return c.exec(ctx, "create database "+quote(name)+" template "+quote(source))
}

// ensureTemplate makes the template if there is none; c.mu is held. It counts as made only once it is complete.
func (c *cluster) ensureTemplate(ctx context.Context) error {
	if c.template != "" {
		return nil
	}
	name := c.prefix + "_template"
	if err := c.drop(ctx, name); err != nil {
		return err
	}
	if err := c.copyDatabase(ctx, name, "template0"); err != nil {
		return err
	}
	if err := c.fill(ctx, name); err != nil {
		return err
	}
	c.template = name
	return nil
}

// fill migrates a database, over a connection of its own.
func (c *cluster) fill(ctx context.Context, name string) error {
	config := c.config.Copy()
	config.Database = name
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(c.migrate(ctx, conn), conn.Close(ctx))
}

// drop removes a database and ends whoever is connected to it; c.mu is held.
func (c *cluster) drop(ctx context.Context, name string) error {
	return c.exec(ctx, "drop database if exists "+quote(name)+" with (force)")
}

// createRole makes a role that may log in, and returns it with its password: empty where the server asks for none.
func (c *cluster) createRole(ctx context.Context, attributes string) (name, password string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	name = fmt.Sprintf("%s_%d", c.prefix, c.made)
	sql := "create role " + quote(name) + " login " + attributes
	if c.server == nil {
		password = rand.Text()
		sql += " password '" + password + "' role current_user" // who is none of its members cannot end its connections
	}
	return name, password, c.exec(ctx, sql)
}

// remove drops a database and then the roles, which nothing depends on any more.
func (c *cluster) remove(ctx context.Context, database string, roles []string) error {
	if c.private {
		return nil // it may be down by now
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	errs := []error{c.drop(ctx, database)}
	for _, role := range roles {
		errs = append(errs, c.exec(ctx, "drop role if exists "+quote(role)))
	}
	return errors.Join(errs...)
}

// dropStale drops what killed test processes have left: databases of whose process no connection is to be seen, then
// roles of whose process no database is. It is a courtesy: what cannot be dropped stays. c.mu is held.
func (c *cluster) dropStale(ctx context.Context) error {
	const databases = `select datname::text from pg_catalog.pg_database as d
		where pg_catalog.starts_with(d.datname, $1)
		and d.datdba = (select oid from pg_catalog.pg_roles where rolname = current_user)
		and not exists (select from pg_catalog.pg_stat_activity as a
			where a.application_name <> '' and pg_catalog.starts_with(d.datname, a.application_name || '_'))`
	names, err := c.names(ctx, databases)
	if err != nil {
		return err
	}
	for _, name := range names {
		_ = c.drop(ctx, name)
	}
	// Other roles' connections do not show, everybody's databases do.
	const roles = `select rolname::text from pg_catalog.pg_roles as r
		where pg_catalog.starts_with(r.rolname, $1)
		and not exists (select from pg_catalog.pg_database as d
			where pg_catalog.starts_with(d.datname, pg_catalog.regexp_replace(r.rolname, '[^_]*$', '')))`
	if names, err = c.names(ctx, roles); err != nil {
		return err
	}
	for _, name := range names {
		_ = c.exec(ctx, "drop role if exists "+quote(name))
	}
	return nil
}

// names runs a query for names that begin with $1; c.mu is held.
func (c *cluster) names(ctx context.Context, query string) ([]string, error) {
	conn, err := c.conn(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, query, namePrefix)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// close removes all that was made here.
func (c *cluster) close(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	if c.server == nil && c.template != "" {
		errs = append(errs, c.drop(ctx, c.template))
	}
	if c.admin != nil {
		errs = append(errs, c.admin.Close(ctx))
	}
	if c.server != nil {
		errs = append(errs, c.server.Close(ctx))
	}
	return errors.Join(errs...)
}

// lazyCluster is the cluster that the tests of a process share, made for the first that asks.
type lazyCluster struct {
	once    sync.Once
	cluster *cluster
	err     error
}

func (l *lazyCluster) get(s *suite) (*cluster, error) {
	l.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
		defer cancel()
		if dsn := os.Getenv(DSNVariable); dsn != "" {
			l.cluster, l.err = foreignCluster(ctx, dsn, s.migrate)
		} else {
			l.cluster, l.err = ownCluster(ctx, pgserver.Options{}, s.migrate)
		}
	})
	return l.cluster, l.err
}

func (l *lazyCluster) close(ctx context.Context) error {
	if l.cluster == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	return l.cluster.close(ctx)
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
