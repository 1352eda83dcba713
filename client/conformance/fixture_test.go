package conformance_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/conformance"
	"github.com/pgsession/pgsession/client/memory"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
)

// inMemory is a fixture of the store that is under test, with what the suite needs around it done to the memory behind it.
func inMemory(under client.Store, store *memory.Store) conformance.Fixture {
	return conformance.Fixture{
		Store:      under,
		Parallel:   true,
		PayloadMax: 65536,
		CreateUser: func(ctx context.Context, username, password string) error {
			_, err := store.UserCreate(ctx, username, password, client.UserOptions{})
			return err
		},
		SetPassword: func(ctx context.Context, username, password string) error {
			_, err := store.UserSetPassword(ctx, username, password)
			return err
		},
		SetStatus: func(ctx context.Context, username, status string) error {
			_, err := store.SetStatus(ctx, username, status)
			return err
		},
		Expire: func(_ context.Context, key client.Key) error {
			store.Expire(key)
			return nil
		},
	}
}

func newMemory(*testing.T) conformance.Fixture {
	store := memory.New(memory.Options{})
	return inMemory(store, store)
}

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db := pgtest.New(t)
	db.Exec(t, "select pgsession.change_start()")
	return db.Pool(t)
}

func newClient(t *testing.T) conformance.Fixture {
	t.Helper()
	pool := newPool(t)
	return inDatabase(client.New(pool), pool, func(...client.Key) {}, func(string) {})
}

// newCache is a fixture of a cache. What is changed past it is forgotten before the suite looks, as an application does after its
// own transactions.
func newCache(t *testing.T) conformance.Fixture {
	t.Helper()
	pool := newPool(t)
	cache, err := listener.Open(t.Context(), listener.Config{Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cache.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return inDatabase(cache, pool, cache.Forget, cache.ForgetUser)
}

func inDatabase(store client.Store, pool *pgxpool.Pool, forget func(...client.Key), forgetUser func(string)) conformance.Fixture {
	admin := client.New(pool)
	return conformance.Fixture{
		Store:      store,
		Parallel:   true,
		PayloadMax: 65536,
		CreateUser: func(ctx context.Context, username, password string) error {
			_, err := admin.UserCreate(ctx, username, password, client.UserOptions{})
			return err
		},
		SetPassword: func(ctx context.Context, username, password string) error {
			defer forgetUser(username)
			_, err := admin.UserSetPassword(ctx, username, password)
			return err
		},
		SetStatus: func(ctx context.Context, username, status string) error {
			defer forgetUser(username)
			_, err := pool.Exec(ctx, "update pgsession.users set status = $2 where username = $1", username, status)
			return err
		},
		Expire: func(ctx context.Context, key client.Key) error {
			defer forget(key)
			_, err := pool.Exec(ctx, "update pgsession.sessions set expires = statement_timestamp() - interval '1 second' where key = $1", key[:])
			return err
		},
	}
}
