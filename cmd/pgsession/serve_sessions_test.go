package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pgsession/pgsession/internal/pgtest"
)

func TestServeAUsersSessions(t *testing.T) {
	t.Parallel()
	db := newUser(t)
	db.Exec(t, "select pgsession.user_create('bob', 'secret')")
	one, two := startServing(t, db, "--trusted-proxy", "127.0.0.1,::1"), startServing(t, db)
	mine := one.login(t, "")
	phone := one.ask("POST", "/v1/login", "", `{"username": "anna", "password": "secret"}`, "User-Agent", "Phone", "X-Forwarded-For", "203.0.113.9").Token
	bobs := one.ask("POST", "/v1/login", "", `{"username": "bob", "password": "secret"}`)

	list := two.ask("GET", "/v1/sessions", mine, "")
	if list.status != 200 || len(list.Sessions) != 2 || list.Sessions[0].Current || !list.Sessions[1].Current {
		t.Fatalf("list: %+v", list)
	}
	if got := list.Sessions[0].Origin; got.Agent != "Phone" || got.Address != "203.0.113.9" {
		t.Errorf("the phone's origin: %+v", got)
	}
	if got := list.Sessions[1].Origin; got.Address != "127.0.0.1" {
		t.Errorf("the own origin: %+v", got)
	}

	// The processes hold all of them in memory, and are asked to end them and to wait.
	reads := func(token string, status int) {
		t.Helper()
		for _, p := range []*process{one, two} {
			if a := p.ask("GET", "/v1/session", token, ""); a.status != status {
				t.Errorf("%s: %+v, wanted %d", p.url, a, status)
			}
		}
	}
	reads(phone, 200)
	reads(bobs.Token, 200)
	if a := two.ask("DELETE", fmt.Sprintf("/v1/sessions/%d?wait=true", bobs.Session.ID), mine, ""); a.status != 204 {
		t.Errorf("ending Bob's: %+v", a)
	}
	reads(bobs.Token, 200)
	if a := two.ask("DELETE", fmt.Sprintf("/v1/sessions/%d?wait=true", list.Sessions[0].ID), mine, ""); a.status != 204 {
		t.Errorf("ending the phone's: %+v", a)
	}
	reads(phone, 401)

	other := two.login(t, "")
	reads(other, 200)
	if a := one.ask("DELETE", "/v1/sessions?wait=true", mine, ""); a.status != 204 {
		t.Errorf("ending the others: %+v", a)
	}
	reads(other, 401)
	reads(mine, 200)
	if a := one.ask("DELETE", fmt.Sprintf("/v1/sessions/%d?wait=true", list.Sessions[1].ID), mine, ""); a.status != 204 {
		t.Errorf("ending the own: %+v", a)
	}
	reads(mine, 401)
	reads(bobs.Token, 200)
}

func TestServeAnAnonymousSessionsList(t *testing.T) {
	t.Parallel()
	db := newUser(t)
	p := startServing(t, db)
	var token string
	if err := db.Conn(t).QueryRow(t.Context(), "select token from pgsession.session_open()").Scan(&token); err != nil {
		t.Fatal(err)
	}
	list := p.ask("GET", "/v1/sessions", token, "")
	if list.status != 200 || len(list.Sessions) != 1 || !list.Sessions[0].Current {
		t.Fatalf("list: %+v", list)
	}
	if a := p.ask("DELETE", "/v1/sessions", token, ""); a.status != 204 {
		t.Errorf("ending the others: %+v", a)
	}
	if a := p.ask("DELETE", fmt.Sprintf("/v1/sessions/%d", list.Sessions[0].ID), token, ""); a.status != 204 {
		t.Errorf("ending it: %+v", a)
	}
	if a := p.ask("GET", "/v1/session", token, ""); a.status != 401 {
		t.Errorf("after its end: %+v", a)
	}
}

