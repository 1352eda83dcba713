package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Superuser is the role that owns the server and as which [Server.DSN] connects.
const Superuser = "postgres"

// startTimeout bounds a start whose context has no deadline. Crash recovery of a large database takes its time.
const startTimeout = 2 * time.Minute

// ErrClosed is returned by the methods of a [Server] that has been closed.
var ErrClosed = errors.New("pgserver: server is closed")

// Server is a throwaway PostgreSQL. Its methods are safe for concurrent use; those that start or stop it wait for each
// other.
type Server struct {
	options  Options
	binaries Binaries
	who      *account
	layout   layout
	guard    *guard
	log      *os.File // the server's own
	password string   // for TCP; empty without
	port     int

	mu      sync.Mutex // held while starting and stopping
	process *process   // nil before the first start
	closed  bool
}

// Start makes a new PostgreSQL and returns once it answers. ctx bounds that alone, two minutes if it has no deadline;
// the server runs until [Server.Close], or until this process ends. The error of a failed start holds the end of the
// server's log; then nothing is left behind.
func Start(ctx context.Context, o Options) (*Server, error) {
	s, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("starting a throwaway PostgreSQL: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, o Options) (*Server, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	ctx, cancel := withTimeout(ctx, startTimeout)
	defer cancel()
	began := time.Now()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{options: o, binaries: o.Binaries, port: postgresPort}
	var err error
	if s.binaries.Dir == "" {
		if s.binaries, err = Find(ctx); err != nil {
			return nil, err
		}
	}
	if s.who, err = serverAccount(); err != nil {
		return nil, err
	}
	if s.layout, err = planLayout(o.Dir, s.who); err != nil {
		return nil, err
	}
	if s.guard, err = startGuard(s.layout.dirs()...); err != nil {
		return nil, err
	}
	if err := s.create(ctx); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	o.Log.DebugContext(ctx, "throwaway PostgreSQL is ready", "version", s.binaries.Version, "bin", s.binaries.Dir,
		"dir", s.layout.base, "as", s.who.String(), "took", time.Since(began))
	return s, nil
}

// create makes the data directory and starts the server on it.
func (s *Server) create(ctx context.Context) error {
	files := map[string]string{
		s.layout.config(): configFile(s.options, s.layout),
		s.layout.hba():    hbaFile,
	}
	if s.options.TCP {
		s.password = rand.Text()
		files[s.layout.password()] = s.password
	}
	var err error
	if s.log, err = s.layout.make(s.who, files); err != nil {
		return err
	}
	if err := s.initdb(ctx); err != nil {
		return err
	}
	if !s.options.TCP {
		return s.StartAgain(ctx)
	}
	// Between finding a free port and the server's taking it another process may come first.
	for range 5 {
		if s.port, err = freePort(ctx); err != nil {
			return err
		}
		if err = s.StartAgain(ctx); err == nil || portIsFree(ctx, s.port) {
			break
		}
	}
	return err
}

// initdb fills the data directory. Not every system knows the locale C.UTF-8, in which all letters are letters; plain C
// does for it.
func (s *Server) initdb(ctx context.Context) error {
	var err error
	for _, locale := range []string{"C.UTF-8", "C"} {
		args := []string{
			"-D", s.layout.data(), "--username=" + Superuser, "--encoding=UTF8", "--locale=" + locale,
			"--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--no-instructions",
		}
		if s.password != "" {
			args = append(args, "--pwfile="+s.layout.password())
		}
		if err = s.run(ctx, "initdb", args...); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err == nil && s.password != "" {
		err = os.Remove(s.layout.password())
	}
	return err
}

// run runs one of PostgreSQL's programs to its end, output into the log.
func (s *Server) run(ctx context.Context, name string, args ...string) error {
	p, err := s.spawn(name, args...)
	if err != nil {
		return err
	}
	select {
	case <-p.exited:
		err = p.err
	case <-ctx.Done():
		// It must have gone before the guard is asked to remove what it may be writing; SIGKILL is not refused.
		err = errors.Join(ctx.Err(), p.end(context.WithoutCancel(ctx), syscall.SIGKILL))
	}
	if err != nil {
		return fmt.Errorf("%s: %w%s", name, err, logTail(s.log))
	}
	return nil
}

// spawn starts one of PostgreSQL's programs, output into the log.
func (s *Server) spawn(name string, args ...string) (*process, error) {
	cmd := exec.Command(s.binaries.program(name), args...) //nolint:gosec,noctx // outlives the call, ends by signal
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.Env, cmd.Dir = serverEnv(), s.layout.base
	p, err := startProcess(cmd, s.who)
	if err != nil {
		return nil, fmt.Errorf("%s as %s: %w", s.binaries.program(name), s.who, err)
	}
	return p, nil
}

// StartAgain starts a server that was stopped or has crashed: same data, same addresses, recovery first where it is
// due. It returns once the server answers; on one that runs it does nothing. ctx bounds the wait, two minutes if it has
// no deadline; a server that is not up by then is ended.
func (s *Server) StartAgain(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.process != nil && !s.process.hasExited() {
		return nil
	}
	ctx, cancel := withTimeout(ctx, startTimeout)
	defer cancel()
	p, err := s.spawn("postgres", "-D", s.layout.data(), "-c", "config_file="+s.layout.config(), "-p", strconv.Itoa(s.port))
	if err != nil {
		return err
	}
	s.process = p
	if err := s.awaitReady(ctx, p); err != nil {
		err = fmt.Errorf("postgres: %w%s", err, logTail(s.log))
		return errors.Join(err, p.end(context.WithoutCancel(ctx), syscall.SIGQUIT))
	}
	return nil
}

// awaitReady connects until the server lets us.
func (s *Server) awaitReady(ctx context.Context, p *process) error {
	const pause = 10 * time.Millisecond
	for {
		conn, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.exited:
			return fmt.Errorf("ended at once: %w", p.err)
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", errors.Join(ctx.Err(), err))
		case <-time.After(pause):
		}
	}
}

// Stop shuts the server down and waits: transactions are rolled back, connections end, the data is written (PostgreSQL's
// fast shutdown). The data stays, for [Server.StartAgain]. A server that does not run is left alone.
func (s *Server) Stop(ctx context.Context) error { return s.signal(ctx, "stop", syscall.SIGINT) }

// StopImmediate is [Server.Stop] without writing the data, so that the next start recovers from the log as after a
// crash (PostgreSQL's immediate shutdown).
func (s *Server) StopImmediate(ctx context.Context) error {
	return s.signal(ctx, "immediate stop", syscall.SIGQUIT)
}

// Kill ends the server as a crash does, with SIGKILL, and waits until its last backend has noticed and gone. Clients
// are told nothing.
func (s *Server) Kill(ctx context.Context) error { return s.signal(ctx, "kill", syscall.SIGKILL) }

// Restart is [Server.Stop], then [Server.StartAgain].
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	return s.StartAgain(ctx)
}

