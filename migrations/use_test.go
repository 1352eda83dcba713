package migrations_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

// An upgrade of a database in use must neither fail nor make others fail: whoever changes users and sessions takes the same locks.
func TestUpWhileInUse(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	conn := db.Conn(t)
	mustUp(t, conn, migrations.Options{})
	exec(t, conn, "insert into pgsession.settings values ('bcrypt_cost', '4'); select pgsession.user_create('anna', 'secret secret')")
	var stop atomic.Bool
	var users sync.WaitGroup
	for range 2 {
		other := db.Conn(t)
		users.Go(func() {
			for !stop.Load() {
				for _, sql := range []string{
					"select pgsession.login('anna', 'secret secret')",
					"select pgsession.user_set_password('anna', 'secret secret')",
					"update pgsession.users set status = 'disabled' where username = 'anna'",
					"update pgsession.users set status = 'active' where username = 'anna'",
				} {
					if _, err := other.Exec(t.Context(), sql); err != nil {
						t.Errorf("%s: %v", sql, err)
						return
					}
				}
			}
		})
	}
	for range 5 {
		if _, err := migrations.Up(t.Context(), conn, migrations.Options{}); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	users.Wait()
}

func TestUpWaitsForATableInUse(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	conn := db.Conn(t)
	mustUp(t, conn, migrations.Options{})
	tx, err := db.Conn(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "update pgsession.users set payload = payload"); err != nil {
		t.Fatal(err)
	}
	var waits []string
	_, err = migrations.Up(t.Context(), conn, migrations.Options{OnStep: func(s migrations.Step) {
		if s.Action == migrations.ActionWait {
			waits = append(waits, s.String())
			if err := tx.Rollback(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}})
	if err != nil || len(waits) != 1 || waits[0] != "waiting for a table that is in use" {
		t.Errorf("error: %v, after %q", err, waits)
	}
}
