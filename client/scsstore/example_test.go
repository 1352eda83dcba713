package scsstore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client/memory"
	"github.com/pgsession/pgsession/client/scsstore"
	"github.com/pgsession/pgsession/listener"
)

func Example() {
	sessions := scs.New()
	sessions.Store = scsstore.New(memory.New(memory.Options{}), scsstore.Options{}) // a listener.Cache, but in tests

	site := sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits := sessions.GetInt(r.Context(), "visits") + 1
		sessions.Put(r.Context(), "visits", visits)
		_, _ = fmt.Fprintf(w, "visit %d", visits)
	}))

	first := httptest.NewRecorder()
	site.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "/", nil))
	again := httptest.NewRequest(http.MethodGet, "/", nil)
	again.AddCookie(first.Result().Cookies()[0])
	second := httptest.NewRecorder()
	site.ServeHTTP(second, again)
	fmt.Println(first.Body, second.Body)
	// Output: visit 1 visit 2
}

// A coherent cache in each process.
func ExampleNew() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	cache, err := listener.Open(ctx, listener.Config{Pool: pool})
	if err != nil {
		log.Print(err)
		return
	}
	defer func() { _ = cache.Close(ctx) }()

	sessions := scs.New()
	sessions.Store = scsstore.New(cache, scsstore.Options{})
}
