package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/migrations"
)

// closeTimeout bounds what is done after a run.
const closeTimeout = 20 * time.Second

// throwaway starts a PostgreSQL for this run alone. end stops it and removes what it left.
func (s *stage) throwaway(ctx context.Context) (dsn string, end func() error, err error) {
	s.log.InfoContext(ctx, "no database is named: starting a throwaway PostgreSQL")
	server, err := pgserver.Start(ctx, pgserver.Options{})
	if err != nil {
		return "", nil, err
	}
	end = func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		return server.Close(ctx)
	}
	return server.DSN("postgres"), end, nil
}

// openPool connects and brings the schema up to date. Any number of processes may do so at once.
func openPool(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	config, err := client.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.RuntimeParams["application_name"] = "example-site"
	if config.ConnConfig.ValidateConnect == nil { // of several hosts, the one that takes writes
		config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, err
	}
	_, err = migrations.Up(ctx, conn, migrations.Options{})
	if err := errors.Join(err, conn.Close(context.WithoutCancel(ctx))); err != nil {
		return nil, fmt.Errorf("install pgsession: %w", err)
	}
	return pgxpool.NewWithConfig(ctx, config)
}
