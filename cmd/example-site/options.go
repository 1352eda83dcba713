package main

import (
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// options are the command line's.
type options struct {
	listen    string
	dsn       string
	processes int
	plain     string // cookies: auto, always, never
	proxies   []netip.Prefix
	untilEOF  bool
}

// parseOptions reads a command line, and tells on log what is wrong with it.
func parseOptions(args []string, log io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("example-site", flag.ContinueOnError)
	f.SetOutput(log)
	f.StringVar(&o.listen, "listen", "127.0.0.1:8090", "the `address` to listen on; port 0: any that is free")
	f.StringVar(&o.dsn, "dsn", "", "the `database`, a URL or connect string; without it DATABASE_URL, and without that a throwaway PostgreSQL")
	f.IntVar(&o.processes, "processes", 1, "how many processes to serve with, behind one address")
	f.StringVar(&o.plain, "plain-cookies", "auto",
		"whether programs that cannot keep a Secure cookie over plain HTTP may log in: auto (on loopback), always or never")
	f.Func("trusted-proxy", "the `network` of a proxy whose X-Forwarded-For is believed, as 10.0.0.0/8; may be repeated", func(text string) error {
		network, err := netip.ParsePrefix(text)
		o.proxies = append(o.proxies, network)
		return err
	})
	f.BoolVar(&o.untilEOF, "until-eof", false, "also stop when standard input ends, as it does when the parent process does")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var wrong string
	switch {
	case f.NArg() > 0:
		wrong = "unexpected " + strings.Join(f.Args(), " ")
	case o.processes < 1 || o.processes > 16:
		wrong = "--processes is 1 to 16"
	case o.plain != "auto" && o.plain != "always" && o.plain != "never":
		wrong = "--plain-cookies is auto, always or never"
	default:
		return o, nil
	}
	fmt.Fprintf(log, "example-site: %s\nRun 'example-site --help' to see how it is used.\n", wrong)
	return o, fmt.Errorf("wrong usage: %s", wrong)
}
