package pgserver

import "log/slog"

// Options says what kind of server to start. The zero value is right for most tests.
type Options struct {
	// Durable has every commit reach the disk, as in production. Otherwise fsync and full_page_writes are off: the
	// data survives a crash of PostgreSQL (see [Server.Kill]), but not one of the machine.
	Durable bool

	// TCP has the server listen on a free port of 127.0.0.1 too, where a random password is needed; see
	// [Server.TCPDSN]. Otherwise it listens on its unix socket alone.
	TCP bool

	// Settings are lines of postgresql.conf, value unquoted: {"max_connections": "200"}. They win over the package's
	// own; ALTER SYSTEM wins over them. The port is not among them.
	Settings map[string]string

	// Dir is the folder in which the server's directory is made; empty is [os.TempDir]. If the account that root has
	// to become cannot get there, the system's temporary folder is taken.
	Dir string

	// Binaries are PostgreSQL's programs; the zero value has [Find] look for them.
	Binaries Binaries

	// Log receives, at debug level, what is being done. nil: nothing is logged.
	Log *slog.Logger
}
