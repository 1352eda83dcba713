package listener

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsession/pgsession/client"
)

// simReader is a connection of the pool.
type simReader struct{ link *simLink }

func (r simReader) release() {}

func (r simReader) SessionGet(ctx context.Context, key client.Key, _ ...client.Floor) (s client.Session, found bool, err error) {
	sent := time.Now()
	err = r.link.call(ctx, simRead, uint64(key.Tag()), nil, func(v *simServer) error {
		c := v.rows[key]
		if found = c != nil && !c.gone; found {
			payload, _ := json.Marshal(c.number)
			s = client.Session{ID: c.id, Key: key, Username: c.username, Version: c.version, Payload: client.RawPayload(payload), Sent: sent, Epoch: v.epoch()}
		}
		return nil
	})
	if err != nil {
		return client.Session{}, false, err
	}
	return s, found, nil
}

func simNumber(s client.Session) (number int64) {
	if err := s.Payload.Decode(&number); err != nil {
		panic(err)
	}
	return number
}

// simLine is a connection to poll over, to one server for as long as it lasts.
type simLine struct {
	link   *simLink
	server *simServer
}

func (n *simLine) hangUp() {}

func (n *simLine) ChangePoll(ctx context.Context, cursor client.Snapshot, id client.Instance) (poll client.Poll, err error) {
	sent := time.Now()
	err = n.link.call(ctx, simPoll, 0, n.server, func(v *simServer) error { poll = v.poll(cursor, id); return nil })
	poll.Sent = sent
	return poll, err
}

func (n *simLine) ChangeStart(ctx context.Context) error {
	return n.link.call(ctx, simPoll, 0, n.server, func(v *simServer) error { v.start(); return nil })
}

func (n *simLine) ChangeJoin(ctx context.Context, id client.Instance) error {
	return n.link.call(ctx, simPoll, 0, n.server, func(v *simServer) error {
		v.join(id)
		n.link.state.instance = id
		return nil
	})
}

func (n *simLine) ChangeAck(ctx context.Context, id client.Instance, cursor client.Snapshot) (known bool, err error) {
	err = n.link.call(ctx, simPoll, 0, n.server, func(v *simServer) error {
		m := v.members[id]
		if known = m != nil; known {
			m.Applied = cursor
		}
		return nil
	})
	return known, err
}

// simStatement is a transaction that one statement of the client's is run in.
type simStatement struct {
	client.DB // what the simulation does not use
	work      simWork
}

func (s *simStatement) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	switch {
	case strings.Contains(sql, "session_close_user("):
		s.work = workCloseUser(args[0].(string))
	case strings.Contains(sql, "session_close("):
		s.work = workClose(client.Key(args[0].([]byte)))
	default:
		panic("not simulated: " + sql)
	}
	return simRow{}
}

func (s *simStatement) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errRefused
}

// simRow leaves what it is scanned into as it is.
type simRow struct{}

func (simRow) Scan(...any) error { return nil }

// simWait waits on the bubble's clock.
func simWait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
