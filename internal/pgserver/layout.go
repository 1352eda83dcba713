package pgserver

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// layout is where a server's files are. Nothing exists of it until make is called.
type layout struct {
	base   string // everything, but the socket if the path here is no good for one
	socket string // the socket's directory, often base itself
}

func (l layout) data() string     { return filepath.Join(l.base, "data") }
func (l layout) config() string   { return filepath.Join(l.base, "postgresql.conf") }
func (l layout) hba() string      { return filepath.Join(l.base, "pg_hba.conf") }
func (l layout) password() string { return filepath.Join(l.base, "password") }
func (l layout) log() string      { return filepath.Join(l.base, "server.log") }

// dirs are the directories that make creates.
func (l layout) dirs() []string {
	if l.socket == l.base {
		return []string{l.base}
	}
	return []string{l.base, l.socket}
}

// maxSocketPath is what fits into a socket's address everywhere: Linux takes 107 bytes, macOS 103.
const maxSocketPath = 103

// goodSocketDir matches what needs no quoting, neither in a DSN (where a comma separates hosts) nor in a list of
// directories in postgresql.conf.
var goodSocketDir = regexp.MustCompile(`^[A-Za-z0-9/._+=-]+$`)

// planLayout chooses directories that do not exist yet, under dir if that will do for the account.
func planLayout(dir string, who *account) (layout, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return layout{}, err
	}
	name := "pgsession-" + strings.ToLower(rand.Text()[:13])
	short := firstReachable(who, "/tmp", "/var/tmp")
	if !who.canReach(dir) {
		if short == "" {
			return layout{}, fmt.Errorf("%s: closed to %s, which has to run the server because root must not", dir, who)
		}
		dir = short
	}
	l := layout{base: filepath.Join(dir, name)}
	l.socket = l.base
	longest := fmt.Sprintf("%s/.s.PGSQL.%d", l.base, 65535)
	if len(longest) > maxSocketPath || !goodSocketDir.MatchString(l.base) {
		if short == "" {
			return layout{}, fmt.Errorf("%s: no path for a unix socket (too long, or with characters that need quoting)", l.base)
		}
		l.socket = filepath.Join(short, name+"-s")
	}
	return l, nil
}

func firstReachable(who *account, dirs ...string) string {
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err == nil && info.IsDir() && who.canReach(dir) {
			return dir
		}
	}
	return ""
}

// make creates the directories, open to the account alone, the files in them, and the log, which it returns. It fails
// if one of the directories exists.
func (l layout) make(who *account, files map[string]string) (log *os.File, err error) {
	for _, dir := range l.dirs() {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
	}
	for path, content := range files {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return nil, err
		}
		if err := who.own(path); err != nil {
			return nil, err
		}
	}
	// Opened once and never again by its name: from the next step on another account could make that a link.
	log, err = os.OpenFile(l.log(), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for _, dir := range l.dirs() {
		if err := who.own(dir); err != nil {
			return log, err
		}
	}
	return log, nil
}

// logTail returns the last lines of a log, indented.
func logTail(log *os.File) string {
	const lines, limit = 15, 8 << 10
	info, err := log.Stat()
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(io.NewSectionReader(log, max(0, info.Size()-limit), limit))
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\n  " + strings.Join(all[max(0, len(all)-lines):], "\n  ")
}
