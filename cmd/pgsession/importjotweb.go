package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/cmd/pgsession/jotweb"
	"github.com/pgsession/pgsession/internal/console"
)

// errPartly is the end of an import that could not move everything.
var errPartly = errors.New("not everything could be converted: see the report; what is skipped or left out is at the source as it was")

// maxFindings bounds the list in --json; the text names every finding.
const maxFindings = 10000

// importSummary is what "pgsession import-jotweb --json" prints.
type importSummary struct {
	jotweb.Summary
	Findings []jotweb.Finding `json:"findings"`
	Omitted  int64            `json:"findings_omitted"` // beyond the first 10,000
}

func (c *command) importJOTWebCommand() *cobra.Command {
	var from string
	var o jotweb.Options
	cmd := &cobra.Command{
		Use:   "import-jotweb",
		Short: "Move the users and live sessions of a JOTWeb database over",
		Long: `Reads the tables users and sessions of a JOTWeb site (its BackendPyPgSQL) and adds what is in them to pgsession, in one
transaction. The source is only read. Old password hashes work at login and are upgraded there, which ends no session; a session
opens with the cookie that its user has; pickled payloads (protocols 0 to 2) become JSON, and nothing in them is executed.

It can be repeated: who and what is there already is left alone, and a session that was ended here does not come back. With
--dry-run it does everything, prints the report, and undoes it. Interrupted, it has changed nothing.

The report has a line for every row that something is to be said about, by the id that the row has at the source: skipped, it is
not imported; left out, it is imported but for something that JSON or PostgreSQL cannot hold; dead, a session that was not
valid any more; noted, a guess was made. It never shows a hash, a key or a payload.

Whoever lists the processes of the machine can read --from: prefer PGPASSWORD or a password file (PGPASSFILE) to a password in it.

Exit status: 0 everything that was live has been moved; 3 it is done, but rows were skipped or something of them left out; 1 it
failed, and nothing has changed; 2 it was asked wrongly.`,
		Example: `  pgsession import-jotweb --from 'db.example::jotweb:apache' --dry-run
  pgsession import-jotweb --from '::jotweb' --dsn postgres://owner@db.example/app --acknowledgement ackkey`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" {
				return misuse("--from names the JOTWeb database")
			}
			o.Schema = c.schema
			return c.connected(cmd.Context(), "import-jotweb", func(ctx context.Context, to *pgx.Conn) error {
				return c.importJOTWeb(ctx, from, to, o)
			})
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the JOTWeb database: host:port:database:user:password:options:tty, or any other form of --dsn")
	cmd.Flags().StringVar(&o.FromSchema, "from-schema", "", "the schema of its tables (default: found by the search path)")
	cmd.Flags().StringVar(&o.Acknowledgement, "acknowledgement", "",
		"the member of users' payloads that holds the acknowledgement key of disabled accounts: they are imported as pending")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "do everything, report, and undo it")
	return cmd
}

// importJOTWeb connects to the source, imports and reports.
func (c *command) importJOTWeb(ctx context.Context, dsn string, to *pgx.Conn, o jotweb.Options) error {
	config, err := client.ParseConnDSN(dsn)
	if err != nil {
		return misuse("--from: %s", strings.TrimPrefix(err.Error(), "pgsession: "))
	}
	config.RuntimeParams["application_name"] = "pgsession import-jotweb"
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	jotweb.SourceConfig(config)
	from, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the JOTWeb database: %w", err)
	}
	defer func() { _ = from.Close(context.WithoutCancel(ctx)) }() // it was only read

	progress := console.New(c.err)
	var result importSummary
	o.Progress = func(kind jotweb.Kind, done, total int64) {
		progress.Progress("%-8s %s %d of %d", kind+"s", bar(done, total), done, total)
	}
	o.Found = func(f jotweb.Finding) {
		switch {
		case !c.json:
			progress.Break()
			fmt.Fprintf(c.out, "%s %s: %s: %s\n", f.Kind, f.ID, f.Effect, f.Why)
		case len(result.Findings) < maxFindings:
			result.Findings = append(result.Findings, f)
		default:
			result.Omitted++
		}
	}
	result.Summary, err = jotweb.Import(ctx, from, to, o)
	progress.Break()
	switch {
	case errors.Is(err, context.Canceled) && !errors.Is(err, jotweb.ErrCommit):
		return errors.New("interrupted: nothing has been changed")
	case err != nil:
		return err
	}
	if err := c.printImport(result); err != nil {
		return err
	}
	if !result.Whole() {
		return errPartly
	}
	return nil
}

// bar is a progress bar.
func bar(done, total int64) string {
	const width = 30
	full := int64(width)
	if total > 0 {
		full = min(width, done*width/total)
	}
	return "[" + strings.Repeat("#", int(full)) + strings.Repeat(".", width-int(full)) + "]"
}

func (c *command) printImport(r importSummary) error {
	if c.json {
		if r.Findings == nil {
			r.Findings = []jotweb.Finding{}
		}
		return c.printJSON(r)
	}
	for _, t := range []struct {
		name  string
		tally jotweb.Tally
	}{{"users", r.Users}, {"sessions", r.Sessions}} {
		_, err := fmt.Fprintf(c.out, "%-9s %d imported (%d of them without something), %d there already, %d skipped, %d dead\n",
			t.name, t.tally.Imported, t.tally.LeftOut, t.tally.Existing, t.tally.Skipped, t.tally.Dead)
		if err != nil {
			return err
		}
	}
	if r.DryRun {
		_, err := fmt.Fprintln(c.out, "a dry run: nothing has been changed")
		return err
	}
	return nil
}
