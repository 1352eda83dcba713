package pgserver

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// configFile is a postgresql.conf that takes up what initdb has written and goes on from there. It lies outside of the
// data directory, so that we never write, possibly as root, where another account may have put a link.
func configFile(o Options, l layout) string {
	settings := map[string]string{
		"hba_file":                   l.hba(),
		"unix_socket_directories":    l.socket,
		"unix_socket_permissions":    "0700",
		"listen_addresses":           "",
		"logging_collector":          "off",
		"log_line_prefix":            "%m [%p] %q%u@%d/%a ",
		"log_timezone":               "UTC",
		"timezone":                   "UTC",
		"dynamic_shared_memory_type": "mmap", // files of the data directory: a crash leaves nothing in /dev/shm
	}
	if o.TCP {
		settings["listen_addresses"] = "127.0.0.1"
	}
	if !o.Durable {
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	}
	maps.Copy(settings, o.Settings)

	var b strings.Builder
	b.WriteString("include 'data/postgresql.conf'\n")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = %s\n", name, quoteSetting(settings[name]))
	}
	return b.String()
}

// hbaFile trusts whoever can open the socket: its directory lets in nobody but the account that runs the server.
//
//nolint:dupword // columns
const hbaFile = `# TYPE DATABASE ROLE ADDRESS METHOD
local all,replication all trust
host  all all 127.0.0.1/32 scram-sha-256
`

// quoteSetting writes a value as postgresql.conf wants it.
func quoteSetting(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`).Replace(value) + "'"
}
