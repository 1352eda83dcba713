package listener

import (
	"context"

	"github.com/pgsession/pgsession/client"
)

// The writing methods call the database and then, whatever it answered and also where its answer never
// came, forget what they may have changed, before they return: step 7 of the cache procedure.

// writer returns the client to write with. In doorbell mode its statements do not notify: wrote does,
// after the commit.
func (c *Cache) writer() client.Store {
	if c.doorbell.Load() {
		return c.db.quiet()
	}
	return c.db
}

// wrote forgets a session that has been written to, or may have been, and rings for it.
func (c *Cache) wrote(key client.Key) {
	if !seam(seamOwnWrite) {
		c.Forget(key)
	}
	c.bell.ring(client.Change{Kind: client.ChangedSession, Tag: key.Tag()})
}

func (c *Cache) wroteUser(username string) {
	if !seam(seamOwnWrite) {
		c.ForgetUser(username)
	}
	c.bell.ring(client.Change{Kind: client.ChangedUser, Tag: client.UserTag(username)})
}

// Login checks a password and opens a session; see [client.Store].
func (c *Cache) Login(ctx context.Context, username, password string, o client.LoginOptions) (client.LoginResult, error) {
	if c.ctx.Err() != nil {
		return client.LoginResult{}, ErrClosed
	}
	return c.db.Login(ctx, username, password, o)
}

// SessionOpen opens a session; see [client.Store].
func (c *Cache) SessionOpen(ctx context.Context, o client.OpenOptions) (client.Token, client.Session, error) {
	if c.ctx.Err() != nil {
		return client.Token{}, client.Session{}, ErrClosed
	}
	if o.Key != nil {
		// A read of this key under way may bring that there is none: nobody is to join it any more.
		defer c.Forget(*o.Key)
	}
	return c.db.SessionOpen(ctx, o)
}

// SessionSave replaces a session's payload; see [client.Store].
func (c *Cache) SessionSave(ctx context.Context, key client.Key, payload any, version int64) (client.Floor, error) {
	if c.ctx.Err() != nil {
		return client.Floor{}, ErrClosed
	}
	defer c.wrote(key)
	return c.writer().SessionSave(ctx, key, payload, version)
}

// SessionMerge merges a patch into a session's payload; see [client.Store].
func (c *Cache) SessionMerge(ctx context.Context, key client.Key, patch any) (client.Session, error) {
	if c.ctx.Err() != nil {
		return client.Session{}, ErrClosed
	}
	defer c.wrote(key)
	return c.writer().SessionMerge(ctx, key, patch)
}

// SessionTouch moves idle deadlines now; see [client.Store]. The cache touches what it serves by
// itself. A touch makes no process forget anything.
func (c *Cache) SessionTouch(ctx context.Context, keys ...client.Key) (int, error) {
	if c.ctx.Err() != nil {
		return 0, ErrClosed
	}
	return c.db.SessionTouch(ctx, keys...)
}

// SessionRotate gives a session a new token; see [client.Store].
func (c *Cache) SessionRotate(ctx context.Context, key client.Key, username string) (client.Token, client.Session, error) {
	if c.ctx.Err() != nil {
		return client.Token{}, client.Session{}, ErrClosed
	}
	defer c.wrote(key)
	return c.writer().SessionRotate(ctx, key, username)
}

// SessionClose ends a session; see [client.Store]. To know that no process serves it any more, use
// [Cache.SessionCloseWait].
func (c *Cache) SessionClose(ctx context.Context, key client.Key) (bool, error) {
	if c.ctx.Err() != nil {
		return false, ErrClosed
	}
	defer c.wrote(key)
	return c.writer().SessionClose(ctx, key)
}

// SessionCloseID ends one of a user's sessions; see [client.Store].
func (c *Cache) SessionCloseID(ctx context.Context, username string, id int64) (bool, error) {
	if c.ctx.Err() != nil {
		return false, ErrClosed
	}
	defer c.wroteUser(username)
	return c.writer().SessionCloseID(ctx, username, id)
}

// SessionCloseUser ends all sessions of a user but for at most one; see [client.Store].
func (c *Cache) SessionCloseUser(ctx context.Context, username string, except ...client.Key) (int64, error) {
	if c.ctx.Err() != nil {
		return 0, ErrClosed
	}
	defer c.wroteUser(username)
	return c.writer().SessionCloseUser(ctx, username, except...)
}

// SessionList returns a user's live sessions, always from the database; see [client.Store].
func (c *Cache) SessionList(ctx context.Context, username string) ([]client.Session, error) {
	if c.ctx.Err() != nil {
		return nil, ErrClosed
	}
	return c.db.SessionList(ctx, username)
}
