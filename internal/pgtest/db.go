package pgtest

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/internal/pgserver"
)

// DB is a database that belongs to one test, seen as one role. Its methods are safe for concurrent use, except that
// those that take a testing.TB end the test on an error and so belong into the test's own goroutine.
type DB struct {
	// Name is the database's.
	Name string
	// User is the role that connects: the server's superuser (or whom PGSESSION_TEST_DSN names), or the one of [DB.As].
	User string

	cluster  *cluster
	password string
	roles    *[]string // to drop with the database
}

// New makes a database from the template that [Main] was given. It is dropped after the test, whoever is still
// connected to it.
func New(t testing.TB) *DB {
	t.Helper()
	return sharedCluster(t).database(t, false)
}

// Empty makes a database with nothing in it, as CREATE DATABASE does.
func Empty(t testing.TB) *DB {
	t.Helper()
	return sharedCluster(t).database(t, true)
}

func sharedCluster(t testing.TB) *cluster {
	t.Helper()
	s := current(t)
	c, err := s.shared.get(s)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return c
}

// database makes a database for t.
func (c *cluster) database(t testing.TB, empty bool) *DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), setupTimeout)
	defer cancel()
	name, err := c.create(ctx, empty)
	if err != nil {
		t.Fatalf("pgtest: making a database: %v", err)
	}
	roles := new([]string)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
		defer cancel()
		if err := c.remove(ctx, name, *roles); err != nil {
			t.Errorf("pgtest: dropping a database: %v", err)
		}
	})
	return &DB{Name: name, User: c.config.User, cluster: c, password: c.config.Password, roles: roles}
}

// As returns the same database as seen by a new role that may log in and nothing else; attributes are those of CREATE
// ROLE ("nosuperuser createdb"). The role is dropped after the database.
func (db *DB) As(t testing.TB, attributes ...string) *DB {
	t.Helper()
	name, password, err := db.cluster.createRole(t.Context(), strings.Join(attributes, " "))
	if err != nil {
		t.Fatalf("pgtest: making a role: %v", err)
	}
	*db.roles = append(*db.roles, name)
	as := *db
	as.User, as.password = name, password
	return &as
}

// DSN is a connection URL or keyword string, for programs that dial by themselves. Other than [DB.Config] it sets no
// search_path.
func (db *DB) DSN() string {
	if db.cluster.server != nil {
		u, err := url.Parse(db.cluster.server.DSN(db.Name))
		if err != nil {
			panic(err) // we have just written it
		}
		u.User = url.User(db.User)
		return u.String()
	}
	return changeDSN(db.cluster.config.ConnString(), db.Name, db.User, db.password)
}

// Config is what [DB.Conn] connects with; it is the caller's to change. Its search_path is empty, so that a name which
// is not qualified fails.
func (db *DB) Config() *pgx.ConnConfig {
	config := db.cluster.config.Copy()
	config.Database, config.User, config.Password = db.Name, db.User, db.password
	config.RuntimeParams["search_path"] = ""
	return config
}

// Conn connects; the connection is closed after the test. Each edit may change how.
func (db *DB) Conn(t testing.TB, edit ...func(*pgx.ConnConfig)) *pgx.Conn {
	t.Helper()
	config := db.Config()
	for _, change := range edit {
		change(config)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = conn.Close(ctx) // the test may have killed it
	})
	return conn
}

// closeTimeout bounds waiting for connections that should have been given back already.
const closeTimeout = 10 * time.Second

// PoolConfig is what [DB.Pool] is made with; see [DB.Config].
func (db *DB) PoolConfig(t testing.TB) *pgxpool.Config {
	t.Helper()
	config, err := pgxpool.ParseConfig(db.DSN())
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	config.ConnConfig = db.Config()
	return config
}

// Pool opens a pool; it is closed after the test, which fails if it has not released its connections by then. Each edit
// may change the configuration.
func (db *DB) Pool(t testing.TB, edit ...func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config := db.PoolConfig(t)
	for _, change := range edit {
		change(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() {
			pool.Close()
			close(closed)
		}()
		select {
		case <-closed:
		case <-time.After(closeTimeout):
			t.Errorf("pgtest: %d connections of a pool have not been released", pool.Stat().AcquiredConns())
		}
	})
	return pool
}

// Exec runs SQL over a connection of its own, as somebody with psql does. Without arguments it may be several statements.
func (db *DB) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	config := db.Config()
	if len(args) == 0 {
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("pgtest: %s: %v", sql, err)
	}
}

// Server is the server the database is on, nil if PGSESSION_TEST_DSN has named it. Other tests use it too: whoever
// stops one takes it from [NewServer].
func (db *DB) Server() *pgserver.Server { return db.cluster.server }
