package client_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/client"
)

func TestSessionScan(t *testing.T) {
	t.Parallel()
	db := started(t)
	for _, mode := range modes() {
		c := client.New(db.Conn(t, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode }))
		var opened []client.Session
		for range 3 {
			_, session, err := c.SessionOpen(t.Context(), client.OpenOptions{Payload: map[string]string{"mode": mode.String()}})
			if err != nil {
				t.Fatal(err)
			}
			opened = append(opened, session)
		}
		for _, limit := range []int{0, 2} {
			scanned, err := c.SessionScan(t.Context(), opened[0].ID, limit)
			if err != nil || len(scanned) != 2 {
				t.Fatalf("%s: %d sessions, %v", mode, len(scanned), err)
			}
			for i, session := range scanned {
				want := opened[1+i]
				if session.ID != want.ID || session.Key != want.Key || session.Payload != want.Payload || session.Floor() != want.Floor() {
					t.Errorf("%s: scanned %+v, opened %+v", mode, session, want)
				}
			}
		}
	}
	c := client.New(db.Conn(t))
	_, err := c.SessionScan(t.Context(), 0, -1)
	wantErr(t, "a negative limit", err, client.ErrInvalid)
	if _, err := client.New(app(t, db).Conn(t)).SessionScan(t.Context(), 0, 0); err == nil {
		t.Error("an application may read everybody's sessions")
	}
}
