package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/pgsession/pgsession/migrations"
)

func (c *command) migrateCommand() *cobra.Command {
	return group("migrate", "Install, upgrade or remove pgsession's tables and functions",
		c.migrateUpCommand(), c.migrateDownCommand(), c.migratePlanCommand(), c.migrateStatusCommand())
}

func (c *command) migrateUpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Bring the database to the newest version",
		Long: `Creates the schema if it is missing, runs the migrations that are pending, and puts the functions in place, all in one
transaction: if anything fails, nothing has changed. Can be repeated; two at once wait for each other.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.connected(cmd.Context(), "migrate", func(ctx context.Context, conn *pgx.Conn) error {
				result, err := migrations.Up(ctx, conn, c.migrationOptions())
				if err != nil {
					return err
				}
				return c.printMigration(result)
			})
		},
	}
}

func (c *command) migrateDownCommand() *cobra.Command {
	var to int32
	var yes bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Remove pgsession, or take it back to an older version",
		Long: `Without --to it removes everything: functions, tables with every user and session in them, and the schema and the extension if
"migrate up" created them. The database is then as it was found. Anything of yours that depends on pgsession, or lies in its
schema, makes it fail, and then nothing has changed.

With --to N the tables go back to version N. The functions of an older version are not known to this program, so none are
installed afterwards: run the older program's "migrate up", or this one's to come back. Rights granted on functions go with them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to < 0 {
				return misuse("--to is a version, 0 or more")
			}
			if !yes {
				return misuse("migrate down destroys users and sessions that are stored in the schema %s; say --yes if that is meant", c.schema)
			}
			return c.connected(cmd.Context(), "migrate", func(ctx context.Context, conn *pgx.Conn) error {
				result, err := migrations.Down(ctx, conn, c.migrationOptions(), to)
				if err != nil {
					return err
				}
				return c.printMigration(result)
			})
		},
	}
	cmd.Flags().Int32Var(&to, "to", 0, "the version to go down to; 0: remove everything")
	cmd.Flags().BoolVar(&yes, "yes", false, "yes, destroy what is stored in what goes")
	return cmd
}

func (c *command) migrateStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Print which version the database has and what is pending",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.connected(cmd.Context(), "migrate", func(ctx context.Context, conn *pgx.Conn) error {
				state, err := migrations.Status(ctx, conn, migrations.Options{Schema: c.schema})
				if err != nil {
					return err
				}
				if c.json {
					return c.printJSON(state)
				}
				return c.printState(state)
			})
		},
	}
}

// migrationOptions has each step printed as it begins, unless a program reads the output.
func (c *command) migrationOptions() migrations.Options {
	o := migrations.Options{Schema: c.schema}
	if !c.json {
		o.OnStep = func(s migrations.Step) { fmt.Fprintln(c.out, s) }
	}
	return o
}

func (c *command) printMigration(r migrations.Result) error {
	if c.json {
		return c.printJSON(r)
	}
	var said string
	switch {
	case len(r.Steps) == 0 && r.To == 0:
		said = "nothing to do: pgsession is not installed in schema %s\n"
	case len(r.Steps) == 0:
		said = "nothing to do: schema %s is at version %d\n"
	case r.To == 0:
		said = "pgsession is removed from schema %s\n"
	case r.CodeInstalled:
		said = "schema %s is at version %d\n"
	default:
		said = "schema %s is at version %d; the functions are not installed, 'pgsession migrate up' puts them back\n"
	}
	args := []any{r.Schema, r.To}
	_, err := fmt.Fprintf(c.out, said, args[:strings.Count(said, "%")]...)
	return err
}

func (c *command) printState(s migrations.State) error {
	code := "not installed"
	if s.Code != "" {
		code = s.Code
	}
	_, err := fmt.Fprintf(c.out, "schema     %s\nversion    %d of %d\nfunctions  %s\n", s.Schema, s.Version, s.Newest, code)
	for _, name := range s.Pending {
		if err == nil {
			_, err = fmt.Fprintf(c.out, "pending    %s\n", name)
		}
	}
	if err == nil && s.Version > s.Newest {
		_, err = fmt.Fprintln(c.out, "The database is newer than this program: use a newer one.")
	}
	return err
}

// connected calls do with a connection to the database that was named, on behalf of a subcommand.
func (c *command) connected(ctx context.Context, operation string, do func(context.Context, *pgx.Conn) error) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	config, err := c.poolConfig(operation)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = conn.Close(ctx) // whatever was to be done is committed or undone by now
	}()
	return do(ctx, conn)
}
