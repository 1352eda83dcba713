package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/migrations"
)

// The exit statuses.
const (
	statusOK      = 0
	statusFailed  = 1
	statusMisused = 2
	statusPartly  = 3 // import-jotweb: it is done, but for what the report names
)

// streams are a process's standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is a command that was asked wrongly.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func misuse(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// command is what all subcommands share.
type command struct {
	streams
	dsn     string
	schema  string
	json    bool
	started bool // the arguments made sense and a subcommand runs
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, s streams) int {
	c := &command{streams: s}
	root := c.root() //nolint:contextcheck // cobra hands each subcommand the context
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return statusOK
	}
	return c.report(err)
}

// report tells a person what went wrong and returns the status to exit with.
func (c *command) report(err error) int {
	var refused *migrations.SQLError
	var usage usageError
	switch {
	case errors.As(err, &refused):
		fmt.Fprintf(c.err, "pgsession: %v\n\n%s\n", err, refused.Report())
	case errors.Is(err, errPartly):
		fmt.Fprintf(c.err, "pgsession: %v\n", err)
		return statusPartly
	case errors.As(err, &usage) || !c.started:
		fmt.Fprintf(c.err, "pgsession: %v\nRun 'pgsession help' to see how it is used.\n", err)
		return statusMisused
	default:
		fmt.Fprintf(c.err, "pgsession: %v\n", err)
	}
	return statusFailed
}

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "pgsession",
		Short: "Users and sessions in PostgreSQL, coherent in every process",
		Long: `pgsession keeps an application's users and sessions in PostgreSQL, and a coherent copy of the hot ones in every process.

Commands that need a database take it from --dsn, else from DATABASE_URL, else from PostgreSQL's own environment variables
(PGHOST, PGDATABASE, PGSERVICE and so on). It may be a URL, a keyword string, or a PyPgSQL connect string
(host:port:database:user:password). Whoever lists the processes of the machine can read --dsn: with a password in it, prefer
DATABASE_URL, PGPASSWORD or a password file (PGPASSFILE).`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return c.start() },
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	schema := cmp.Or(os.Getenv("PGSESSION_SCHEMA"), migrations.DefaultSchema)
	root.PersistentFlags().StringVar(&c.dsn, "dsn", "", "the database, a URL or connect string (see above)")
	root.PersistentFlags().StringVar(&c.schema, "schema", schema, "the schema that pgsession lives in (PGSESSION_SCHEMA)")
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print one JSON object for programs")
	root.AddCommand(c.migrateCommand(), c.importJOTWebCommand(), c.serveCommand(), c.demoCommand(), c.versionCommand())
	return root
}

// start is called once the command line has been understood.
func (c *command) start() error {
	c.started = true
	if !client.ValidSchema(c.schema) {
		return misuse("schema %q: a name is 1 to 31 lower-case letters, digits and underscores and begins with no digit", c.schema)
	}
	return nil
}

// group makes a command that only has subcommands.
func group(use, short string, sub ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use:   use,
		Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return misuse("unknown command %q for %q", args[0], cmd.CommandPath())
			}
			return misuse("%q needs a subcommand", cmd.CommandPath())
		},
	}
	g.AddCommand(sub...)
	return g
}

// printJSON prints a result for programs.
func (c *command) printJSON(v any) error {
	encoder := json.NewEncoder(c.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
