package client

import (
	"log/slog"
	"time"
)

const (
	defaultSchema = "pgsession"
	defaultLease  = 3 * time.Second
	schemaMax     = 31
)

// Option changes a default of [New].
type Option func(*config)

type config struct {
	schema string
	log    *slog.Logger
	lease  time.Duration
}

// WithSchema names the schema that pgsession is installed in; the default is "pgsession". With a name
// that [ValidSchema] refuses, every call of the client returns [ErrInvalid].
func WithSchema(schema string) Option {
	return func(c *config) { c.schema = schema }
}

// WithLogger sets where the client logs; nil, the default, is nowhere. It warns of answers that came
// too late to be used. No token, key, password or payload is ever logged.
func WithLogger(log *slog.Logger) Option {
	return func(c *config) { c.log = log }
}

// WithLease sets how old an answer may be when it is given, counted from the moment its query was
// sent. A reading that took longer is done again, while its context lasts. Zero or less is the default
// of 3 seconds, which is also the server's.
func WithLease(lease time.Duration) Option {
	return func(c *config) { c.lease = lease }
}

// ValidSchema reports whether a name can be that of a pgsession schema: 1 to 31 lower-case letters,
// digits and underscores, of which the first is no digit.
func ValidSchema(schema string) bool {
	if schema == "" || len(schema) > schemaMax {
		return false
	}
	for i := range len(schema) {
		c := schema[i]
		letter := c == '_' || 'a' <= c && c <= 'z'
		digit := '0' <= c && c <= '9'
		if !letter && (!digit || i == 0) {
			return false
		}
	}
	return true
}

func newConfig(opts []Option) config {
	c := config{schema: defaultSchema}
	for _, opt := range opts {
		opt(&c)
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.lease <= 0 {
		c.lease = defaultLease
	}
	return c
}
