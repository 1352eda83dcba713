package client_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

func TestUserActivate(t *testing.T) {
	t.Parallel()
	c := client.New(app(t, started(t)).Pool(t))
	ctx := t.Context()
	ack, err := c.UserCreate(ctx, "alice", "password", client.UserOptions{Pending: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		username, key string
		want          bool
	}{{"alice", "wrong", false}, {"bob", ack, false}, {"alice", ack, true}, {"alice", ack, false}} {
		if activated, err := c.UserActivate(ctx, try.username, try.key); activated != try.want || err != nil {
			t.Errorf("%+v: %v, %v", try, activated, err)
		}
	}
	if login, err := c.Login(ctx, "alice", "password", client.LoginOptions{}); login.Outcome != client.OK || err != nil {
		t.Errorf("Login: %+v, %v", login, err)
	}
	for _, bad := range []string{"\x00", "\xff"} {
		_, err = c.UserActivate(ctx, bad, ack)
		wantErr(t, "username", err, client.ErrInvalid)
		_, err = c.UserActivate(ctx, "alice", bad)
		wantErr(t, "acknowledgement", err, client.ErrInvalid)
	}
}

func TestUserChangePassword(t *testing.T) {
	t.Parallel()
	db := started(t)
	role := app(t, db)
	db.Exec(t, "update pgsession.settings set value = '8' where name = 'password_min'")
	for _, mode := range modes() {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			c := client.New(role.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode }))
			ctx := t.Context()
			username := "user " + mode.String()
			if _, err := c.UserCreate(ctx, username, "first password", client.UserOptions{}); err != nil {
				t.Fatal(err)
			}
			_, keep, err := c.SessionOpen(ctx, client.OpenOptions{Username: username})
			if err != nil {
				t.Fatal(err)
			}
			_, end, err := c.SessionOpen(ctx, client.OpenOptions{Username: username})
			if err != nil {
				t.Fatal(err)
			}
			options := client.PasswordOptions{Keep: &keep.Key, Origin: map[string]string{"address": "192.0.2.1"}}
			if outcome, err := c.UserChangePassword(ctx, username, "wrong", "second password", options); outcome != client.BadCredentials || err != nil {
				t.Errorf("wrong: %q, %v", outcome, err)
			}
			if outcome, err := c.UserChangePassword(ctx, username, "first password", "second password", options); outcome != client.OK || err != nil {
				t.Errorf("right: %q, %v", outcome, err)
			}
			for session, want := range map[client.Key]bool{keep.Key: true, end.Key: false} {
				if _, found, err := c.SessionGet(ctx, session); found != want || err != nil {
					t.Errorf("session: %v, %v; want %v", found, err, want)
				}
			}
			for what, password := range map[string]string{"short": "s3cr3t", "long": strings.Repeat("s3cr3t", 13), "NUL": "s3cr3t\x00", "not UTF-8": "s3cr3t\xff"} {
				_, err := c.UserChangePassword(ctx, username, "second password", password, options)
				wantErr(t, what, err, client.ErrInvalid)
				if strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("%s: the error quotes the password: %v", what, err)
				}
			}
			_, err = c.UserChangePassword(ctx, username, "second password", "third password", client.PasswordOptions{Origin: 1})
			wantErr(t, "origin", err, client.ErrInvalid)
			_, err = c.UserChangePassword(ctx, username, "\x00", "third password", options)
			wantErr(t, "old", err, client.ErrInvalid)
			var outcome client.Outcome
			for range 12 {
				if outcome, err = c.UserChangePassword(ctx, username, "wrong", "third password", client.PasswordOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			if outcome != client.Throttled {
				t.Errorf("after many guesses: %q", outcome)
			}
		})
	}
}

