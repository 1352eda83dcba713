package migrations

import (
	"context"
	"io/fs"

	"github.com/jackc/pgx/v5"
)

// LockKey is the advisory lock that migrators take.
const LockKey = lockKey

// UpFrom is Up with other SQL than the embedded.
func UpFrom(ctx context.Context, conn *pgx.Conn, o Options, migrations, code fs.FS) (Result, error) {
	return source{migrations: migrations, code: code}.up(ctx, conn, o)
}

// DownFrom is Down with other SQL than the embedded.
func DownFrom(ctx context.Context, conn *pgx.Conn, o Options, to int32, migrations, code fs.FS) (Result, error) {
	return source{migrations: migrations, code: code}.down(ctx, conn, o, to)
}
