package listener

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

// Config says what a cache works over and how much it may hold. Only Pool is required.
type Config struct {
	// Pool is what misses and writes use. It is borrowed and never closed: shut down the server, then
	// the cache, then the pool. It has to reach the server that takes writes, also where its DSN names
	// several hosts (target_session_attrs=read-write): a standby may be any time behind.
	Pool *pgxpool.Pool

	// Schema is where pgsession is installed. Empty: "pgsession".
	Schema string

	// PollConfig and ListenConfig say how to dial the connections that poll and listen. Nil: as the
	// pool dials, but for its BeforeConnect and AfterConnect, which are not run. Where the pool goes through a transaction pooler, these have to go past it: LISTEN
	// is accepted there, and nothing ever arrives.
	PollConfig, ListenConfig *pgx.ConnConfig

	// MaxEntries and MaxBytes bound what is held, whichever is reached first; a session counts its
	// payload, its username and about 640 bytes. Zero: 100,000 entries and 256 MiB.
	MaxEntries int
	MaxBytes   int64

	// Lease shortens the lease that the database grants, to 100 ms at the least. Zero, and anything
	// longer: the database's.
	Lease time.Duration

	// Fencing is F: how long a demoted server may go on answering after another has taken over. The
	// revocation barrier waits for it too. Zero where a demoted server is dead. The setting fencing,
	// where it is longer, goes before it.
	Fencing time.Duration

	// TouchInterval is how often the sessions in use have their idle deadlines moved, all in one call.
	// Zero: 1 second. A session is touched at most once per tenth of its idle lifetime anyway.
	TouchInterval time.Duration

	// SweepInterval is how often expired sessions are swept, and the change log purged. Zero: 1
	// minute; negative: never, because something else does.
	SweepInterval time.Duration

	// Logger is told of lost connections and the like. Nil: nobody is.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Pool == nil {
		return c, errors.New("Config.Pool is nil")
	}
	if c.Schema == "" {
		c.Schema = "pgsession"
	}
	if !client.ValidSchema(c.Schema) {
		return c, fmt.Errorf("Config.Schema %q is no schema name: %w", c.Schema, client.ErrInvalid)
	}
	if c.MaxEntries < 0 || c.MaxBytes < 0 || c.Lease < 0 || c.Fencing < 0 || c.TouchInterval < 0 {
		return c, errors.New("Config has a negative size or duration")
	}
	if c.Lease > 0 && c.Lease < leaseMin {
		return c, fmt.Errorf("Config.Lease of %v is too short: %v at least, or no answer could be used", c.Lease, leaseMin)
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = 100_000
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 256 << 20
	}
	if c.TouchInterval == 0 {
		c.TouchInterval = time.Second
	}
	if c.SweepInterval == 0 {
		c.SweepInterval = time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.PollConfig == nil {
		c.PollConfig = c.Pool.Config().ConnConfig
	}
	if c.ListenConfig == nil {
		c.ListenConfig = c.Pool.Config().ConnConfig
	}
	c.PollConfig = c.PollConfig.Copy()
	c.PollConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	// A poll writes nothing that a crash would not empty anyway: it need not wait for the disk.
	c.PollConfig.RuntimeParams["synchronous_commit"] = "off"
	c.PollConfig.RuntimeParams["default_transaction_isolation"] = "read committed"
	c.ListenConfig = c.ListenConfig.Copy()
	return c, nil
}
