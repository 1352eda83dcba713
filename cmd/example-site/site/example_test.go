package site_test

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/cmd/example-site/site"
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

	pages, err := site.New(site.Config{Sessions: cache, Accounts: client.New(pool)})
	if err != nil {
		log.Print(err)
		return
	}
	server := &http.Server{Addr: "127.0.0.1:8090", Handler: pages, ReadHeaderTimeout: 5 * time.Second}
	log.Print(server.ListenAndServe())
}
