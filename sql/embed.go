// Package sql holds pgsession's stored functions, triggers, views and grants: a tern code package whose install.sql lists, in
// order, the files to run. The folder is written for people who read SQL; see README.md in it. Package migrations installs it.
package sql

import "embed"

// FS is the tree of SQL files, rooted at the folder that holds install.sql (which creates every code object) and uninstall.sql
// (which drops them). It is read-only and safe for concurrent use.
//
//go:embed *.sql api internal shared triggers views
var FS embed.FS
