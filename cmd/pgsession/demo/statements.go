package demo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// statementLog counts the statements that a role has the server execute, in the server's own log: exact, at once, and the same
// with every version of PostgreSQL. The role has log_statement set to all.
type statementLog struct {
	file  *os.File
	begin int64
	role  string
}

// openStatementLog begins to count.
func openStatementLog(path, role string) (*statementLog, error) {
	file, err := os.Open(path) //nolint:gosec // the path is the throwaway server's
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	begin, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &statementLog{file: file, begin: begin, role: role}, nil
}

// count returns how many statements there have been since.
func (s *statementLog) count() (int, error) {
	if _, err := s.file.Seek(s.begin, io.SeekStart); err != nil {
		return 0, err
	}
	n := 0
	lines := bufio.NewReader(s.file)
	for {
		line, err := lines.ReadString('\n')
		if s.isStatement(line) {
			n++
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read the server's log: %w", err)
		}
	}
}

// isStatement tells the first line of a logged statement: one of the simple protocol, or the execution of a prepared one. The
// prefix is the throwaway server's, "time [pid] role@database/application ".
func (s *statementLog) isStatement(line string) bool {
	prefix, message, found := strings.Cut(line, "LOG:  ")
	return found && strings.Contains(prefix, "] "+s.role+"@") &&
		(strings.HasPrefix(message, "statement: ") || strings.HasPrefix(message, "execute "))
}

func (s *statementLog) close() { _ = s.file.Close() }
