package listener_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/listener"
)

func Example() {
	ctx := context.Background()
	config, err := client.ParseDSN(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	sessions, err := listener.Open(ctx, listener.Config{Pool: pool})
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close(ctx)

	// Once a login; the token goes into a cookie and nowhere else.
	login, err := sessions.Login(ctx, "ann", "correct horse battery staple", client.LoginOptions{Idle: 30 * time.Minute})
	if err != nil || login.Outcome != client.OK {
		log.Fatal(login.Outcome, err)
	}
	cookie := login.Token.Reveal()

	// Every request: nanoseconds, once this process has seen the session.
	token, ok := client.ParseToken(cookie)
	if !ok {
		log.Fatal("no token")
	}
	session, found, err := sessions.SessionGet(ctx, token.Key())
	if err != nil || !found {
		log.Fatal(found, err)
	}
	fmt.Println(session.Username, session.Payload)

	// Sign out, and know that no process serves the session any more.
	if _, err := sessions.SessionCloseWait(ctx, token.Key()); err != nil {
		log.Fatal(err)
	}
}
