// Package pgtest gives each test a PostgreSQL database of its own, in a fraction of a second.
//
// One server serves a whole test process: a throwaway one ([pgserver]), started when the first test asks for a
// database; or, if the environment variable PGSESSION_TEST_DSN is set, the one it names, as a role that may create
// databases and roles, where everything is dropped afterwards. Databases are copies of a template that is migrated once.
//
// A package sets it up in its TestMain:
//
//	func TestMain(m *testing.M) {
//		pgtest.Main(m, pgtest.WithTemplate(func(ctx context.Context, conn *pgx.Conn) error {
//			return migrations.Up(ctx, conn, migrations.Options{})
//		}))
//	}
//
//	func TestSomething(t *testing.T) {
//		t.Parallel()
//		db := pgtest.New(t)
//		pool := db.Pool(t)
//		…
//	}
//
// Main also fails the tests when they leave goroutines behind.
//
// A test that stops or crashes its server takes one of its own from [NewServer].
package pgtest
