// Command pgsession installs pgsession into a PostgreSQL database, serves its sessions over HTTP, and shows what it does.
// "pgsession help" lists its commands.
//
// It exits with status 0 when it did what it was asked to, 1 when it could not, 2 when it was asked wrongly: an unknown command
// or flag, no database named, a destructive command without --yes; and import-jotweb with 3 when it is done but for what its report
// names.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}