// Several clients count in one session, each changing only what it has seen: no count is lost, on whichever process.
func TestServeConditionalMergesLoseNothing(t *testing.T) {
	t.Parallel()
	db := newUser(t)
	processes := []*process{startServing(t, db), startServing(t, db)}
	token := processes[0].login(t, "")
	const clients, each = 4, 5
	var done sync.WaitGroup
	conflicts := make([]int, clients)
	for client := range clients {
		done.Go(func() {
			p := processes[client%2]
			for counted := 0; counted < each; {
				seen := p.ask("GET", "/v1/session", token, "")
				var n int
				_, _ = fmt.Sscanf(string(seen.Payload), `{"n":%d}`, &n)
				a := p.ask("PATCH", "/v1/session", token, fmt.Sprintf(`{"n": %d}`, n+1), "If-Match", seen.etag)
				switch {
				case a.status == 200:
					counted++
				case a.status == 412 && a.Error.Code == "precondition_failed":
					conflicts[client]++
				default:
					t.Errorf("%+v", a)
					return
				}
			}
		})
	}
	done.Wait()
	last := processes[0].ask("PATCH", "/v1/session", token, `{}`)
	if want := fmt.Sprintf(`{"n":%d}`, clients*each); string(last.Payload) != want {
		t.Errorf("counted %s, wanted %s (conflicts: %v)", last.Payload, want, conflicts)
	}
	if a := processes[1].ask("GET", "/v1/session", token, "", "If-None-Match", last.etag); a.status != 304 && a.status != 200 {
		t.Errorf("read again: %+v", a)
	}
}

// A conditional merge is done by this program, an unconditional one by the database: they do the same.
func TestServeMergesAlike(t *testing.T) {
	t.Parallel()
	db := newUser(t)
	p := startServing(t, db)
	const target = `{"a": {"b": 1, "c": [1, {"d": null}]}, "e": "x", "n": 12345678901234567890.10}`
	deep := func(depth int) string {
		return `{"leaf": "` + strings.Repeat("x", 600) + `", "a":` + strings.Repeat(`{"a":`, depth) + `1` + strings.Repeat("}", depth+1)
	}
	for _, patch := range []string{
		`{}`, `{"a": null}`, `{"a": {"b": null}}`, `{"a": {"c": {"d": 1}}}`, `{"a": [null]}`, `{"e": {"f": null, "g": {"h": null}}}`,
		`{"e": 1, "e": 2}`, `{"z": "<&>\u2028 \u00e4 \ud83d\ude00"}`, `{"n": 1.50}`, `{"z": 1e400}`, `{"z": "\u0000"}`, `{"z": 1e1000000}`,
		`[]`, `null`, `1`, deep(99), deep(100), `{"z": "` + strings.Repeat("x", 70000) + `"}`,
	} {
		var answers [2]answer
		for i := range answers {
			token := p.login(t, "")
			seen := p.ask("PATCH", "/v1/session", token, target)
			var headers []string
			if i == 1 {
				headers = []string{"If-Match", seen.etag}
			}
			answers[i] = p.ask("PATCH", "/v1/session", token, patch, headers...)
		}
		if a, b := answers[0], answers[1]; a.status == 0 || a.status != b.status || string(a.Payload) != string(b.Payload) || a.Version != b.Version || a.Error != b.Error {
			t.Errorf("%.60s:\nunconditionally %d %.200s %+v\nconditionally   %d %.200s %+v", patch, a.status, a.Payload, a.Error, b.status, b.Payload, b.Error)
		}
	}
}

func TestServeRefusesWhatIsNoProxy(t *testing.T) {
	noDatabase(t)
	got := runCommand(t, "serve", "--listen", "127.0.0.1:0", "--trusted-proxy", "example.com", "--dsn", pgtest.New(t).DSN())
	if got.status != 2 || !strings.Contains(got.err, `--trusted-proxy: "example.com"`) {
		t.Errorf("%+v", got)
	}
}
