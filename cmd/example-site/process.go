package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
)

// process is this program, started once more to serve. It ends when its standard input does, and so with us, whatever we die of.
type process struct {
	url   *url.URL
	cmd   *exec.Cmd
	stdin io.Closer
}

// startProcess starts a process and returns once it says where it listens.
func startProcess(ctx context.Context, dsn, plain string) (*process, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to start it again: %w", err)
	}
	p := &process{cmd: exec.CommandContext(context.WithoutCancel(ctx), executable, //nolint:gosec // it is this program; and it is asked to stop before it is killed
		"--listen", "127.0.0.1:0", "--until-eof", "--plain-cookies", plain, "--trusted-proxy", "127.0.0.0/8")}
	p.cmd.Env = append(os.Environ(), "DATABASE_URL="+dsn) // anybody can list a process's arguments
	p.cmd.Stderr = os.Stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a process: %w", err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n') // it says no more than this line
	if err != nil {
		return nil, errors.Join(errors.New("a process did not start"), p.stop())
	}
	_, address, _ := strings.Cut(strings.TrimSpace(line), " listens on ")
	if p.url, err = url.Parse(address); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// stop has the process finish what it has begun, and waits for it; not forever.
func (p *process) stop() error {
	_ = p.stdin.Close() // fails if the process has ended
	timer := time.AfterFunc(grace+closeTimeout, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	return p.cmd.Wait()
}
