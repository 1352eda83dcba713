package client_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/tracelog"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
)

// wire records what goes over a connection, both ways.
type wire struct {
	mu   sync.Mutex
	sent bytes.Buffer
	got  bytes.Buffer
}

func (w *wire) dial(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &recordedConn{Conn: conn, wire: w}, nil
	}
}

type recordedConn struct {
	net.Conn
	wire *wire
}

func (c *recordedConn) Write(b []byte) (int, error) {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	c.wire.sent.Write(b)
	return c.Conn.Write(b)
}

func (c *recordedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	c.wire.got.Write(b[:n])
	return n, err
}

// tracedArgs keeps what pgx hands to tracers.
type tracedArgs struct{ text strings.Builder }

func (a *tracedArgs) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	fmt.Fprintf(&a.text, "%s %v %+v %#v %s %q %x\n", data.SQL, data.Args, data.Args, data.Args, data.Args, data.Args, data.Args)
	return ctx
}

func (*tracedArgs) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// everyTokenOf calls all that makes or takes a token, and returns the tokens.
func everyTokenOf(t *testing.T, c *client.Client, username, password string) []client.Token {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.UserCreate(ctx, username, password, client.UserOptions{})
	must(err)
	login, err := c.Login(ctx, username, password, client.LoginOptions{})
	must(err)
	opened, session, err := c.SessionOpen(ctx, client.OpenOptions{Username: username})
	must(err)
	anonymous, _, err := c.SessionOpen(ctx, client.OpenOptions{})
	must(err)
	_, _, err = c.SessionGet(ctx, opened.Key())
	must(err)
	_, err = c.SessionSave(ctx, opened.Key(), map[string]int{"a": 1}, session.Version)
	must(err)
	_, err = c.SessionMerge(ctx, opened.Key(), map[string]int{"a": 1})
	must(err)
	_, err = c.SessionTouch(ctx, opened.Key(), anonymous.Key())
	must(err)
	rotated, _, err := c.SessionRotate(ctx, opened.Key(), "")
	must(err)
	rotatedInto, _, err := c.SessionRotate(ctx, anonymous.Key(), username)
	must(err)
	_, err = c.UserSetPassword(ctx, username, password+"2", rotated.Key())
	must(err)
	_, err = c.SessionCloseUser(ctx, username, rotated.Key())
	must(err)
	_, err = c.Logout(ctx, rotated)
	must(err)
	_, err = c.Logout(ctx, login.Token)
	must(err)
	return []client.Token{login.Token, opened, anonymous, rotated, rotatedInto}
}

// TestDatabaseSeesNoToken looks for tokens in every byte that went to the server and came from it.
func TestDatabaseSeesNoToken(t *testing.T) {
	t.Parallel()
	db := started(t)
	for _, mode := range modes() {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			w, args := &wire{}, &tracedArgs{}
			conn := db.Conn(t, func(c *pgx.ConnConfig) {
				c.DefaultQueryExecMode = mode
				c.DialFunc = w.dial(c.DialFunc)
				c.TLSConfig, c.Fallbacks = nil, nil // recorded in clear
				c.Tracer = args
			})
			const password = "s3cr3t passw0rd"
			tokens := everyTokenOf(t, client.New(conn), "alice "+mode.String(), password)

			sent, got := w.sent.String(), w.got.String()
			if !strings.Contains(sent, "alice "+mode.String()) || !strings.Contains(sent, password) {
				t.Fatal("what was sent has not been recorded")
			}
			for _, token := range tokens {
				for _, secret := range secretForms(token) {
					if strings.Contains(sent, secret) || strings.Contains(got, secret) {
						t.Errorf("a token went over the wire as %q", secret)
					}
					if strings.Contains(args.text.String(), secret) {
						t.Errorf("a token was an argument, as %q", secret)
					}
				}
				// The key did go: what looks for bytes can find them.
				key := token.Key()
				if !strings.Contains(sent, string(key[:])) && !strings.Contains(sent, hex.EncodeToString(key[:])) {
					t.Error("a key was not found in what was sent")
				}
			}
			if strings.Contains(args.text.String(), password) || strings.Contains(args.text.String(), hex.EncodeToString([]byte(password))) {
				t.Error("pgx's tracers are shown the password")
			}
		})
	}
}

// TestLogsHoldNoSecret logs all that pgx and the client can log.
func TestLogsHoldNoSecret(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	conn := pgtest.New(t).Conn(t, func(c *pgx.ConnConfig) {
		c.Tracer = &tracelog.TraceLog{
			LogLevel: tracelog.LogLevelTrace,
			Logger: tracelog.LoggerFunc(func(ctx context.Context, _ tracelog.LogLevel, msg string, data map[string]any) {
				log.InfoContext(ctx, "pgx", "message", msg, "data", data)
			}),
		}
	})
	const password = "s3cr3t passw0rd"
	for _, token := range everyTokenOf(t, client.New(conn, client.WithLogger(log)), "alice", password) {
		raw, _ := base64.RawURLEncoding.DecodeString(token.Reveal())
		for _, secret := range append(secretForms(token), string(raw)) {
			if strings.Contains(text.String(), secret) {
				t.Errorf("a token was logged as %q", secret)
			}
		}
	}
	if strings.Contains(text.String(), "s3cr3t") {
		t.Error("a password was logged")
	}
	if !strings.Contains(text.String(), "session_get") {
		t.Fatal("nothing was logged")
	}
}
