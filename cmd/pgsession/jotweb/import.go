// Package jotweb moves the users and live sessions of a JOTWeb database (tables users and sessions, as its class BackendPyPgSQL has
// them) into pgsession. Password hashes go over as they are and work; a session opens with the cookie that its user has.
//
// Rows are streamed, in batches: memory does not grow with the number of them. All of it is one transaction.
package jotweb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A batch is one round trip to the target.
const (
	batchRows  = 500
	batchBytes = 4 << 20
)

// rollbackTimeout bounds giving up.
const rollbackTimeout = 5 * time.Second

// ErrCommit is that the answer to the commit did not come, or was no: whether all has been imported or nothing is not known. It can
// be repeated.
var ErrCommit = errors.New("commit: it is not known whether it happened; it can be repeated")

// Options are what an import can be told. The zero value imports into the schema pgsession, and everybody as active.
type Options struct {
	Schema     string // of pgsession, at the target; empty: pgsession
	FromSchema string // of the tables at the source; empty: where its search path finds them
	DryRun     bool   // do everything, then undo it
	// Acknowledgement is the member of a user's payload that holds the acknowledgement key while the account is disabled. Users with
	// such a member are imported as pending, without it. Empty: all users are active.
	Acknowledgement string
	// Progress is told how far it has got, after each batch; nil: nobody is.
	Progress func(kind Kind, done, total int64)
	// Found is told what there is to know about single rows; nil: nobody is.
	Found func(Finding)
}

// importer is one import.
type importer struct {
	Options
	to      pgx.Tx
	summary Summary
}

// Import moves everything in one transaction on the connection to, which it commits unless [Options.DryRun]. Both connections are
// the caller's, used by nobody else meanwhile, and left outside a transaction; from should come from [SourceConfig]. It blocks until
// it is done or ctx ends; after an error other than [ErrCommit] nothing
// has been changed. It can be repeated:
// what is there already is left alone.
func Import(ctx context.Context, from, to *pgx.Conn, o Options) (Summary, error) {
	if o.Schema == "" {
		o.Schema = "pgsession"
	}
	if o.Progress == nil {
		o.Progress = func(Kind, int64, int64) {}
	}
	if o.Found == nil {
		o.Found = func(Finding) {}
	}
	s, err := openSource(ctx, from, o.FromSchema)
	if err != nil {
		return Summary{}, fmt.Errorf("the JOTWeb database: %w", err)
	}
	defer rollback(ctx, s.tx)
	tx, err := to.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		return Summary{}, err
	}
	defer rollback(ctx, tx)
	if err := installed(ctx, tx, o.Schema); err != nil {
		return Summary{}, err
	}
	i := importer{Options: o, to: tx, summary: Summary{DryRun: o.DryRun}}
	if err := i.all(ctx, s); err != nil {
		return Summary{}, err
	}
	if o.DryRun {
		return i.summary, nil
	}
	if err := tx.Commit(ctx); err != nil {
		return Summary{}, fmt.Errorf("%w: %w", ErrCommit, err)
	}
	return i.summary, nil
}

// installed fails unless pgsession's functions are there, for this role to call.
func installed(ctx context.Context, tx pgx.Tx, schema string) error {
	var there, allowed bool
	err := tx.QueryRow(ctx, `select count(*) = 2, coalesce(bool_and(pg_catalog.has_function_privilege(p.oid, 'execute')), false)
		from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
		where n.nspname = $1::text and p.proname in ('import_user', 'import_session')`, schema).Scan(&there, &allowed)
	switch {
	case err != nil:
		return fmt.Errorf("look for pgsession: %w", err)
	case !there:
		return fmt.Errorf("the schema %s has no pgsession, or an older one: run 'pgsession migrate up' first", schema)
	case !allowed:
		return fmt.Errorf("this role may not import into the schema %s: connect as its owner", schema)
	}
	return nil
}

