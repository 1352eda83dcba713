package migrations_test

import (
	"context"
	"errors"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/migrations"
)

// A program that brings its own database up to date when it starts. Any number may do so at once.
func Example() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, "") // the PG* environment
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)

	result, err := migrations.Up(ctx, conn, migrations.Options{OnStep: func(s migrations.Step) { log.Print(s) }})
	var refused *migrations.SQLError
	switch {
	case errors.Is(err, migrations.ErrNewer):
		log.Print("a newer release has been here: ", err)
	case errors.As(err, &refused):
		log.Print(refused.Report())
	case err != nil:
		log.Print(err)
	default:
		log.Printf("schema %s went from version %d to %d", result.Schema, result.From, result.To)
	}
}
