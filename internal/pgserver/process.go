package pgserver

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// process is a program of the server's with all that it has started in turn.
type process struct {
	cmd *exec.Cmd
	// exited is closed once the program, and every process that it left behind, has ended.
	exited chan struct{}
	err    error // what it ended with; to be read after exited
}

// startProcess starts cmd as who. A goroutine belongs to the process until it has exited: its thread must not end
// earlier, or the kernel takes the parent for dead (see endWithParent).
func startProcess(cmd *exec.Cmd, who *account) (*process, error) {
	cmd.SysProcAttr = childAttr(who)
	endWithParent(cmd.SysProcAttr)
	// Every process of the server inherits the pipe's other end, and none closes it: at its end all have gone, also
	// the backends that outlive a killed postmaster for a moment.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.ExtraFiles = []*os.File{write}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer func() { _ = read.Close() }()
		err := cmd.Start()
		_ = write.Close()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		_, _ = io.Copy(io.Discard, read)
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// hasExited reports whether nothing of the process is left.
func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// end sends a signal and waits until nothing of the process is left, or ctx ends.
func (p *process) end(ctx context.Context, sig syscall.Signal) error {
	// A process that has ended already may have left others, so there is still something to wait for.
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