func TestLoginThrottled(t *testing.T) {
	t.Parallel()
	c := client.New(app(t, started(t)).Pool(t))
	var result client.LoginResult
	for range 12 {
		var err error
		if result, err = c.Login(t.Context(), "nobody", "guess", client.LoginOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if result.Outcome != client.Throttled || result.RetryAfter <= 0 {
		t.Errorf("%+v", result)
	}
}

// TestAdministration manages users as their administrator does, and as an application cannot.
func TestAdministration(t *testing.T) {
	t.Parallel()
	db := started(t)
	application := client.New(app(t, db).Pool(t))
	for _, mode := range modes() {
		c := client.New(db.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode }))
		ctx := t.Context()
		for _, name := range []string{"ann", "bob", "cy"} {
			if _, err := c.UserCreate(ctx, name, "password", client.UserOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		token, session, err := c.SessionOpen(ctx, client.OpenOptions{Username: "bob"})
		if err != nil {
			t.Fatal(err)
		}

		users, err := c.UserList(ctx, "", 0)
		if err != nil || len(users) != 3 || users[0] != mustUser(t, c, "ann") {
			t.Errorf("%s: UserList: %+v, %v", mode, users, err)
		}
		users, err = c.UserList(ctx, "ann", 1)
		if err != nil || len(users) != 1 || users[0].Username != "bob" {
			t.Errorf("%s: a page: %+v, %v", mode, users, err)
		}
		_, err = c.UserList(ctx, "", -1)
		wantErr(t, "a negative limit", err, client.ErrInvalid)

		did := func(what string, want bool) func(bool, error) {
			return func(got bool, err error) {
				t.Helper()
				if got != want || err != nil {
					t.Errorf("%s: %s: %v, %v", mode, what, got, err)
				}
			}
		}
		explains := func(token, want string) {
			t.Helper()
			if text, err := c.SessionExplain(ctx, token); !strings.HasPrefix(text, want) || err != nil {
				t.Errorf("%s: SessionExplain: %q, %v", mode, text, err)
			}
		}
		did("UserRename", true)(c.UserRename(ctx, "bob", "robert"))
		did("UserRename", false)(c.UserRename(ctx, "bob", "bert"))
		_, err = c.UserRename(ctx, "ann", "robert")
		wantErr(t, "a name that is taken", err, client.ErrExists)
		if s, found, err := c.SessionGet(ctx, session.Key); !found || err != nil || s.Username != "robert" {
			t.Errorf("%s: the session of a renamed user: %+v, %v", mode, s, err)
		}
		explains(token.Reveal(), "accepted: session ")
		did("UserDisable", true)(c.UserDisable(ctx, "robert"))
		did("UserDisable", false)(c.UserDisable(ctx, "bob"))
		explains(token.Reveal(), "ended: session ")
		explains("no token", "malformed: ")
		login, err := c.Login(ctx, "robert", "password", client.LoginOptions{})
		if login.Outcome != client.Disabled || err != nil {
			t.Errorf("%s: Login: %+v, %v", mode, login, err)
		}
		did("UserEnable", true)(c.UserEnable(ctx, "robert"))
		did("UserEnable", false)(c.UserEnable(ctx, "bob"))

		for name, call := range map[string]func(*client.Client) error{
			"user_list":       func(c *client.Client) error { _, err := c.UserList(ctx, "", 0); return err },
			"user_rename":     func(c *client.Client) error { _, err := c.UserRename(ctx, "ann", "eve"); return err },
			"user_disable":    func(c *client.Client) error { _, err := c.UserDisable(ctx, "ann"); return err },
			"user_enable":     func(c *client.Client) error { _, err := c.UserEnable(ctx, "ann"); return err },
			"session_explain": func(c *client.Client) error { _, err := c.SessionExplain(ctx, token.Reveal()); return err },
		} {
			err := call(application)
			var pgErr *pgconn.PgError
			if !errors.As(err, &pgErr) || pgErr.Code != "42501" || !strings.Contains(err.Error(), name) {
				t.Errorf("%s by an application: %v", name, err)
			}
		}
		for _, bad := range []string{"\x00", "\xff"} {
			for what, call := range map[string]func() error{
				"UserList":       func() error { _, err := c.UserList(ctx, bad, 0); return err },
				"UserRename":     func() error { _, err := c.UserRename(ctx, "ann", bad); return err },
				"UserDisable":    func() error { _, err := c.UserDisable(ctx, bad); return err },
				"UserEnable":     func() error { _, err := c.UserEnable(ctx, bad); return err },
				"SessionExplain": func() error { _, err := c.SessionExplain(ctx, bad); return err },
			} {
				wantErr(t, what, call(), client.ErrInvalid)
			}
		}
		users, err = c.UserList(ctx, "", 10)
		var names []string
		for _, user := range users {
			names = append(names, user.Username+" "+user.Status)
		}
		if err != nil || !slices.Equal(names, []string{"ann active", "cy active", "robert active"}) {
			t.Errorf("%s: %v, %v", mode, names, err)
		}
		for _, user := range users {
			did("UserDelete", true)(c.UserDelete(ctx, user.Username))
		}
	}
}
