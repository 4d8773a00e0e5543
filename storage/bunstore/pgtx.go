package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// pgTx is a transaction on PostgreSQL. BEGIN, its settings and the locks of its numbers
// take one round trip together, and each other statement one of its own.
type pgTx struct {
	held    *sql.Conn
	timeout time.Duration
	begun   bool
	failed  bool // a statement failed
}

const pgBegin = "BEGIN ISOLATION LEVEL READ COMMITTED"

// pgSettings is an expression that sets the settings of a transaction.
//
// PostgreSQL keeps plans. A plan made while a table is small scans all of it, also
// after a flood has made the table large; enable_seqscan prevents such plans. The
// time-outs end statements and locks that the server would otherwise keep for a
// client that is gone.
func pgSettings(timeout time.Duration) string {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	return "set_config('enable_seqscan', 'off', true), " +
		"set_config('lock_timeout', '" + ms(lockTimeout) + "', true), set_config('statement_timeout', '" + ms(timeout) + "', true), " +
		"set_config('idle_in_transaction_session_timeout', '" + ms(2*timeout) + "', true)"
}

// patiently runs what is first sent over a connection. The error wraps errSilent if the
// server does not answer.
func patiently(ctx context.Context, first func(context.Context) error) error {
	silence, cancel := context.WithTimeout(ctx, longestSilence)
	defer cancel()
	err := first(silence)
	if err != nil && silence.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", errSilent, err)
	}
	return err
}

// start begins the transaction; also is one more expression to evaluate.
func (t *pgTx) start(ctx context.Context, also string) error {
	t.begun = true
	err := patiently(ctx, func(ctx context.Context) error {
		_, err := t.held.ExecContext(ctx, pgBegin+"; SELECT "+pgSettings(t.timeout)+also)
		return err
	})
	t.failed = err != nil
	return err
}

// locker is a transaction that takes advisory locks, in the order given.
type locker interface {
	lock(ctx context.Context, keys ...int64) error
}

func (t *pgTx) lock(ctx context.Context, keys ...int64) error {
	var locks strings.Builder
	for _, key := range keys {
		locks.WriteString(", pg_advisory_xact_lock(" + strconv.FormatInt(key, 10) + ")")
	}
	if !t.begun {
		return t.start(ctx, locks.String())
	}
	_, err := t.ExecContext(ctx, "SELECT "+locks.String()[2:])
	return err
}

func (t *pgTx) ExecContext(ctx context.Context, query string, args ...any) (res sql.Result, err error) {
	if !t.begun {
		err = t.start(ctx, "")
	}
	if err == nil {
		res, err = t.held.ExecContext(ctx, query, args...)
	}
	t.failed = t.failed || err != nil
	return res, err
}

func (t *pgTx) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	if !t.begun {
		err = t.start(ctx, "")
	}
	if err == nil {
		rows, err = t.held.QueryContext(ctx, query, args...) //nolint:sqlclosecheck,rowserrcheck // the caller's
	}
	t.failed = t.failed || err != nil
	return rows, err
}

var errStatementFailed = errors.New("a statement of the transaction failed")

// Commit refuses a transaction of which a statement failed: PostgreSQL's COMMIT
// would roll it back without an error.
func (t *pgTx) Commit(ctx context.Context) error {
	if !t.begun {
		return ctx.Err()
	}
	if t.failed {
		return errStatementFailed
	}
	_, err := t.held.ExecContext(ctx, "COMMIT")
	return err
}

func (t *pgTx) Rollback(ctx context.Context) error {
	if !t.begun {
		return nil
	}
	return pgRollback(ctx, t.held)
}

func pgRollback(ctx context.Context, held *sql.Conn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestSilence)
	defer cancel()
	_, err := held.ExecContext(ctx, "ROLLBACK")
	return err
}
