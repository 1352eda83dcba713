package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

func Example() {
	ctx := context.Background()
	config, err := client.ParseDSN("") // the PG* environment
	if err != nil {
		log.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	sessions := client.New(pool)

	login, err := sessions.Login(ctx, "alice", "correct horse battery staple", client.LoginOptions{Idle: 30 * time.Minute})
	if err != nil || login.Outcome != client.OK {
		log.Print("not logged in: ", login.Outcome, err)
		return
	}
	cookie := login.Token.Reveal() // to the browser, and nowhere else

	token, ok := client.ParseToken(cookie) // with the next request
	if !ok {
		return
	}
	session, found, err := sessions.SessionGet(ctx, token.Key())
	switch {
	case err != nil:
		log.Print(err)
	case !found:
		log.Print("logged out, or the time has run out")
	default:
		left, ends := session.TTL()
		log.Print(session.Username, session.Payload, left, ends)
	}
}

func ExampleClient_SessionSave() {
	var (
		ctx      context.Context
		sessions *client.Client
		key      client.Key
	)
	var cart struct {
		Items []string `json:"items"`
	}
	for {
		session, found, err := sessions.SessionGet(ctx, key)
		if err != nil || !found {
			return
		}
		if err := session.Payload.Decode(&cart); err != nil {
			return
		}
		cart.Items = append(cart.Items, "apple")
		_, err = sessions.SessionSave(ctx, key, cart, session.Version)
		if !errors.Is(err, client.ErrConflict) {
			return // saved, or gone: a save brings nothing back
		}
	}
}

// A session changes hands together with what the application writes.
func ExampleClient_With() {
	var (
		ctx      context.Context
		pool     *pgxpool.Pool
		sessions *client.Client
		key      client.Key
	)
	tx, err := pool.Begin(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, "insert into orders (item) values ('apple')"); err != nil {
		log.Print(err)
		return
	}
	if _, err := sessions.With(tx).SessionMerge(ctx, key, map[string]any{"cart": nil}); err != nil {
		log.Print(err)
		return
	}
	if err := tx.Commit(ctx); err != nil {
		log.Print(err)
	}
}

func ExampleToken() {
	token := client.NewToken("alice")
	fmt.Printf("%v, %d characters in the cookie\n", token, len(token.Reveal()))
	// Output: [redacted token], 44 characters in the cookie
}

func ExampleParseDSN() {
	// A PyPgSQL connect string: host:port:database:user:password:options:tty.
	config, err := client.ParseDSN("db.example.org:5433:shop:apache")
	if err != nil {
		log.Fatal(err)
	}
	c := config.ConnConfig
	fmt.Println(c.Host, c.Port, c.Database, c.User)
	// Output: db.example.org 5433 shop apache
}
