package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/pgsession/pgsession/migrations"
)

// planOptions are what "migrate plan" can be told.
type planOptions struct {
	from          int32
	pgcrypto      string
	noTransaction bool
}

func (c *command) migratePlanCommand() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan",
		Short: `Print the SQL that "up" would run, and run nothing`,
		Long: `Looks at the database and prints what "migrate up" would do to it, as one transaction of plain SQL: to be read, to be kept, or to
be run with psql. The database is then as "migrate up" would have left it. Run too late, in a database that has been upgraded
since, the SQL fails and changes nothing.

With --from no database is needed: --from 0 is the SQL for a new one. Tools that open the transaction themselves (goose, atlas,
psql --single-transaction) want --no-transaction.`,
		Example: `  pgsession migrate plan --dsn postgres://owner@db.example/app | less
  pgsession migrate plan --from 0 | psql --set=ON_ERROR_STOP=on app`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("from") {
				if o.pgcrypto != "" {
					return misuse("--pgcrypto goes with --from: otherwise the database tells")
				}
				return c.connected(cmd.Context(), "migrate", func(ctx context.Context, conn *pgx.Conn) error {
					script, err := migrations.Plan(ctx, conn, migrations.Options{Schema: c.schema})
					if err != nil {
						return err
					}
					return c.printScript(script, o)
				})
			}
			if o.from < 0 {
				return misuse("--from is a version, 0 or more")
			}
			script, err := migrations.PlanFrom(cmd.Context(), migrations.Options{Schema: c.schema}, o.from, o.pgcrypto)
			if err != nil {
				return err
			}
			return c.printScript(script, o)
		},
	}
	cmd.Flags().Int32Var(&o.from, "from", 0, "the version to begin at, instead of asking a database; 0: nothing is installed")
	cmd.Flags().StringVar(&o.pgcrypto, "pgcrypto", "", "with --from: the schema that the extension pgcrypto is in (default: pgsession's own)")
	cmd.Flags().BoolVar(&o.noTransaction, "no-transaction", false, "leave out begin and commit")
	return cmd
}

func (c *command) printScript(s migrations.Script, o planOptions) error {
	if !o.noTransaction {
		s.SQL = "begin;\n\n" + s.SQL + "\ncommit;\n"
	}
	if c.json {
		return c.printJSON(s)
	}
	_, err := fmt.Fprint(c.out, s.SQL)
	return err
}
