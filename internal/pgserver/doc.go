// Package pgserver runs a throwaway PostgreSQL: its own data directory, its own unix socket, nothing shared with a
// server that the machine may already run, and nothing left behind.
//
//	srv, err := pgserver.Start(ctx, pgserver.Options{})
//	if err != nil { … }
//	defer srv.Close(ctx)
//	conn, err := pgx.Connect(ctx, srv.DSN("postgres"))
//
// It finds the binaries of any PostgreSQL from version 14 on (see [Find]), gives up root for an unprivileged account
// where it must, because PostgreSQL refuses to run as root, and is ready in about a second.
//
// # Cleaning up
//
// A throwaway server must not outlive the process that wanted it, whatever that process dies of. Two things see to it:
// on Linux the kernel tells the server to shut down when its parent ends, and a guard, a small shell process in a
// session of its own, waits for the end of a pipe that only the parent holds open, then stops the server and removes
// its directories. [Server.Close] goes the same way, so that it is the tested one.
//
// # Who may connect
//
// The directory is closed to everyone but the account that runs the server (and root), and so is the socket in it;
// whoever gets through is trusted, as any role. Over TCP, which is off unless asked for, a random password is needed.
//
// # Stopping and crashing
//
// A test of what happens when the database goes away uses [Server.Stop], [Server.StopImmediate] or [Server.Kill], then
// [Server.StartAgain]: same data, same address.
package pgserver
