package conformance_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := migrations.Up(ctx, conn, migrations.Options{}); err != nil {
			return err
		}
		// The cheapest bcrypt there is: these tests are not about guessing passwords.
		_, err := conn.Exec(ctx, "insert into pgsession.settings (name, value) values ('bcrypt_cost', '4')")
		return err
	}))
}
