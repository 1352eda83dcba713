package migrations

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLError is a statement of pgsession's own SQL that PostgreSQL refused, with the place it stands. It unwraps to the
// *pgconn.PgError.
type SQLError struct {
	File   string // the file, as it is named in the folder migrations or sql
	Line   int    // counting from 1; 0: PostgreSQL named no place
	Column int    // in characters, counting from 1
	Text   string // the line
	Err    *pgconn.PgError
}

// Error returns the place and PostgreSQL's message on one line.
func (e *SQLError) Error() string {
	place := e.File
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	message := fmt.Sprintf("%s: %s (SQLSTATE %s)", place, e.Err.Message, e.Err.Code)
	if e.Err.Detail != "" {
		message += ": " + strings.ReplaceAll(e.Err.Detail, "\n", "; ")
	}
	return message
}

// Unwrap returns what PostgreSQL said.
func (e *SQLError) Unwrap() error { return e.Err }

// Report returns several lines for a terminal, laid out as psql does: the message, the line with a caret below the place, and
// PostgreSQL's detail, hint and context. It ends without a newline.
func (e *SQLError) Report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s (SQLSTATE %s)", e.File, e.Err.Severity, e.Err.Message, e.Err.Code)
	if e.Line > 0 {
		prefix := fmt.Sprintf("LINE %d: ", e.Line)
		fmt.Fprintf(&b, "\n%s%s\n%s^", prefix, e.Text, strings.Repeat(" ", len(prefix))+padding(e.Text, e.Column-1))
	}
	for _, part := range []struct{ label, text string }{{"DETAIL", e.Err.Detail}, {"HINT", e.Err.Hint}, {"CONTEXT", e.Err.Where}} {
		if part.text != "" {
			fmt.Fprintf(&b, "\n%s:  %s", part.label, part.text)
		}
	}
	return b.String()
}

// padding returns space as wide as the first n characters of text: tabs stay tabs.
func padding(text string, n int) string {
	runes := []rune(text)
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(runes[:min(n, len(runes))]))
}

// explain turns PostgreSQL's refusal of a script into a *SQLError; it leaves other errors alone but for the file's name.
func (s script) explain(err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	e := &SQLError{File: s.file, Err: refused}
	if refused.Position > 0 {
		e.Line, e.Column, e.Text = s.place(int(refused.Position))
	}
	return e
}

// place returns line, column and text of a position in the script. Positions count characters, where tern's own ExtractErrorLine
// counts bytes and would be off behind the first letter that is not ASCII.
func (s script) place(position int) (line, column int, text string) {
	runes := []rune(s.sql)
	at := min(position-1, len(runes))
	before := string(runes[:at])
	head := before[strings.LastIndex(before, "\n")+1:]
	tail, _, _ := strings.Cut(string(runes[at:]), "\n")
	return s.line + strings.Count(before, "\n"), len([]rune(head)) + 1, strings.TrimSuffix(head+tail, "\r")
}
