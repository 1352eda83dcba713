// Command findpg prints the folder of the PostgreSQL that tests and demo will run, or says on standard error what is
// missing, and exits with status 1. `make deps` asks it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pgsession/pgsession/internal/pgserver"
)

func main() {
	b, err := find(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(b.Dir)
}

func find(ctx context.Context) (pgserver.Binaries, error) {
	b, err := pgserver.Find(ctx)
	if err != nil {
		return b, err
	}
	const needed = "pgcrypto"
	ok, err := b.HasExtension(ctx, needed)
	if err == nil && !ok {
		err = fmt.Errorf("%s (%s): the extension %s is not installed; it comes with PostgreSQL's contrib package "+
			"(Debian: part of postgresql; Fedora, RHEL: postgresql-contrib; Alpine: postgresql-contrib)", b.Dir, b.Version, needed)
	}
	return b, err
}
