package client_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

func TestUserLifecycle(t *testing.T) {
	t.Parallel()
	role := app(t, started(t))
	for _, mode := range modes() {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			c := client.New(role.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode }))
			ctx := t.Context()
			username := "user " + mode.String()

			if _, found, err := c.UserGet(ctx, username); found || err != nil {
				t.Errorf("a user not yet made: %v, %v", found, err)
			}
			if ack, err := c.UserCreate(ctx, username, "password", client.UserOptions{Payload: map[string]string{"name": "😀"}}); ack != "" || err != nil {
				t.Fatalf("UserCreate: %q, %v", ack, err)
			}
			_, err := c.UserCreate(ctx, username, "other", client.UserOptions{})
			wantErr(t, "UserCreate again", err, client.ErrExists)

			user := mustUser(t, c, username)
			if user.ID == 0 || user.Username != username || user.Status != "active" || user.Version == 0 || user.Created.IsZero() ||
				!user.LastLogin.IsZero() || !user.LastHit.IsZero() || user.Payload.String() != `{"name": "😀"}` {
				t.Errorf("a new user: %+v", user)
			}

			version, err := c.UserSave(ctx, username, json.RawMessage(`{"n": 1}`), user.Version)
			if err != nil || version <= user.Version {
				t.Errorf("UserSave: %d, %v", version, err)
			}
			_, err = c.UserSave(ctx, username, json.RawMessage(`{"n": 2}`), user.Version)
			wantErr(t, "UserSave of an old version", err, client.ErrConflict)
			_, err = c.UserSave(ctx, username, nil, 0)
			wantErr(t, "UserSave of nil", err, client.ErrInvalid)
			if user := mustUser(t, c, username); user.Payload.String() != `{"n": 1}` || user.Version != version {
				t.Errorf("a saved user: %+v", user)
			}

			login, err := c.Login(ctx, username, "password", client.LoginOptions{})
			if err != nil || login.Outcome != client.OK {
				t.Fatalf("Login: %+v, %v", login, err)
			}
			if user := mustUser(t, c, username); user.LastLogin.IsZero() || user.LastHit.IsZero() {
				t.Errorf("a user who has logged in: %+v", user)
			}
			if deleted, err := c.UserDelete(ctx, username); !deleted || err != nil {
				t.Errorf("UserDelete: %v, %v", deleted, err)
			}
			if deleted, err := c.UserDelete(ctx, username); deleted || err != nil {
				t.Errorf("UserDelete again: %v, %v", deleted, err)
			}
			if _, found, err := c.SessionGet(ctx, login.Token.Key()); found || err != nil {
				t.Errorf("the session of a deleted user: %v, %v", found, err)
			}
			_, err = c.UserSave(ctx, username, json.RawMessage(`{}`), 0)
			wantErr(t, "UserSave of a deleted user", err, client.ErrNoUser)
		})
	}
}

func mustUser(t *testing.T, c *client.Client, username string) client.User {
	t.Helper()
	user, found, err := c.UserGet(t.Context(), username)
	if err != nil || !found {
		t.Fatalf("UserGet: %v, %v", found, err)
	}
	return user
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestUserPending(t *testing.T) {
	t.Parallel()
	c := client.New(app(t, started(t)).Pool(t))
	ack, err := c.UserCreate(t.Context(), "alice", "password", client.UserOptions{Pending: true})
	if err != nil || ack == "" {
		t.Fatalf("UserCreate: %q, %v", ack, err)
	}
	if user := mustUser(t, c, "alice"); user.Status != "pending" {
		t.Errorf("status %q", user.Status)
	}
	login, err := c.Login(t.Context(), "alice", "password", client.LoginOptions{})
	if err != nil || login.Outcome != client.Pending {
		t.Errorf("Login: %+v, %v", login, err)
	}
}

func TestUserSetPassword(t *testing.T) {
	t.Parallel()
	c := client.New(app(t, started(t)).Pool(t))
	ctx := t.Context()
	if _, err := c.UserCreate(ctx, "alice", "old", client.UserOptions{}); err != nil {
		t.Fatal(err)
	}
	var keys []client.Key
	for range 3 {
		_, session, err := c.SessionOpen(ctx, client.OpenOptions{Username: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, session.Key)
	}
	if ended, err := c.UserSetPassword(ctx, "alice", "new", keys[1]); ended != 2 || err != nil {
		t.Errorf("UserSetPassword: %d, %v", ended, err)
	}
	for i, key := range keys {
		if _, found, err := c.SessionGet(ctx, key); found != (i == 1) || err != nil {
			t.Errorf("session %d: %v, %v", i, found, err)
		}
	}
	if ended, err := c.UserSetPassword(ctx, "alice", "newer"); ended != 1 || err != nil {
		t.Errorf("UserSetPassword: %d, %v", ended, err)
	}
	_, err := c.UserSetPassword(ctx, "bob", "new")
	wantErr(t, "no such user", err, client.ErrNoUser)
	_, err = c.UserSetPassword(ctx, "alice", "new", keys...)
	wantErr(t, "several sessions to keep", err, client.ErrInvalid)
	for what, password := range map[string]string{"empty": "", "long": strings.Repeat("s3cr3t", 13), "NUL": "s3cr3t\x00", "not UTF-8": "s3cr3t\xff"} {
		_, err = c.UserSetPassword(ctx, "alice", password)
		wantErr(t, what, err, client.ErrInvalid)
		_, createErr := c.UserCreate(ctx, "carol", password, client.UserOptions{})
		wantErr(t, what, createErr, client.ErrInvalid)
		if strings.Contains(err.Error()+createErr.Error(), "s3cr3t") {
			t.Errorf("%s: an error quotes the password: %v, %v", what, err, createErr)
		}
	}
}
