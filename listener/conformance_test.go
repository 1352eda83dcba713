package listener_test

import (
	"context"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/conformance"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*bundle, *listener.Config){
		"listening": func(*bundle, *listener.Config) {},
		"polling":   func(b *bundle, c *listener.Config) { c.ListenConfig = nowhere(b.db.Config()) },
		"tiny":      func(_ *bundle, c *listener.Config) { c.MaxEntries = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, pgtest.New(t))
			cache := b.open(func(c *listener.Config) { edit(b, c) })
			conformance.Run(t, func(*testing.T) conformance.Fixture { return b.fixture(cache) })
		})
	}
}

// fixture has changes that are made past the cache be forgotten before the suite looks, as an
// application does after its own transactions: how soon they show otherwise is tested elsewhere.
func (b *bundle) fixture(cache *listener.Cache) conformance.Fixture {
	exec := func(ctx context.Context, sql string, args ...any) error {
		_, err := b.pool.Exec(ctx, sql, args...)
		return err
	}
	return conformance.Fixture{
		Store:      cache,
		Parallel:   true,
		PayloadMax: 65536,
		CreateUser: func(ctx context.Context, username, password string) error {
			_, err := b.client.UserCreate(ctx, username, password, client.UserOptions{})
			return err
		},
		SetPassword: func(ctx context.Context, username, password string) error {
			defer cache.ForgetUser(username)
			_, err := b.client.UserSetPassword(ctx, username, password)
			return err
		},
		SetStatus: func(ctx context.Context, username, status string) error {
			defer cache.ForgetUser(username)
			return exec(ctx, "update pgsession.users set status = $2 where username = $1", username, status)
		},
		Expire: func(ctx context.Context, key client.Key) error {
			defer cache.Forget(key)
			return exec(ctx, "update pgsession.sessions set expires = now() - interval '1 second' where key = $1", key[:])
		},
	}
}