func (s *Server) signal(ctx context.Context, what string, sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.process == nil {
		return nil
	}
	s.options.Log.DebugContext(ctx, "throwaway PostgreSQL goes down", "how", what, "dir", s.layout.base)
	if err := s.process.end(ctx, sig); err != nil {
		return fmt.Errorf("throwaway PostgreSQL: %s: %w", what, err)
	}
	return nil
}

// Close stops the server at once, removes its directory and waits until both are done. If ctx ends earlier, the
// cleaning goes on by itself. Closing twice is no error.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.process != nil {
		// The guard would do it too; this way it has nothing to wait for. What cannot be stopped here, it kills.
		_ = s.process.end(ctx, syscall.SIGQUIT)
	}
	if err := s.guard.release(ctx); err != nil {
		return fmt.Errorf("throwaway PostgreSQL: close: %w", err)
	}
	if s.log != nil {
		_ = s.log.Close()
	}
	return nil
}

// DSN is a URL that connects over the unix socket to the database, as the superuser. It stays the same for the server's
// life and holds no secret. Another role connects as well: nobody is asked for a password here.
func (s *Server) DSN(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.User(Superuser), Path: "/" + database,
		RawQuery: url.Values{"host": {s.layout.socket}, "port": {strconv.Itoa(s.port)}}.Encode(),
	}
	return u.String()
}

// TCPDSN is a URL that connects over TCP to the database, as the superuser. It holds a password: hand it on in an
// environment variable, not on a command line. It is empty unless Options.TCP was set.
func (s *Server) TCPDSN(database string) string {
	if !s.options.TCP {
		return ""
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(Superuser, s.password), Path: "/" + database,
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Binaries are the programs that the server was started from; with their Version.
func (s *Server) Binaries() Binaries { return s.binaries }

// LogFile is the path of the server's log. It is removed with the rest.
func (s *Server) LogFile() string { return s.layout.log() }

// Pid is the process id of the postmaster last started.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.cmd.Process.Pid
}

// withTimeout bounds a context that has no deadline.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}
