//go:build unix

package chaos

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// process is a worker as the runner sees it. It ends when its standard input does, and so with us, whatever we die of:
// also while it is suspended, because the kernel wakes a process group that has lost its parent.
type process struct {
	number int
	cmd    *exec.Cmd
	stdin  io.Closer
	log    bytes.Buffer // read only after ended
	ended  chan struct{}

	mu     sync.Mutex
	orders *gob.Encoder
	ready  chan struct{} // closed with the first report that says so
	said   string
	stats  health
}

// startProcess starts a worker that hands its reports to a ledger.
func startProcess(number int, executable string, env []string, a assignment, l *ledger) (*process, error) {
	p := &process{number: number, ended: make(chan struct{}), ready: make(chan struct{})}
	p.cmd = exec.Command(executable) //nolint:noctx // this program, which ends with its input
	p.cmd.Env = append(withoutDatabase(os.Environ()), env...)
	p.cmd.Stderr = &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // out of reach of a Ctrl-C that is meant for us
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start worker %d: %w", number, err)
	}
	p.stdin, p.orders = stdin, gob.NewEncoder(stdin)
	go p.listen(stdout, l)
	return p, p.orders.Encode(a)
}

// withoutDatabase leaves out of an environment what names a database or changes how one is spoken to.
func withoutDatabase(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		return strings.HasPrefix(v, "PG") || strings.HasPrefix(v, "DATABASE_URL=")
	})
}

// listen takes reports until the worker ends.
func (p *process) listen(stdout io.Reader, l *ledger) {
	defer close(p.ended)
	reports := gob.NewDecoder(stdout)
	for ready := false; ; {
		var r report
		if reports.Decode(&r) != nil {
			break
		}
		l.took(p.number, r)
		p.mu.Lock()
		p.stats = r.Stats
		if r.Error != "" {
			p.said = r.Error
		}
		p.mu.Unlock()
		if r.Ready && !ready {
			ready = true
			close(p.ready)
		}
	}
	_ = p.cmd.Wait() // how it ended shows in its log
}

// await waits until the worker's cache is open.
func (p *process) await(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	case <-p.ended:
		return fmt.Errorf("worker %d has ended: %s %s", p.number, p.error(), p.log.String())
	case <-ctx.Done():
		return fmt.Errorf("worker %d is not ready: %w", p.number, ctx.Err())
	}
}

func (p *process) error() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said
}

func (p *process) health() health {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// order tells the worker what to do. One that does not listen any more has ended, which shows elsewhere.
func (p *process) order(o order) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.orders.Encode(o)
}

// alive reports an error if the worker has ended.
func (p *process) alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("worker %d has ended by itself: %s %s", p.number, p.error(), p.log.String())
	default:
		return nil
	}
}

// end lets the worker report what it has and end, by force if ctx ends first.
func (p *process) end(ctx context.Context) error {
	_ = p.stdin.Close()
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		err := p.cmd.Process.Kill()
		<-p.ended
		if errors.Is(err, os.ErrProcessDone) {
			err = nil
		}
		return err
	}
}