// rollback ends a transaction, unless it was committed.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = tx.Rollback(ctx) // the connection is lost, or it was committed
}

// all imports users, then sessions.
func (i *importer) all(ctx context.Context, s *source) error {
	users, sessions, expired, err := s.counts(ctx)
	if err != nil {
		return fmt.Errorf("the JOTWeb database: count: %w", err)
	}
	c := converter{source: s, acknowledgement: i.Acknowledgement}
	err = i.table(ctx, &batch{
		kind: UserRow, total: users, tally: &i.summary.Users,
		call: "import_user(p_username => $1::text, p_cryptpasswd => $2::text, p_createddate => $3::timestamptz, p_lastlogin => $4::timestamptz, " +
			"p_lasthit => $5::timestamptz, p_payload => $6::text::jsonb, p_acknowledgement => $7::text)",
	}, c.user, s.users)
	if err != nil {
		return err
	}
	i.summary.Sessions.Dead = expired
	return i.table(ctx, &batch{
		kind: SessionRow, total: sessions, tally: &i.summary.Sessions,
		call: "import_session(p_key => $1::bytea, p_username => $2::text, p_cryptpasswd => $3::text, p_createddate => $4::timestamptz, " +
			"p_expiresecs => $5::integer, p_expires => $6::timestamptz, p_payload => $7::text::jsonb)",
	}, c.session, s.sessions)
}

// table imports the rows of one table.
func (i *importer) table(ctx context.Context, b *batch, convert func(row) *item, each func(context.Context, func(row) error) error) error {
	err := each(ctx, func(r row) error {
		b.add(convert(r))
		if len(b.items) < batchRows && b.bytes < batchBytes {
			return nil
		}
		return i.flush(ctx, b)
	})
	if err == nil {
		err = i.flush(ctx, b)
	}
	if err != nil {
		return fmt.Errorf("import %ss: %w", b.kind, err)
	}
	return nil
}

// flush calls the import function for each item of the batch and counts what it answers.
func (i *importer) flush(ctx context.Context, b *batch) error {
	if len(b.items) == 0 {
		return nil
	}
	calls := &pgx.Batch{}
	for _, item := range b.items {
		if item.args != nil {
			calls.Queue(`select "`+i.Schema+`".`+b.call, item.args...)
		}
	}
	results := i.to.SendBatch(ctx, calls)
	for _, item := range b.items {
		answer := ""
		if item.args != nil {
			if err := results.QueryRow().Scan(&answer); err != nil {
				_ = results.Close() // fails for the same reason
				return fmt.Errorf("%s %s: %w", b.kind, item.id, err)
			}
		}
		for _, finding := range b.count(item, answer) {
			i.Found(finding)
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	b.done += int64(len(b.items))
	b.items, b.bytes = b.items[:0], 0
	i.Progress(b.kind, b.done, b.total)
	return nil
}

// batch is what goes to the target next, and where it is counted.
type batch struct {
	kind        Kind
	call        string
	tally       *Tally
	items       []*item
	bytes       int
	done, total int64
}

func (b *batch) add(i *item) {
	b.items = append(b.items, i)
	for _, arg := range i.args {
		if text, ok := arg.(string); ok {
			b.bytes += len(text)
		}
	}
}

// count counts an item by the answer that it got, none if it was not sent, and returns what there is to tell.
func (b *batch) count(i *item, answer string) []Finding {
	switch answer {
	case "imported":
		b.tally.Imported++
		for _, f := range i.findings {
			if f.Effect == LeftOut {
				b.tally.LeftOut++
				break
			}
		}
		return i.findings
	case "exists": // nothing of it was used
		b.tally.Existing++
		return nil
	case "":
	default:
		v := verdictOf(answer)
		i.findings = nil
		i.note(b.kind, v.effect, v.why)
	}
	last := i.findings[len(i.findings)-1]
	if last.Effect == Dead {
		b.tally.Dead++
	} else {
		b.tally.Skipped++
	}
	return []Finding{last}
}
