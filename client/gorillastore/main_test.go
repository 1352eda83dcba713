package gorillastore_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/memory"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
	"github.com/pgsession/pgsession/migrations"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := migrations.Up(ctx, conn, migrations.Options{})
		return err
	}))
}

// stage is a database with two processes at work on it.
type stage struct {
	db    *pgtest.DB
	owner *client.Client
}

func newStage(t *testing.T) *stage {
	t.Helper()
	db := pgtest.New(t)
	return &stage{db, client.New(db.Pool(t))}
}

func (s *stage) cache(t *testing.T) *listener.Cache {
	t.Helper()
	cache, err := listener.Open(t.Context(), listener.Config{Pool: s.db.Pool(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cache.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return cache
}

// stores are the stores that sessions may be kept in: two of each, as two processes have them. They share nothing else.
func stores(t *testing.T) map[string][2]client.Store {
	t.Helper()
	uncached, cached := newStage(t), newStage(t)
	inMemory := memory.New(memory.Options{})
	return map[string][2]client.Store{
		"client": {uncached.owner, client.New(uncached.db.Pool(t))},
		"cache":  {cached.cache(t), cached.cache(t)},
		"memory": {inMemory, inMemory},
	}
}
