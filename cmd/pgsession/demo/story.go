package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pgsession/pgsession/internal/console"
)

// The passwords of the demo's users. They are no secrets: they live on a throwaway server.
const (
	annasPassword    = "correct horse"
	bertsPassword    = "battery staple"
	bertsNewPassword = "purple monkey"
)

// story is what is told around the load. Every answer in it goes into the ledger too.
type story struct {
	stage   *stage
	say     *console.Console
	ledger  *ledger
	visitor *visitor

	anna, bert, laptop, phone *subject // sessions; anna has three: her own, a laptop's and a phone's
	revokeWait                time.Duration
	broken                    []error // what did not happen as it had to
}

// tell plays all acts. An error is a failure to go on; what is merely not as promised goes to s.broken.
func (s *story) tell(ctx context.Context) error {
	for _, act := range []func(context.Context) error{
		s.logIn, s.readEverywhere, s.changeHere, s.deleteBySQL, s.changePasswordBySQL,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fault notes what did not happen as it had to, and says so.
func (s *story) fault(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	s.broken = append(s.broken, err)
	s.say.Say("NOT AS PROMISED: %v", err)
}

// exec runs SQL as a person with psql would, and shows it.
func (s *story) exec(ctx context.Context, sql string, args ...any) error {
	shown := sql
	for i, arg := range args {
		text := fmt.Sprint(arg)
		if _, number := arg.(int64); !number {
			text = "'" + text + "'"
		}
		shown = strings.ReplaceAll(shown, fmt.Sprintf("$%d", i+1), text)
	}
	s.say.Typed("sql>", "%s", shown)
	if _, err := s.stage.pool.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

func (s *story) process(n int) *instance { return s.stage.instances[n-1] }

func (s *story) logIn(ctx context.Context) error {
	s.say.Step("Users register and log in")
	for _, user := range []struct{ name, password string }{{"anna", annasPassword}, {"bert", bertsPassword}} {
		if err := s.exec(ctx, "select pgsession.user_create($1, $2)", user.name, user.password); err != nil {
			return err
		}
	}
	_, wrong, err := s.visitor.login(ctx, s.ledger, s.process(1), "anna", "guess")
	if err != nil {
		return err
	}
	s.say.Typed("http>", "POST /v1/login {anna, guess}  → %d %s", wrong.status, wrong.Error.Code)
	if wrong.status != http.StatusUnauthorized {
		s.fault("a login with a wrong password was answered with status %d", wrong.status)
	}
	for _, login := range []struct {
		session        **subject
		process        int
		name, password string
	}{
		{&s.anna, 1, "anna", annasPassword}, {&s.laptop, 2, "anna", annasPassword}, {&s.phone, 3, "anna", annasPassword},
		{&s.bert, 2, "bert", bertsPassword},
	} {
		began := time.Now()
		session, answer, err := s.visitor.login(ctx, s.ledger, s.process(login.process), login.name, login.password)
		if err != nil {
			return err
		}
		if session == nil {
			return unexpected(http.MethodPost, "/v1/login", s.process(login.process), answer)
		}
		*login.session = session
		s.say.Typed("http>", "POST /v1/login {%s, …} at process %d  → 200, a token of %d characters, after %s", login.name, login.process, len(session.token), seconds(time.Since(began)))
	}
	s.say.Say("A login is slow on purpose: bcrypt. The database stores the SHA-256 of a token, never the token.")
	return nil
}

func (s *story) readEverywhere(ctx context.Context) error {
	s.say.Step("A session is read: first from the database, then from memory")
	for _, i := range s.stage.instances {
		var first time.Duration
		for try := 1; ; try++ {
			r, err := s.visitor.read(ctx, s.ledger, i, s.anna)
			if err != nil {
				return err
			}
			s.ledger.add(r)
			if try == 1 {
				first = r.got - r.sent
			}
			if r.hit {
				s.say.Typed("http>", "GET /v1/session at process %d  → from the database in %s, then from memory in %s", i.number, seconds(first), seconds(r.got-r.sent))
				break
			}
			if try == 20 {
				s.fault("process %d does not serve the session from memory", i.number)
				break
			}
		}
	}
	return nil
}

func (s *story) changeHere(ctx context.Context) error {
	s.say.Step("It is changed at one process, and read at the others")
	patch := json.RawMessage(`{"cart": ["tea", "biscuits"]}`)
	c, ok, err := s.visitor.merge(ctx, s.ledger, s.process(1), s.anna, patch)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("a session ended by itself")
	}
	s.say.Typed("http>", "PATCH /v1/session %s at process 1  → 200, version %d", patch, c.version)
	return s.await(ctx, s.anna, c.version, c.at)
}

func (s *story) deleteBySQL(ctx context.Context) error {
	s.say.Step("A DBA ends a session with a plain DELETE")
	if err := s.cacheEverywhere(ctx, s.laptop); err != nil {
		return err
	}
	s.laptop.willEnd(s.ledger.now())
	if err := s.exec(ctx, "delete from pgsession.sessions where id = $1", s.laptop.id); err != nil {
		return err
	}
	at := s.ledger.now()
	s.laptop.hasEnded(at)
	return s.await(ctx, s.laptop, ended, at)
}

func (s *story) changePasswordBySQL(ctx context.Context) error {
	s.say.Step("A password is changed with a plain UPDATE: the sessions opened with the old one end")
	if err := s.cacheEverywhere(ctx, s.bert); err != nil {
		return err
	}
	s.bert.willEnd(s.ledger.now())
	err := s.exec(ctx, "update pgsession.users set cryptpasswd = pgsession.crypt($1, pgsession.gen_salt('bf', 12)) where username = 'bert'", bertsNewPassword)
	if err != nil {
		return err
	}
	at := s.ledger.now()
	s.bert.hasEnded(at)
	if err := s.await(ctx, s.bert, ended, at); err != nil {
		return err
	}
	for _, try := range []struct {
		password, which string
		status          int
	}{{bertsPassword, "the old password", http.StatusUnauthorized}, {bertsNewPassword, "the new password", http.StatusOK}} {
		_, answer, err := s.visitor.login(ctx, s.ledger, s.process(3), "bert", try.password)
		if err != nil {
			return err
		}
		s.say.Typed("http>", "POST /v1/login {bert, %s}  → %d %s", try.which, answer.status, answer.Error.Code)
		if answer.status != try.status {
			s.fault("a login with %s was answered with status %d", try.which, answer.status)
		}
	}
	return nil
}

// revokeAndWait is told last: in an epoch younger than the lease, the register of processes is not
// relied on, and the wait is for the lease in full.
func (s *story) revokeAndWait(ctx context.Context) error {
	s.say.Step("A session is revoked, and the answer waits until no process can serve it any more")
	if err := s.cacheEverywhere(ctx, s.phone); err != nil {
		return err
	}
	began := time.Now()
	if err := s.visitor.end(ctx, s.ledger, s.process(1), s.phone, true); err != nil {
		return err
	}
	s.revokeWait = time.Since(began)
	s.say.Typed("http>", "DELETE /v1/session?wait=true at process 1  → 204 after %s", seconds(s.revokeWait))
	s.say.Say("By then every process has reported that it has forgotten it. A dead one would have cost the lease: %s.", seconds(s.stage.lease))
	for _, i := range s.stage.instances {
		r, err := s.visitor.read(ctx, s.ledger, i, s.phone)
		if err != nil {
			return err
		}
		s.ledger.add(r)
		if r.version != ended {
			s.fault("process %d served a session after its revocation had been waited for", i.number)
			continue
		}
		s.say.Typed("http>", "GET /v1/session at process %d  → 401", i.number)
	}
	return nil
}

// cacheEverywhere has every process hold a session in memory.
func (s *story) cacheEverywhere(ctx context.Context, session *subject) error {
	for _, i := range s.stage.instances {
		for range 2 {
			r, err := s.visitor.read(ctx, s.ledger, i, session)
			if err != nil {
				return err
			}
			s.ledger.add(r)
		}
	}
	return nil
}

// await reads a session at every process until each answers with the version, and says how long after its acknowledgement that
// was. It gives up when the lease would have run out too.
func (s *story) await(ctx context.Context, session *subject, version int64, at time.Duration) error {
	type outcome struct {
		took time.Duration
		err  error
	}
	outcomes := make([]outcome, len(s.stage.instances))
	limit := s.stage.lease + time.Second
	var watchers sync.WaitGroup
	for n, i := range s.stage.instances {
		watchers.Go(func() {
			outcomes[n].took, outcomes[n].err = s.visitor.watch(ctx, s.ledger, i, session, version, at, limit)
		})
	}
	watchers.Wait()
	what := fmt.Sprintf("200, version %d", version)
	if version == ended {
		what = "401"
	}
	for n, i := range s.stage.instances {
		switch o := outcomes[n]; {
		case errors.Is(o.err, errTooLong):
			s.fault("process %d still serves an older version %s after the change", i.number, seconds(o.took))
		case o.err != nil:
			return o.err
		default:
			s.say.Typed("http>", "GET /v1/session at process %d  → %s, answered %s after the change", i.number, what, seconds(o.took))
		}
	}
	return nil
}

// errTooLong is the error of a watch that gave up.
var errTooLong = errors.New("not seen in time")

// watch reads a session at a process until it answers with a version, or a newer one, and returns how long after the version's
// acknowledgement the answer came.
func (v *visitor) watch(ctx context.Context, l *ledger, i *instance, s *subject, version int64, at, limit time.Duration) (time.Duration, error) {
	var readings []reading
	defer func() { l.add(readings...) }()
	for {
		r, err := v.read(ctx, l, i, s)
		if err != nil {
			return 0, err
		}
		readings = append(readings, r)
		took := r.got - at
		if r.version >= version {
			return took, nil
		}
		if took > limit {
			return took, errTooLong
		}
	}
}
