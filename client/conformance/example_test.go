package conformance_test

import (
	"context"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/conformance"
	"github.com/pgsession/pgsession/client/memory"
)

// myStore stands for an implementation of one's own.
type myStore struct{ client.Store }

func (*myStore) CreateUser(context.Context, string, string) error { return nil }

func ExampleRun() {
	// In the implementation's own test file, as func TestConformance(t *testing.T).
	_ = func(t *testing.T) {
		t.Helper()
		conformance.Run(t, func(*testing.T) conformance.Fixture {
			store := &myStore{}
			return conformance.Fixture{Store: store, CreateUser: store.CreateUser, Parallel: true}
		})
	}
}

func ExampleRandom() {
	// In the implementation's own test file, as func TestRandom(t *testing.T).
	_ = func(t *testing.T) {
		t.Helper()
		conformance.Random(t, func(*testing.T) conformance.Fixture {
			reference := memory.New(memory.Options{})
			return conformance.Fixture{Store: reference, CreateUser: func(ctx context.Context, username, password string) error {
				_, err := reference.UserCreate(ctx, username, password, client.UserOptions{})
				return err
			}}
		}, func(*testing.T) conformance.Fixture {
			store := &myStore{}
			return conformance.Fixture{Store: store, CreateUser: store.CreateUser}
		})
	}
}
