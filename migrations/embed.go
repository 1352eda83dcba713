package migrations

import "embed"

// files are the numbered migrations, NNN_snake_case.sql. Each has its up part above and its down part below tern's dividing line.
//
//go:embed *.sql
var files embed.FS
