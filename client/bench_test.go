package client_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

// benchSession opens a session of 1 KiB.
func benchSession(b *testing.B) (*pgxpool.Pool, client.Key) {
	b.Helper()
	pool := started(b).Pool(b)
	payload := json.RawMessage(`{"a": "` + strings.Repeat("x", 1015) + `"}`)
	_, session, err := client.New(pool).SessionOpen(b.Context(), client.OpenOptions{Idle: time.Hour, Payload: payload})
	if err != nil {
		b.Fatal(err)
	}
	return pool, session.Key
}

// BenchmarkSessionGet reads one session, and the same row by a prepared SELECT, which is what it is
// measured against.
func BenchmarkSessionGet(b *testing.B) {
	pool, key := benchSession(b)
	conn, err := pool.Acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	ctx := context.Background()
	b.Run("session_get", func(b *testing.B) {
		c := client.New(conn)
		b.ReportAllocs()
		for b.Loop() {
			if _, found, err := c.SessionGet(ctx, key); err != nil || !found {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		const sql = `select id, username, payload, version, createddate, expires, expiresecs
			from pgsession.sessions where key = $1 and (expires is null or expires > statement_timestamp())`
		b.ReportAllocs()
		for b.Loop() {
			var s client.Session
			var username *string
			var payload []byte
			err := conn.QueryRow(ctx, sql, key[:]).Scan(&s.ID, &username, &payload, &s.Version, &s.Created, &s.Expires, &s.ExpireSecs)
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkParseTokenAndKey(b *testing.B) {
	text := client.NewToken("alice").Reveal()
	b.ReportAllocs()
	for b.Loop() {
		token, ok := client.ParseToken(text)
		if !ok || token.Key() == (client.Key{}) {
			b.Fatal("no token")
		}
	}
}
