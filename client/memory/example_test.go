package memory_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/memory"
)

func Example() {
	ctx := context.Background()
	store := memory.New(memory.Options{})
	if _, err := store.UserCreate(ctx, "alice", "correct horse", client.UserOptions{}); err != nil {
		log.Fatal(err)
	}

	var sessions client.Store = store // what the code under test takes
	login, err := sessions.Login(ctx, "alice", "correct horse", client.LoginOptions{Idle: time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	session, err := sessions.SessionMerge(ctx, login.Token.Key(), map[string]any{"theme": "dark", "id": 7})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(login.Outcome, session.Username, session.Payload)

	store.Expire(session.Key)
	_, found, err := sessions.SessionGet(ctx, session.Key)
	fmt.Println(found, err)
	// Output:
	// ok alice {"id": 7, "theme": "dark"}
	// false <nil>
}
