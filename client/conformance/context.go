package conformance

import (
	"context"

	"github.com/pgsession/pgsession/client"
)

func contextCases() map[string]func(*trial) {
	return map[string]func(*trial){
		"Cancelled": contextCancelled,
	}
}

// contextCancelled calls everything with a context that has ended. Nothing happens, and the error says
// why.
func contextCancelled(x *trial) {
	username := x.user()
	session := x.opened(username)
	unread := client.KeyOf(x.prefix) // of what is in memory a store may tell without asking the context
	ctx, cancel := context.WithCancel(x.Context())
	cancel()
	for what, call := range map[string]func() error{
		"Login": func() error { _, err := x.Store.Login(ctx, username, password, client.LoginOptions{}); return err },
		"SessionOpen": func() error {
			_, _, err := x.Store.SessionOpen(ctx, client.OpenOptions{Username: username})
			return err
		},
		"SessionGet":       func() error { _, _, err := x.Store.SessionGet(ctx, unread); return err },
		"SessionSave":      func() error { _, err := x.Store.SessionSave(ctx, session.Key, map[string]int{}, 0); return err },
		"SessionMerge":     func() error { _, err := x.Store.SessionMerge(ctx, session.Key, map[string]int{"a": 1}); return err },
		"SessionTouch":     func() error { _, err := x.Store.SessionTouch(ctx, session.Key); return err },
		"SessionRotate":    func() error { _, _, err := x.Store.SessionRotate(ctx, session.Key, ""); return err },
		"SessionClose":     func() error { _, err := x.Store.SessionClose(ctx, session.Key); return err },
		"SessionCloseID":   func() error { _, err := x.Store.SessionCloseID(ctx, username, session.ID); return err },
		"SessionCloseUser": func() error { _, err := x.Store.SessionCloseUser(ctx, username); return err },
		"SessionList":      func() error { _, err := x.Store.SessionList(ctx, username); return err },
	} {
		x.refused(what, call(), context.Canceled)
	}
	x.same("after cancelled calls", x.get(session.Key), session)
	if sessions := x.list(username); len(sessions) != 1 {
		x.Errorf("cancelled calls left %d sessions, want 1", len(sessions))
	}
}
