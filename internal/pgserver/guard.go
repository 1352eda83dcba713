package pgserver

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

//go:embed guard.sh
var guardScript string

// guard is the process that cleans up when we cannot: it outlives us by as long as that takes.
type guard struct {
	cmd    *exec.Cmd
	dirs   []string
	pipe   *os.File // its end is what the guard waits for
	exited chan struct{}
	err    error // what the guard ended with; to be read after exited
}

// startGuard has dirs, which need not exist yet, removed once this process ends, however it does, or calls
// [guard.release]. The server's data is the folder data in the first of them.
func startGuard(dirs ...string) (*guard, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	// Its output goes nowhere: an inherited standard output would keep open the pipes of whoever waits for ours to end.
	cmd := exec.Command("/bin/sh", append([]string{"-c", guardScript, "pgsession-guard"}, dirs...)...) //nolint:gosec,noctx // must outlive every context
	cmd.Stdin, cmd.Dir = read, "/"
	cmd.SysProcAttr = guardAttr()
	err = cmd.Start()
	_ = read.Close()
	if err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("guard: %w", err)
	}
	g := &guard{cmd: cmd, dirs: dirs, pipe: write, exited: make(chan struct{})}
	go g.wait()
	return g, nil
}

// wait also keeps g, and with it the pipe, reachable: closed by the garbage collector, it would end the server.
func (g *guard) wait() {
	g.err = g.cmd.Wait()
	_ = g.pipe.Close()
	close(g.exited)
}

// release lets the guard do its work and waits for it.
func (g *guard) release(ctx context.Context) error {
	if err := g.pipe.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("guard: %w", err)
	}
	select {
	case <-g.exited:
	case <-ctx.Done():
		return fmt.Errorf("guard: still cleaning up: %w", ctx.Err())
	}
	// Usually nothing is left to do. If somebody has killed the guard, everything is.
	for _, dir := range g.dirs {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("guard: %w", errors.Join(err, g.err))
		}
	}
	return nil
}
