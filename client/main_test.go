package client_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := migrations.Up(ctx, conn, migrations.Options{}); err != nil {
			return err
		}
		// The cheapest bcrypt there is: these tests are not about guessing passwords.
		_, err := conn.Exec(ctx, "insert into pgsession.settings (name, value) values ('bcrypt_cost', '4'), ('password_min', '1')")
		return err
	}))
}

// started makes a database whose epoch has begun.
func started(t testing.TB) *pgtest.DB {
	t.Helper()
	db := pgtest.New(t)
	db.Exec(t, "select pgsession.change_start()")
	return db
}

// app returns the database as an application's role sees it.
func app(t testing.TB, db *pgtest.DB) *pgtest.DB {
	t.Helper()
	role := db.As(t)
	if err := client.New(db.Conn(t)).GrantApp(t.Context(), role.User); err != nil {
		t.Fatal(err)
	}
	return role
}
