package jotweb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/text/encoding/charmap"
)

// The columns of the seed's tables that are read. They may stand in any order, among others, and be of any type whose text is
// right.
func userColumns() []string {
	return []string{"id", "username", "cryptpasswd", "createddate", "lastlogin", "lasthit", "payload"}
}

func sessionColumns() []string {
	return []string{"id", "key", "username", "cryptpasswd", "createddate", "expiresecs", "expires", "payload"}
}

// row is a row of the source, column by column as the bytes that are stored there; nil is null.
type row map[string][]byte

// source is a JOTWeb database, read in one snapshot.
type source struct {
	tx       pgx.Tx
	schema   string // quoted, with its dot; empty: whatever the search path has
	encoding string
	// characters is the encoding, if it is one byte a character; else nil: text is UTF-8, or whatever was put there.
	characters *charmap.Charmap
}

// SourceConfig prepares the configuration of a connection to a JOTWeb database: text shall arrive as it is stored, with nothing
// converted by the server, because a pickle is bytes.
func SourceConfig(config *pgx.ConnConfig) { config.RuntimeParams["client_encoding"] = "SQL_ASCII" }

// openSource begins to read.
func openSource(ctx context.Context, conn *pgx.Conn, schema string) (*source, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	s := &source{tx: tx, encoding: conn.PgConn().ParameterStatus("server_encoding")}
	s.characters = charmaps()[s.encoding]
	if schema != "" {
		s.schema = pgx.Identifier{schema}.Sanitize() + "."
	}
	err = s.check(ctx, "users", userColumns())
	if err == nil {
		err = s.check(ctx, "sessions", sessionColumns())
	}
	if err != nil {
		rollback(ctx, tx)
		return nil, err
	}
	return s, nil
}

// check fails unless a table has the seed's columns.
func (s *source) check(ctx context.Context, table string, columns []string) error {
	rows, err := s.tx.Query(ctx, "select * from "+s.schema+table+" limit 0")
	if err != nil {
		return s.explain(table, err)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return s.explain(table, err)
	}
	var missing []string
	for _, column := range columns {
		if !slices.ContainsFunc(rows.FieldDescriptions(), func(f pgconn.FieldDescription) bool { return f.Name == column }) {
			missing = append(missing, column)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("table %s%s is none of JOTWeb's: it has no %s", s.schema, table, strings.Join(missing, ", "))
	}
	return nil
}

// explain says what a table that cannot be read means.
func (s *source) explain(table string, err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "42P01":
			return fmt.Errorf("there is no table %s%s; name the schema with --from-schema: %w", s.schema, table, err)
		case "42501":
			return fmt.Errorf("grant select on the table %s%s to the role that reads it: %w", s.schema, table, err)
		}
	}
	return fmt.Errorf("read table %s%s: %w", s.schema, table, err)
}

// The seed's integers are seconds since 1970, by the source's clock.
const alive = " where s.expires is null or s.expires > extract(epoch from now())"

// counts returns how many users, live and expired sessions there are.
func (s *source) counts(ctx context.Context) (users, sessions, expired int64, err error) {
	err = s.tx.QueryRow(ctx, "select (select count(*) from "+s.schema+"users), (select count(*) from "+s.schema+"sessions s"+alive+"), (select count(*) from "+s.schema+"sessions)").
		Scan(&users, &sessions, &expired)
	return users, sessions, expired - sessions, err
}

// users calls do with each user, in the order of their ids.
func (s *source) users(ctx context.Context, do func(row) error) error {
	return s.each(ctx, "users", "select "+strings.Join(userColumns(), ", ")+" from "+s.schema+"users order by id", do)
}

// sessions calls do with each live session, in the order of their dates. The row's column current is the cryptpasswd of its user,
// null where there is none.
func (s *source) sessions(ctx context.Context, do func(row) error) error {
	columns := "s." + strings.Join(sessionColumns(), ", s.")
	return s.each(ctx, "sessions", "select "+columns+", u.cryptpasswd as current from "+s.schema+"sessions s left join "+s.schema+
		"users u on u.username = s.username"+alive+" order by s.createddate, s.id", do)
}

// each streams the rows of a query.
func (s *source) each(ctx context.Context, table, sql string, do func(row) error) error {
	rows, err := s.tx.Query(ctx, sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return s.explain(table, err)
	}
	defer rows.Close()
	for rows.Next() {
		r := row{}
		for i, field := range rows.FieldDescriptions() {
			r[field.Name] = slices.Clone(rows.RawValues()[i]) // a null stays nil
		}
		if err := do(r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return s.explain(table, err)
	}
	return nil
}

// pickled returns the bytes of a payload. In a database of UTF-8 each of the pickle's bytes has become a character of Latin-1.
func (s *source) pickled(stored []byte) ([]byte, error) {
	if s.encoding != "UTF8" {
		return stored, nil
	}
	raw, err := charmap.ISO8859_1.NewEncoder().Bytes(stored)
	if err != nil {
		return nil, errors.New("payload cannot be read: it has characters that are no bytes")
	}
	return raw, nil
}

// charmaps are PostgreSQL's names of encodings that are one byte a character.
func charmaps() map[string]*charmap.Charmap {
	return map[string]*charmap.Charmap{
		"LATIN1": charmap.ISO8859_1, "LATIN2": charmap.ISO8859_2, "LATIN5": charmap.ISO8859_9, "LATIN9": charmap.ISO8859_15,
		"WIN1250": charmap.Windows1250, "WIN1251": charmap.Windows1251, "WIN1252": charmap.Windows1252,
		"KOI8R": charmap.KOI8R,
	}
}
