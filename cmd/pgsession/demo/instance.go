package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// instance is one "pgsession serve" process. It ends when its standard input does, and so with us, whatever we die of.
type instance struct {
	number int
	url    string
	cmd    *exec.Cmd
	stdin  io.Closer
	log    *tail
	ended  chan struct{}
}

// startInstance starts a process and returns once it says where it listens.
func startInstance(ctx context.Context, number int, o Options, dsn string) (*instance, error) {
	i := &instance{number: number, log: &tail{}, ended: make(chan struct{})}
	i.cmd = exec.CommandContext(context.WithoutCancel(ctx), //nolint:gosec // it is this program; and it is asked to stop before it is killed
		o.Executable, "serve", "--listen", "127.0.0.1:0", "--schema", "pgsession", "--until-eof", "--json", "--log-level", "warn")
	// In the environment, because anybody can list a process's arguments. This DSN holds no password, but shows how it is done.
	i.cmd.Env = append(withoutDatabase(o.Environ), "DATABASE_URL="+dsn)
	i.cmd.Stderr = i.log
	stdin, err := i.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	i.stdin = stdin
	stdout, err := i.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := i.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start process %d: %w", number, err)
	}
	said := make(chan string, 1)
	go func() {
		defer close(i.ended)
		out := bufio.NewReader(stdout)
		line, _ := out.ReadString('\n') // without a line there is nothing in it
		said <- line
		_, _ = io.Copy(io.Discard, out)
		_ = i.cmd.Wait() // how it ended shows in its log
	}()
	select {
	case line := <-said:
		var announced struct{ URL string }
		if json.Unmarshal([]byte(line), &announced) != nil || announced.URL == "" {
			i.kill()
			return nil, fmt.Errorf("process %d did not start: %s", number, i.log)
		}
		i.url = announced.URL
		return i, nil
	case <-ctx.Done():
		i.kill()
		return nil, ctx.Err()
	}
}

// withoutDatabase leaves out of an environment what names a database or changes how one is spoken to.
func withoutDatabase(environ []string) []string {
	var kept []string
	for _, variable := range environ {
		postgres := strings.HasPrefix(variable, "PG") && !strings.HasPrefix(variable, "PGSESSION_")
		if !postgres && !strings.HasPrefix(variable, "DATABASE_URL=") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// askToStop has the process finish what it has begun and end.
func (i *instance) askToStop() { _ = i.stdin.Close() }

// waitOrKill waits until the process has ended, by force if ctx ends first.
func (i *instance) waitOrKill(ctx context.Context) {
	select {
	case <-i.ended:
	case <-ctx.Done():
		i.kill()
	}
}

func (i *instance) kill() {
	_ = i.cmd.Process.Kill() // fails if it has ended
	<-i.ended
}

// failure tells why a process does not answer: it has ended, and what it logged.
func (i *instance) failure() string {
	state := "runs"
	select {
	case <-i.ended:
		state = "has ended"
	default:
	}
	return "process " + strconv.Itoa(i.number) + " " + state + "; its log: " + i.log.String()
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 4 << 10

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) == 0 {
		return "(empty)"
	}
	return strings.TrimSpace(string(t.text))
}
