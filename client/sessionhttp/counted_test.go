package sessionhttp_test

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/pgsession/pgsession/client"
)

// counted counts the calls of a store, and can have them fail.
type counted struct {
	client.Store
	gets, writes atomic.Int64
	fail         atomic.Pointer[func(op string) error]
}

func (c *counted) call(n *atomic.Int64, op string) error {
	n.Add(1)
	if fail := c.fail.Load(); fail != nil {
		return (*fail)(op)
	}
	return nil
}

// failing has the calls of some operations fail as if the database were away.
func (c *counted) failing(ops ...string) {
	fail := func(op string) error {
		for _, o := range ops {
			if o == op || o == "*" {
				return errAway
			}
		}
		return nil
	}
	c.fail.Store(&fail)
}

var errAway = errors.New("the database is away")

func (c *counted) Login(ctx context.Context, username, password string, o client.LoginOptions) (client.LoginResult, error) {
	if err := c.call(&c.writes, "login"); err != nil {
		return client.LoginResult{}, err
	}
	return c.Store.Login(ctx, username, password, o)
}

func (c *counted) SessionOpen(ctx context.Context, o client.OpenOptions) (client.Token, client.Session, error) {
	if err := c.call(&c.writes, "open"); err != nil {
		return client.Token{}, client.Session{}, err
	}
	return c.Store.SessionOpen(ctx, o)
}

func (c *counted) SessionGet(ctx context.Context, key client.Key, floor ...client.Floor) (client.Session, bool, error) {
	if err := c.call(&c.gets, "get"); err != nil {
		return client.Session{}, false, err
	}
	return c.Store.SessionGet(ctx, key, floor...)
}

func (c *counted) SessionSave(ctx context.Context, key client.Key, payload any, version int64) (client.Floor, error) {
	if err := c.call(&c.writes, "save"); err != nil {
		return client.Floor{}, err
	}
	return c.Store.SessionSave(ctx, key, payload, version)
}

func (c *counted) SessionMerge(ctx context.Context, key client.Key, patch any) (client.Session, error) {
	if err := c.call(&c.writes, "merge"); err != nil {
		return client.Session{}, err
	}
	return c.Store.SessionMerge(ctx, key, patch)
}

func (c *counted) SessionRotate(ctx context.Context, key client.Key, username string) (client.Token, client.Session, error) {
	if err := c.call(&c.writes, "rotate"); err != nil {
		return client.Token{}, client.Session{}, err
	}
	return c.Store.SessionRotate(ctx, key, username)
}

func (c *counted) SessionClose(ctx context.Context, key client.Key) (bool, error) {
	if err := c.call(&c.writes, "close"); err != nil {
		return false, err
	}
	return c.Store.SessionClose(ctx, key)
}

func (c *counted) SessionTouch(ctx context.Context, keys ...client.Key) (int, error) {
	if err := c.call(&c.writes, "touch"); err != nil {
		return 0, err
	}
	return c.Store.SessionTouch(ctx, keys...)
}
