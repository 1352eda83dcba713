package memory_test

import (
	"context"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/conformance"
	"github.com/pgsession/pgsession/client/memory"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	conformance.Run(t, func(*testing.T) conformance.Fixture {
		return conformance.Fixture{
			Store:      store,
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
	})
}
