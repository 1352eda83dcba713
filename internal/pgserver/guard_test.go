//go:build unix

package pgserver_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgsession/pgsession/internal/pgserver"
	"github.com/pgsession/pgsession/internal/pgtest"
)

// gone is how long the guard and the kernel may take.
const gone = 30 * time.Second

func TestNothingOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(*childProcess) error
	}{
		{"killed", func(c *childProcess) error { return c.cmd.Process.Kill() }},
		{"interrupted from the terminal", func(c *childProcess) error { return syscall.Kill(-c.cmd.Process.Pid, syscall.SIGINT) }},
		{"terminated", func(c *childProcess) error { return c.cmd.Process.Signal(syscall.SIGTERM) }},
		{"left without closing", func(c *childProcess) error { return c.stdin.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := startChild(t, nil)
			query(t, c.report.DSN, "select 'ready'")
			if err := test.end(c); err != nil {
				t.Fatal(err)
			}
			c.wait(t)
			assertGone(t, c.report)
		})
	}
}

// When the guard is killed too, the kernel still ends the server; only the directory is left.
func TestKilledWithItsGuard(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("no other system does it")
	}
	c := startChild(t, nil)
	t.Cleanup(func() { _ = os.RemoveAll(c.report.Dir) })
	killGuard(t, c.report.Dir)
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.wait(t)
	pgtest.Eventually(t, gone, func() bool { return !lives(c.report.Pid) }, "the server ends")
}

// Before there is a server there is initdb, and a directory that grows.
func TestNothingOutlivesTheStart(t *testing.T) {
	t.Parallel()
	for _, reached := range []string{"pgsession-*", "pgsession-*/data", "pgsession-*/data/base/*", "pgsession-*/data/postmaster.pid"} {
		t.Run(filepath.Base(reached), func(t *testing.T) {
			t.Parallel()
			dir := openDir(t)
			c := newChild(t)
			c.cmd.Env = append(c.cmd.Env, "TMPDIR="+dir)
			if err := c.cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pgtest.Eventually(t, gone, func() bool {
				found, err := filepath.Glob(filepath.Join(dir, reached))
				return err == nil && found != nil
			}, reached)
			if err := c.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			c.wait(t)
			pgtest.Eventually(t, gone, func() bool {
				entries, err := os.ReadDir(dir)
				return err == nil && len(entries) == 0 && findProcess(t, dir+"/") == 0
			}, "everything is gone")
		})
	}
}

// Root's tests show what an ordinary user's server does, and whether that user's guard can do its work.
func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("the other tests run as one")
	}
	const nobody = 65534
	c := startChild(t, &syscall.Credential{Uid: nobody, Gid: nobody})
	if got := query(t, c.report.DSN, "select current_user::text"); got != pgserver.Superuser {
		t.Errorf("connected as %s", got)
	}
	info, err := os.Stat(c.report.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != nobody {
		t.Errorf("the server is not that user's: %+v", info.Sys())
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.wait(t)
	assertGone(t, c.report)
}

// The guard is a process as any other; when somebody has killed it, Close does its work.
func TestCloseWithoutGuard(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("needs /proc to find the guard")
	}
	srv := start(t, pgserver.Options{})
	r, err := inspect(srv)
	if err != nil {
		t.Fatal(err)
	}
	killGuard(t, r.Dir)
	if err := srv.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	assertGone(t, r)
}

// childProcess is this test's binary as a program of its own; see child.
type childProcess struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr bytes.Buffer
	report report
}

// newChild prepares it.
func newChild(t *testing.T) *childProcess {
	t.Helper()
	c := &childProcess{cmd: exec.Command(childBinary(t))}
	c.cmd.Env = append(os.Environ(), childVariable+"=1")
	c.cmd.Dir = "/"
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.Stderr = &c.stderr
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stdin = stdin
	t.Cleanup(func() {
		if c.cmd.Process != nil {
			_ = c.cmd.Process.Kill()
		}
	})
	return c
}

// startChild starts it, as another user if who is not nil, and waits until its server is up.
func startChild(t *testing.T, who *syscall.Credential) *childProcess {
	t.Helper()
	c := newChild(t)
	c.cmd.SysProcAttr.Credential = who
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(stdout).Decode(&c.report); err != nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		t.Fatalf("child: %v\n%s", err, c.stderr.String())
	}
	return c
}

// wait also waits for everybody else who holds the child's output open: there must be nobody.
func (c *childProcess) wait(t *testing.T) {
	t.Helper()
	err := c.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
}

// childBinary is a copy of the test's binary that any user may start.
func childBinary(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(openDir(t), "child")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// assertGone checks that nothing of a server is left on the machine.
func assertGone(t *testing.T, r report) {
	t.Helper()
	dsn, err := url.Parse(r.DSN)
	if err != nil {
		t.Fatal(err)
	}
	socket := dsn.Query().Get("host")
	for _, dir := range []string{r.Dir, socket} {
		pgtest.Eventually(t, gone, func() bool {
			_, err := os.Lstat(dir)
			return errors.Is(err, os.ErrNotExist)
		}, dir+" is removed")
	}
	pgtest.Eventually(t, gone, func() bool { return !lives(r.Pid) }, fmt.Sprintf("process %d ends", r.Pid))
	if segments, err := os.ReadFile("/proc/sysvipc/shm"); err == nil {
		for line := range strings.Lines(string(segments)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[1] == r.SharedMemory {
				t.Errorf("shared memory is left: %s", line)
			}
		}
	}
}

// lives reports whether there is such a process, other than one that has ended and waits to be waited for.
func lives(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !bytes.Contains(stat, []byte(") Z "))
}

// killGuard kills the guard of a server's directory.
func killGuard(t *testing.T, dir string) {
	t.Helper()
	pid := findProcess(t, "pgsession-guard\x00"+dir)
	if pid == 0 {
		t.Fatal("there is no guard")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// findProcess returns one whose command line contains text; 0: there is none, or no /proc.
func findProcess(t *testing.T, text string) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(text)) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	return 0
}
