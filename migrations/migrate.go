// Package migrations installs pgsession's tables and stored functions into a PostgreSQL database, and takes them out again.
//
// The tables come from the numbered files of this folder, the functions, triggers, views and grants from the code package in the
// folder sql. Both are written for tern and are loaded by tern, so that a DBA can read and run them with tern too. They are run by
// this package and not by tern's own runner, for three reasons: everything a call does is then one transaction, so that a failure
// anywhere, between the last migration and the first function included, leaves the database as it was; the connection that is lent
// to it comes back with its session settings intact (tern's runner ends each migration with RESET ALL); and two programs that
// migrate at once wait for each other instead of deadlocking.
//
// The price of one transaction is that a migration cannot be one that PostgreSQL refuses inside a transaction (CREATE INDEX
// CONCURRENTLY); loading such a file fails.
//
//	result, err := migrations.Up(ctx, conn, migrations.Options{})
package migrations

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/sql"
)

// DefaultSchema is the schema that an empty Options.Schema stands for.
const DefaultSchema = "pgsession"

// ErrNewer is returned, wrapped, by Up and Down when the database has migrations that this program does not know: a newer release
// was there before. Nothing was changed.
var ErrNewer = errors.New("the database is newer than this program")

// ErrForeignObjects is returned, wrapped, by Down when something that is not pgsession's would be lost or would stop working. The
// error names it. Nothing was changed.
var ErrForeignObjects = errors.New("objects that are not pgsession's are in the way")

// Options say what to migrate. The zero value is ready to use.
type Options struct {
	// Schema is the schema to install into: a lower-case SQL name of at most 31 characters that is no SQL keyword. Empty means
	// DefaultSchema. It is created if it is missing; one that existed before has to be empty and closed to PUBLIC, and is never
	// dropped.
	Schema string

	// OnStep, if not nil, is called before each step, from the goroutine that called Up or Down. Steps that were announced are
	// undone again if the call fails, and if others are in the way: then ActionWait is announced, and after it all steps anew.
	OnStep func(Step)
}

// Action is what a Step does.
type Action string

// The actions, in the order in which Up reports them; Down reports ActionUninstall, ActionDown and ActionDropSchema.
const (
	ActionWait         Action = "wait"          // Name is what for; announced once
	ActionCreateSchema Action = "create schema" // Name is the schema
	ActionUp           Action = "up"            // Version is the one reached, Name the file
	ActionInstall      Action = "install"       // functions, triggers, views and grants are put in place
	ActionUninstall    Action = "uninstall"     // functions, triggers and views are dropped
	ActionDown         Action = "down"          // Version is the one reached, Name the file
	ActionDropSchema   Action = "drop schema"   // Name is the schema; only one that Up created
)

// Step is one thing that Up or Down does.
type Step struct {
	Action  Action `json:"action"`
	Version int32  `json:"version,omitempty"`
	Name    string `json:"name,omitempty"`
}

// String describes the step in a few words.
func (s Step) String() string {
	switch s.Action {
	case ActionWait:
		return "waiting for " + s.Name
	case ActionInstall, ActionUninstall:
		return string(s.Action) + " functions, triggers and views"
	case ActionUp, ActionDown:
		return fmt.Sprintf("%s to version %d: %s", s.Action, s.Version, s.Name)
	default:
		return string(s.Action) + " " + s.Name
	}
}

// Result tells what Up or Down did.
type Result struct {
	Schema string `json:"schema"`
	From   int32  `json:"from"`  // the version before; 0: nothing was installed
	To     int32  `json:"to"`    // the version now
	Steps  []Step `json:"steps"` // what was done, without ActionWait; empty: there was nothing to do

	// CodeInstalled tells whether the functions are in place now. After Down to a version above 0 they are not: only the
	// functions of the newest version are known to this program. Up puts them back.
	CodeInstalled bool `json:"code_installed"`
}

// State is what Status finds.
type State struct {
	Schema  string   `json:"schema"`
	Version int32    `json:"version"` // 0: nothing is installed
	Newest  int32    `json:"newest"`  // the newest version this program knows
	Pending []string `json:"pending"` // the files that Up would run; empty also when the database is newer than the program
	Code    string   `json:"code"`    // what the installed functions call their release; empty: they are not installed
}

