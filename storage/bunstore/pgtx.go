package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pgTx is a transaction on PostgreSQL. BEGIN, its settings and the locks of its numbers
// take one round trip together. With a pipeline, statements whose rows nobody reads wait
// for the next one whose rows are read, or for COMMIT, and take one round trip with it.
type pgTx struct {
	held     *sql.Conn
	timeout  time.Duration
	pipeline Pipeline  // nil if each statement takes its own round trip
	waiting  []waiting // only with a pipeline
	// begun says that BEGIN was sent or waits; sent says that something was sent.
	begun, sent bool
	failed      bool // a statement failed
}

// waiting is a statement that waits, and what checks its number of rows, if not nil.
type waiting struct {
	Statement
	check func(rows int64) error
}

const begin = "BEGIN ISOLATION LEVEL READ COMMITTED"

// settings is an expression that sets the settings of the transaction.
//
// PostgreSQL keeps plans. A plan made while a table is small scans all of it, also
// after a flood has made the table large; enable_seqscan prevents such plans. The
// time-outs end statements and locks that the server would otherwise keep for a
// client that is gone.
func (t *pgTx) settings() string {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	return "set_config('enable_seqscan', 'off', true), " +
		"set_config('lock_timeout', '" + ms(lockTimeout) + "', true), set_config('statement_timeout', '" + ms(t.timeout) + "', true), " +
		"set_config('idle_in_transaction_session_timeout', '" + ms(2*t.timeout) + "', true)"
}

// start begins the transaction without a pipeline; also is one more expression to evaluate.
func (t *pgTx) start(ctx context.Context, also string) error {
	t.begun, t.sent = true, true
	err := t.patiently(ctx, func(ctx context.Context) error {
		_, err := t.held.ExecContext(ctx, begin+"; SELECT "+t.settings()+also)
		return err
	})
	t.failed = err != nil
	return err
}

// patiently runs what is first sent over a connection. The error wraps errSilent if the
// server does not answer.
func (t *pgTx) patiently(ctx context.Context, first func(context.Context) error) error {
	silence, cancel := context.WithTimeout(ctx, longestSilence)
	defer cancel()
	err := first(silence)
	if err != nil && silence.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", errSilent, err)
	}
	return err
}

// lock takes advisory locks, in the order given.
func (t *pgTx) lock(ctx context.Context, keys ...int64) error {
	if t.pipeline != nil {
		t.later(Statement{Query: "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key", Args: []any{keys}}, nil)
		return nil
	}
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

// later adds a statement to those that wait. Its error is that of the statement that it is
// sent with.
func (t *pgTx) later(s Statement, check func(rows int64) error) {
	if !t.begun {
		t.begun = true
		t.later(Statement{Query: begin}, nil)
		t.later(Statement{Query: "SELECT " + t.settings()}, nil)
	}
	t.waiting = append(t.waiting, waiting{s, check})
}

// now sends a statement together with those that wait, and returns how many rows it
// changed or returned.
func (t *pgTx) now(ctx context.Context, s Statement) (n int64, err error) {
	t.later(s, nil)
	counts, err := t.send(ctx)
	if err != nil {
		return 0, err
	}
	return counts[len(counts)-1], nil
}

// send sends the statements that wait.
func (t *pgTx) send(ctx context.Context) (counts []int64, err error) {
	all, first := t.waiting, !t.sent
	t.waiting, t.sent = nil, true
	statements := make([]Statement, len(all))
	for i, w := range all {
		statements[i] = w.Statement
	}
	send := func(ctx context.Context) error {
		counts, err = t.pipeline.Send(ctx, t.held, statements)
		return err
	}
	if first {
		err = t.patiently(ctx, send)
	} else {
		err = send(ctx)
	}
	for i, n := range counts { // also before a statement that failed
		if all[i].check == nil {
			continue
		}
		if wrong := all[i].check(n); wrong != nil {
			err = wrong
			break
		}
	}
	t.failed = t.failed || err != nil
	return counts, err
}

func (t *pgTx) ExecContext(ctx context.Context, query string, args ...any) (res sql.Result, err error) {
	if t.pipeline != nil {
		n, err := t.now(ctx, Statement{Query: query, Args: args})
		return changed(n), err
	}
	if !t.begun {
		err = t.start(ctx, "")
	}
	if err == nil {
		res, err = t.held.ExecContext(ctx, query, args...)
	}
	t.failed = t.failed || err != nil
	return res, err
}

// changed is how many rows a statement changed.
type changed int64

func (changed) LastInsertId() (int64, error)   { return 0, errors.ErrUnsupported }
func (n changed) RowsAffected() (int64, error) { return int64(n), nil }

func (t *pgTx) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	if t.pipeline != nil {
		return nil, errors.ErrUnsupported // see queryOnce
	}
	if !t.begun {
		err = t.start(ctx, "")
	}
	if err == nil {
		rows, err = t.held.QueryContext(ctx, query, args...) //nolint:sqlclosecheck,rowserrcheck // the caller's
	}
	t.failed = t.failed || err != nil
	return rows, err
}

// errUncommitted says that the COMMIT did not run.
type errUncommitted struct{ cause error }

func (e *errUncommitted) Error() string { return e.cause.Error() }
func (e *errUncommitted) Unwrap() error { return e.cause }

// Commit refuses a transaction of which a statement failed: PostgreSQL's COMMIT
// would roll it back without an error. The error is an errUncommitted if the COMMIT did
// not run.
func (t *pgTx) Commit(ctx context.Context) error {
	if !t.begun {
		return ctx.Err()
	}
	if t.failed {
		return errors.New("a statement of the transaction failed")
	}
	if t.pipeline != nil {
		return t.commitWaiting(ctx)
	}
	_, err := t.held.ExecContext(ctx, "COMMIT")
	return err
}

// commitWaiting sends COMMIT together with the statements that wait. It sends them first if
// their rows are to be checked, and if nothing was sent before: if the connection is lost
// then, nothing was committed.
func (t *pgTx) commitWaiting(ctx context.Context) error {
	if !t.sent || slices.ContainsFunc(t.waiting, func(w waiting) bool { return w.check != nil }) {
		if _, err := t.send(ctx); err != nil {
			return &errUncommitted{err}
		}
	}
	before := len(t.waiting)
	t.later(Statement{Query: "COMMIT"}, nil)
	counts, err := t.send(ctx)
	if state, _, _ := errorCode(err); err != nil && state != "" && len(counts) < before {
		return &errUncommitted{err} // the server refused a statement, and skipped the rest
	}
	return err
}

func (t *pgTx) Rollback(ctx context.Context) error {
	if t.waiting = nil; !t.sent {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestSilence)
	defer cancel()
	_, err := t.held.ExecContext(ctx, "ROLLBACK")
	return err
}
