//go:build unix

package chaos

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgserver"
)

// bouncer is a pgbouncer in transaction mode.
type bouncer struct {
	cmd      *exec.Cmd
	stdin    *os.File
	ended    chan struct{}
	dir      string
	database string
	password string
	port     int
}

// findBouncer returns pgbouncer's path, and why there is none.
func findBouncer() (path, missing string) {
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/pgbouncer") // where an ordinary user's PATH does not lead
	}
	if err != nil {
		return "", "pgbouncer is not installed (apt-get install pgbouncer)"
	}
	return path, ""
}

func noBouncer() string {
	_, missing := findBouncer()
	return missing
}

// startBouncer starts one before a database. It is closed to everybody else: it lets in who knows the server's password.
func startBouncer(ctx context.Context, server *pgserver.Server, database string) (*bouncer, error) {
	path, _ := findBouncer()
	upstream, err := url.Parse(server.TCPDSN(database))
	if err != nil {
		return nil, err
	}
	b := &bouncer{database: database, ended: make(chan struct{})}
	if b.port, err = freePort(ctx); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "pgsession-bouncer-"); err != nil {
		return nil, err
	}
	if err := b.start(ctx, path, upstream); err != nil {
		b.close(ctx)
		return nil, fmt.Errorf("pgbouncer: %w", err)
	}
	return b, nil
}

func (b *bouncer) start(ctx context.Context, path string, upstream *url.URL) error {
	b.password, _ = upstream.User.Password()
	config := strings.Join([]string{
		"[databases]",
		fmt.Sprintf("%s = host=%s port=%s user=%s password=%s", b.database, upstream.Hostname(), upstream.Port(), pgserver.Superuser, b.password),
		"[pgbouncer]",
		"listen_addr = 127.0.0.1",
		"listen_port = " + strconv.Itoa(b.port),
		"unix_socket_dir =",
		"auth_type = scram-sha-256",
		"auth_file = " + filepath.Join(b.dir, "users"),
		"pool_mode = transaction",
		"default_pool_size = 10",
		"ignore_startup_parameters = search_path,extra_float_digits",
	}, "\n") + "\n"
	file, accounts := filepath.Join(b.dir, "pgbouncer.ini"), filepath.Join(b.dir, "users")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(accounts, fmt.Appendf(nil, "%q %q\n", pgserver.Superuser, b.password), 0o600); err != nil {
		return err
	}
	args := []string{"-q", file}
	if os.Geteuid() == 0 { // it refuses to run as root, so it becomes whom we give the file to
		if err := giveToNobody(b.dir, file, accounts); err != nil {
			return err
		}
		args = append([]string{"-u", "nobody"}, args...)
	}
	// A shell between us ends it when we end, whatever we die of: it waits for the end of its input.
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	script := `"$@" & pid=$!; read -r line; kill -INT $pid; wait $pid; rm -rf "$BOUNCER_DIR"`
	b.cmd = exec.Command("/bin/sh", append([]string{"-c", script, "sh", path}, args...)...) //nolint:gosec,noctx // it ends with its input
	b.cmd.Env = append(os.Environ(), "BOUNCER_DIR="+b.dir)
	b.cmd.Stdin = read
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	b.stdin = write
	err = b.cmd.Start()
	_ = read.Close()
	if err != nil {
		return err
	}
	go func() {
		_ = b.cmd.Wait()
		close(b.ended)
	}()
	return b.awaitReady(ctx)
}

// awaitReady connects until the bouncer lets us.
func (b *bouncer) awaitReady(ctx context.Context) error {
	for {
		conn, err := pgx.Connect(ctx, b.dsn("chaos"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-b.ended:
			return fmt.Errorf("ended at once: %w", err)
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (b *bouncer) dsn(application string) string {
	return named(fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", pgserver.Superuser, b.password, b.port, b.database), application)
}

func (b *bouncer) close(ctx context.Context) {
	if b.stdin != nil {
		_ = b.stdin.Close()
		select {
		case <-b.ended:
		case <-ctx.Done():
			_ = b.cmd.Process.Kill()
		}
	}
	_ = os.RemoveAll(b.dir)
}

// freePort finds a port of 127.0.0.1 that nobody has.
func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	address, _ := l.Addr().(*net.TCPAddr)
	return address.Port, nil
}

func giveToNobody(paths ...string) error {
	nobody, err := nobodyAccount()
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := os.Lchown(path, nobody.uid, nobody.gid); err != nil {
			return err
		}
	}
	return nil
}

type ids struct{ uid, gid int }

func nobodyAccount() (ids, error) {
	u, err := user.Lookup("nobody")
	if err != nil {
		return ids{}, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return ids{}, err
	}
	gid, err := strconv.Atoi(u.Gid)
	return ids{uid, gid}, err
}
