package client

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// fallbackApplicationName is what the server shows for connections whose DSN names no application.
const fallbackApplicationName = "pgsession"

// The parts of a PyPgSQL connect string, in their order, as keywords. tty meant something to
// PostgreSQL's servers of the last century.
const pyPgSQLForm = "host:port:database:user:password:options:tty"

// dsnForm is one of the ways to write a DSN.
type dsnForm string

const (
	formEnvironment dsnForm = "PG* environment"
	formURL         dsnForm = "URL"
	formKeyword     dsnForm = "keyword string"
	formPyPgSQL     dsnForm = "PyPgSQL connect string"
)

// formOf tells the forms of a DSN apart; [ParseDSN] states the rule.
func formOf(dsn string) dsnForm {
	switch {
	case dsn == "":
		return formEnvironment
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		return formURL
	}
	if i := strings.IndexAny(dsn, "=:"); i >= 0 && dsn[i] == '=' {
		return formKeyword
	}
	return formPyPgSQL
}

// ParseDSN reads a connection string in any of four forms:
//
//   - empty or blank: all is taken from the PG* environment and its defaults;
//   - a URL: it begins with postgres:// or postgresql://;
//   - a keyword string, "host=… dbname=…": of the characters '=' and ':', an '=' comes first;
//   - otherwise a PyPgSQL connect string, host:port:database:user:password:options:tty. Any part may be
//     empty and trailing ones may be left out: "::testdb" is the database testdb, everything else by
//     default. No part can contain a ':'; a password may contain '='. options are the server's
//     ("-c statement_timeout=5s"), and tty is ignored. Nothing is trimmed.
//
// What a string does not say, the PG* environment and its defaults do. Pool settings (pool_max_conns and
// so on) are read as pgxpool does. A connection whose application_name is not set gets "pgsession".
//
// An error is [ErrInvalid]. It never quotes the string, which may hold a password.
func ParseDSN(dsn string) (*pgxpool.Config, error) {
	trimmed := strings.TrimSpace(dsn)
	form := formOf(trimmed)
	text := trimmed
	if form == formPyPgSQL {
		var err error
		if text, err = keywordString(dsn); err != nil {
			return nil, err
		}
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, unreadable(form, err)
	}
	params := config.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = fallbackApplicationName
	}
	return config, nil
}

// ParseConnDSN reads what [ParseDSN] does into the configuration of a single connection. Pool settings
// are checked and dropped.
func ParseConnDSN(dsn string) (*pgx.ConnConfig, error) {
	config, err := ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return config.ConnConfig, nil
}

// keywordString writes a PyPgSQL connect string as a keyword string.
func keywordString(dsn string) (string, error) {
	keywords := [...]string{"host", "port", "dbname", "user", "password", "options", ""}
	parts := strings.Split(dsn, ":")
	if len(parts) > len(keywords) {
		return "", invalid("dsn", "PyPgSQL connect string has more than the seven parts "+pyPgSQLForm+
			"; if a password or host contains a colon, write a URL or a keyword string")
	}
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var b strings.Builder
	for i, part := range parts {
		if part == "" || keywords[i] == "" {
			continue
		}
		b.WriteString(keywords[i] + "='" + quote.Replace(part) + "' ")
	}
	return b.String(), nil
}

// unreadable tells why pgx could not read a DSN. The error of pgx is not wrapped: it holds the string,
// with passwords masked where they can be recognized, which in a mistyped string is not everywhere.
// What caused it is shown without all that it quotes.
func unreadable(form dsnForm, err error) error {
	message := "cannot read the " + string(form)
	if form != formEnvironment {
		message += " (not shown: it may hold a password)"
	}
	e := invalid("dsn", message)
	if cause := errors.Unwrap(err); cause != nil {
		e.Detail = withoutQuotations(cause.Error())
	}
	return e
}

// withoutQuotations leaves out everything from the first double quote to the last.
func withoutQuotations(s string) string {
	first, last := strings.IndexByte(s, '"'), strings.LastIndexByte(s, '"')
	if first < 0 {
		return s
	}
	return s[:first] + "…" + s[last+1:]
}
