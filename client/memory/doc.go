// Package memory is a [client.Store] without a database, for the tests of whoever uses one:
//
//	store := memory.New(memory.Options{})
//	_, err := store.UserCreate(ctx, "alice", "correct horse", client.UserOptions{})
//	handler := mysite.New(store)
//
// It answers as a *client.Client over PostgreSQL does: the same outcomes and sentinels, idle and absolute deadlines, versions,
// slots of tokens, rules for users and rotation, payloads written as jsonb writes them. Package conformance holds both to the same
// answers, also to long random sequences of calls. Besides the Store it has the methods by which a test sets the stage
// (UserCreate, UserDisable and so on), with the client's signatures.
//
// # What differs
//
// Passwords are hashed cheaply, so that tests are fast. Failed logins are counted by account only, not by address. Nothing is kept
// when the process ends, and nothing is shared between processes: this is no store for production.
//
// # Time
//
// Deadlines run on time.Now, and no goroutine is started: inside a testing/synctest bubble, sleeping past a session's idle
// lifetime makes it expire at once. [Store.Expire] does it without a bubble.
package memory
