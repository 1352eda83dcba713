//go:build unix

package pgserver_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
)

func ExampleStart() {
	ctx := context.Background()
	srv, err := pgserver.Start(ctx, pgserver.Options{Settings: map[string]string{"max_connections": "20"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close(ctx) }()

	conn, err := pgx.Connect(ctx, srv.DSN("postgres"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	var limit string
	if err := conn.QueryRow(ctx, "show max_connections").Scan(&limit); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(limit)
	// Output: 20
}
