package gateway_test

import (
	"context"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/cmd/pgsession/gateway"
	"github.com/pgsession/pgsession/listener"
)

func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "") // the PG* environment
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	cache, err := listener.Open(ctx, listener.Config{Pool: pool})
	if err != nil {
		log.Print(err)
		return
	}
	defer cache.Close(ctx)

	handler, err := gateway.New(cache, gateway.Options{Log: slog.Default()})
	if err != nil {
		log.Print(err)
		return
	}
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	log.Print(server.ListenAndServe())
}
