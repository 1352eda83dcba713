package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// visitor speaks to the processes as any HTTP client does. It is safe for concurrent use.
type visitor struct {
	client *http.Client
}

func newVisitor() *visitor {
	transport := &http.Transport{MaxIdleConnsPerHost: 64} // and no proxy: the processes are on this machine
	return &visitor{client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

func (v *visitor) close() { v.client.CloseIdleConnections() }

// reply is a process's answer.
type reply struct {
	status  int
	ID      int64
	Version int64
	Payload json.RawMessage
	Source  string
	Token   string
	Session struct{ ID, Version int64 }
	Error   struct{ Code, Message string }
}

// ask makes a request. An error means that there was no answer.
func (v *visitor) ask(ctx context.Context, i *instance, method, path, token string, body any) (reply, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return reply{}, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, i.url+path, bytes.NewReader(text))
	if err != nil {
		return reply{}, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := v.client.Do(request)
	if err != nil {
		return reply{}, v.unanswered(ctx, i, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, v.unanswered(ctx, i, err)
	}
	r := reply{status: response.StatusCode}
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &r); err != nil {
			return reply{}, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	return r, nil
}

func (v *visitor) unanswered(ctx context.Context, i *instance, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w; %s", err, i.failure())
}

// unexpected is an answer of another status than the one that had to come.
func unexpected(method, path string, i *instance, r reply) error {
	return fmt.Errorf("%s %s at process %d: status %d %s %s", method, path, i.number, r.status, r.Error.Code, r.Error.Message)
}

// read reads a session and returns what has to be noted of it.
func (v *visitor) read(ctx context.Context, l *ledger, i *instance, s *subject) (reading, error) {
	r := reading{subject: s, process: i.number, sent: l.now()}
	answer, err := v.ask(ctx, i, http.MethodGet, "/v1/session", s.token, nil)
	r.got = l.now()
	switch {
	case err != nil:
		return r, err
	case answer.status == http.StatusUnauthorized:
		r.version = ended
	case answer.status == http.StatusOK:
		r.version, r.hit, r.digest = answer.Version, answer.Source == "cache", l.digest(answer.Payload)
	default:
		return r, unexpected(http.MethodGet, "/v1/session", i, answer)
	}
	return r, nil
}

// merge changes a session's payload. A session that has ended meanwhile is left as it is, and false returned.
func (v *visitor) merge(ctx context.Context, l *ledger, i *instance, s *subject, patch any) (change, bool, error) {
	answer, err := v.ask(ctx, i, http.MethodPatch, "/v1/session", s.token, patch)
	at := l.now()
	switch {
	case err != nil:
		return change{}, false, err
	case answer.status == http.StatusUnauthorized:
		return change{}, false, nil
	case answer.status != http.StatusOK:
		return change{}, false, unexpected(http.MethodPatch, "/v1/session", i, answer)
	}
	c := change{version: answer.Version, at: at, digest: l.digest(answer.Payload)}
	s.changed(c.version, c.at, c.digest)
	return c, true, nil
}

// end ends a session, and with wait returns only once no process can serve it.
func (v *visitor) end(ctx context.Context, l *ledger, i *instance, s *subject, wait bool) error {
	path := "/v1/session"
	if wait {
		path += "?wait=true"
	}
	s.willEnd(l.now())
	answer, err := v.ask(ctx, i, http.MethodDelete, path, s.token, nil)
	if err != nil {
		return err
	}
	if answer.status != http.StatusNoContent {
		return unexpected(http.MethodDelete, path, i, answer)
	}
	s.hasEnded(l.now())
	return nil
}

// login opens a session with a username and a password.
func (v *visitor) login(ctx context.Context, l *ledger, i *instance, username, password string) (*subject, reply, error) {
	answer, err := v.ask(ctx, i, http.MethodPost, "/v1/login", "",
		map[string]any{"username": username, "password": password, "expiresecs": 1800})
	if err != nil || answer.status != http.StatusOK {
		return nil, answer, err
	}
	s := &subject{token: answer.Token, id: answer.Session.ID, user: username}
	s.changed(answer.Session.Version, l.now(), 0)
	return s, answer, nil
}
