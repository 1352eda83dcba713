package conformance

import (
	"context"

	"github.com/pgsession/pgsession/client"
)

// Fixture is a store to be tested, and what the suite needs around it that a [client.Store] has no
// method for. What its functions do has to show in the Store's answers once they have returned.
type Fixture struct {
	// Store is tested. It may hold other users and sessions: the suite makes its own users, under names
	// that nobody else has, and looks at nothing else.
	Store client.Store

	// CreateUser makes an active user. Required.
	CreateUser func(ctx context.Context, username, password string) error

	// SetPassword changes a user's password, which ends the user's sessions. nil skips the tests that
	// need it.
	SetPassword func(ctx context.Context, username, password string) error

	// SetStatus makes a user "active", "pending" or "disabled". nil skips the tests that need it.
	SetStatus func(ctx context.Context, username, status string) error

	// Expire makes a session's deadline pass. nil skips the tests that need it.
	Expire func(ctx context.Context, key client.Key) error

	// PayloadMax is how many bytes a payload may have, as jsonb writes it. 0 skips the tests that need it.
	PayloadMax int

	// Parallel says that the store may be called by several goroutines at once. false, as for a store over
	// one transaction, skips the tests that do.
	Parallel bool
}