// Up brings the schema to the newest version and puts the functions in place, also when no migration was pending, so that a schema
// whose functions were tampered with is whole again afterwards.
//
// It may be called while the schema is in use: others wait for it for some milliseconds, and where they are in its way it gives way
// and tries again. It waits, without holding locks, while another Up or Down runs in the same database. Either waiting lasts until
// ctx ends. conn must not be in a transaction. Everything happens in one transaction: on any error nothing has changed, and the same
// call may be made again. A statement that PostgreSQL refuses is reported as a *SQLError, a database that is too new as ErrNewer.
func Up(ctx context.Context, conn *pgx.Conn, o Options) (Result, error) {
	return embedded().up(ctx, conn, o)
}

// Down takes the schema back to version to. To 0 leaves the database as it was before the first Up: functions, tables, the version
// table, the extension if a migration created it, and the schema if Up created it are gone, with everything stored in them.
//
// It never drops what is not pgsession's: if a view, a foreign key or anything else depends on what is to go, or lies in a schema
// that Up created, the call fails with a *SQLError or ErrForeignObjects and has changed nothing. A to that is the current version, or
// a schema in which nothing is installed, is no error and nothing happens; a to above it is one. Dropping the functions drops the
// rights that were granted on them.
//
// Waiting, ctx and conn are as in Up.
func Down(ctx context.Context, conn *pgx.Conn, o Options, to int32) (Result, error) {
	return embedded().down(ctx, conn, o, to)
}

// Version returns the version of the schema, 0 when nothing is installed. It takes no lock. It needs the right to read the version
// table, which an application's role does not have.
func Version(ctx context.Context, conn *pgx.Conn, o Options) (int32, error) {
	s, err := o.schema()
	if err != nil {
		return 0, err
	}
	found, err := lookAt(ctx, conn, s)
	if err != nil {
		return 0, fmt.Errorf("migrations: version: %w", err)
	}
	return found.version, nil
}

// Status returns what is installed and what Up would do. It takes no lock and changes nothing. It needs the right to read the
// version table, which an application's role does not have.
func Status(ctx context.Context, conn *pgx.Conn, o Options) (State, error) {
	return embedded().status(ctx, conn, o)
}

// source is where the SQL comes from. Tests bring their own.
type source struct {
	migrations fs.FS
	code       fs.FS
}

func embedded() source { return source{migrations: files, code: sql.FS} }

func (s source) up(ctx context.Context, conn *pgx.Conn, o Options) (Result, error) {
	var result Result
	err := o.exclusively(ctx, conn, "up", func(r *run) error {
		plan, err := s.load(ctx, r.data())
		if err != nil {
			return err
		}
		if err := r.refuseNewer(plan.newest()); err != nil {
			return err
		}
		if err := r.prepareSchema(ctx); err != nil {
			return err
		}
		if err := r.lockTables(ctx, r.found.version < plan.newest()); err != nil {
			return err
		}
		for _, m := range plan.migrations[r.found.version:] {
			if err := r.migrate(ctx, Step{Action: ActionUp, Version: m.version, Name: m.name}, m.up); err != nil {
				return err
			}
		}
		r.result.CodeInstalled = true
		r.step(Step{Action: ActionInstall})
		if err := r.exec(ctx, plan.install...); err != nil {
			return err
		}
		result = r.result
		return nil
	})
	return result, err
}

func (s source) down(ctx context.Context, conn *pgx.Conn, o Options, to int32) (Result, error) {
	var result Result
	err := o.exclusively(ctx, conn, "down", func(r *run) error {
		plan, err := s.load(ctx, r.data())
		if err != nil {
			return err
		}
		if err := r.refuseNewer(plan.newest()); err != nil {
			return err
		}
		if to < 0 || to > r.found.version {
			return fmt.Errorf("cannot go down to version %d: the schema %s is at version %d", to, r.schema, r.found.version)
		}
		if to < r.found.version {
			if err := r.takeDown(ctx, plan, to); err != nil {
				return err
			}
		}
		result = r.result
		return nil
	})
	return result, err
}

func (s source) status(ctx context.Context, conn *pgx.Conn, o Options) (State, error) {
	schema, err := o.schema()
	if err != nil {
		return State{}, err
	}
	found, err := lookAt(ctx, conn, schema)
	if err != nil {
		return State{}, fmt.Errorf("migrations: status: %w", err)
	}
	plan, err := s.load(ctx, templateData(schema, found))
	if err != nil {
		return State{}, fmt.Errorf("migrations: status: %w", err)
	}
	state := State{Schema: schema, Version: found.version, Newest: plan.newest(), Pending: []string{}, Code: found.code}
	for _, m := range plan.migrations[min(found.version, plan.newest()):] {
		state.Pending = append(state.Pending, m.name)
	}
	return state, nil
}
