package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is this program's version (semantic versioning), the same as that of the functions it installs.
const release = "0.1.0"

// versionInfo is what "pgsession version --json" prints.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // the commit it was built from; empty if that is not known
	Go       string `json:"go"`
}

func (c *command) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info := buildInfo()
			if c.json {
				return c.printJSON(info)
			}
			_, err := fmt.Fprintf(c.out, "pgsession %s\n", info.Version)
			return err
		},
	}
}

func buildInfo() versionInfo {
	info := versionInfo{Version: release}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	info.Go = build.GoVersion
	for _, s := range build.Settings {
		if s.Key == "vcs.revision" {
			info.Revision = s.Value
		}
	}
	return info
}
