package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// errRuns is returned where a server would have to be stopped first.
var errRuns = errors.New("the server runs")

// saved is where [Server.SaveData] keeps its copy: with the rest, so that it is removed with it.
func (l layout) saved() string { return l.data() + ".saved" }

// SaveData copies the data directory of a server that has been stopped: a cold backup, which replaces an earlier one.
func (s *Server) SaveData(ctx context.Context) error {
	return s.cold("save data", func() error {
		if err := os.RemoveAll(s.layout.saved()); err != nil {
			return err
		}
		cmd := exec.Command("/bin/cp", "-a", s.layout.data(), s.layout.saved()) //nolint:gosec,noctx // our own paths; it ends by itself, or with ctx below
		cmd.Stderr = s.log
		p, err := startProcess(cmd, s.who)
		if err != nil {
			return err
		}
		select {
		case <-p.exited:
			return p.err
		case <-ctx.Done():
			return errors.Join(ctx.Err(), p.end(context.WithoutCancel(ctx), syscall.SIGKILL))
		}
	})
}

// PutBack replaces the data directory of a server that has been stopped by the copy that SaveData made, as one does
// after a disaster: whatever was committed since is gone.
func (s *Server) PutBack(context.Context) error {
	return s.cold("put data back", func() error {
		if err := os.RemoveAll(s.layout.data()); err != nil {
			return err
		}
		return os.Rename(s.layout.saved(), s.layout.data())
	})
}

func (s *Server) cold(what string, do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	err := errRuns
	if s.process == nil || s.process.hasExited() {
		err = do()
	}
	if err != nil {
		return fmt.Errorf("throwaway PostgreSQL: %s: %w", what, err)
	}
	return nil
}
