package jotweb_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/cmd/pgsession/jotweb"
)

// A rehearsal: everything is done, told about, and undone.
func ExampleImport() {
	ctx := context.Background()
	config, err := client.ParseConnDSN("db.example::jotweb:apache") // as JOTWeb had it
	if err != nil {
		log.Fatal(err)
	}
	jotweb.SourceConfig(config)
	from, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	to, err := pgx.Connect(ctx, "") // the PG* environment
	if err != nil {
		log.Fatal(err)
	}

	summary, err := jotweb.Import(ctx, from, to, jotweb.Options{
		DryRun: true,
		Found:  func(f jotweb.Finding) { fmt.Println(f.Kind, f.ID, f.Effect, f.Why) },
	})
	_ = from.Close(ctx)
	_ = to.Close(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(summary.Users.Imported, "users", summary.Sessions.Imported, "sessions", summary.Whole())
}
