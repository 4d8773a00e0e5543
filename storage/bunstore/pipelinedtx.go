package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// pipelinedTx is a transaction on PostgreSQL with a [Pipeline]. Statements whose rows
// nobody reads wait for the next statement whose rows are read, or for COMMIT, and take one
// round trip with it.
type pipelinedTx struct {
	held     *sql.Conn
	timeout  time.Duration
	pipeline Pipeline
	waiting  []waiting
	begun    bool // BEGIN was sent or waits
	sent     bool // something was sent
	failed   bool // a statement failed
}

// waiting is a statement that waits, and what checks its number of rows, if not nil.
type waiting struct {
	Statement
	check func(rows int64) error
}

func (t *pipelinedTx) lock(_ context.Context, keys ...int64) error {
	t.later(Statement{Query: "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key", Args: []any{keys}}, nil)
	return nil
}

// later adds a statement to those that wait. Its error is that of the statement that it is
// sent with.
func (t *pipelinedTx) later(s Statement, check func(rows int64) error) {
	if !t.begun {
		t.begun = true
		t.waiting = []waiting{{Statement: Statement{Query: pgBegin}}, {Statement: Statement{Query: "SELECT " + pgSettings(t.timeout)}}}
	}
	t.waiting = append(t.waiting, waiting{s, check})
}

// now sends a statement together with those that wait, and returns how many rows it
// changed or returned.
func (t *pipelinedTx) now(ctx context.Context, s Statement) (n int64, err error) {
	t.later(s, nil)
	counts, err := t.send(ctx)
	if err != nil {
		return 0, err
	}
	return counts[len(counts)-1], nil
}

// send sends the statements that wait.
func (t *pipelinedTx) send(ctx context.Context) (counts []int64, err error) {
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
		err = patiently(ctx, send)
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

func (t *pipelinedTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	n, err := t.now(ctx, Statement{Query: query, Args: args})
	return changed(n), err
}

// changed is how many rows a statement changed.
type changed int64

func (changed) LastInsertId() (int64, error)   { return 0, errors.ErrUnsupported }
func (n changed) RowsAffected() (int64, error) { return int64(n), nil }

// QueryContext returns an error: a pipeline has no [sql.Rows]. See queryPipelined.
func (t *pipelinedTx) QueryContext(context.Context, string, ...any) (*sql.Rows, error) {
	return nil, errors.ErrUnsupported
}

// errUncommitted says that the COMMIT did not run.
type errUncommitted struct{ cause error }

func (e *errUncommitted) Error() string { return e.cause.Error() }
func (e *errUncommitted) Unwrap() error { return e.cause }

// Commit sends COMMIT together with the statements that wait. It sends them first if their
// rows are to be checked, and if nothing was sent before: if the connection is lost then,
// nothing was committed. The error is an errUncommitted if the COMMIT did not run.
func (t *pipelinedTx) Commit(ctx context.Context) error {
	if !t.begun {
		return ctx.Err()
	}
	if t.failed {
		return &errUncommitted{errStatementFailed}
	}
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

func (t *pipelinedTx) Rollback(ctx context.Context) error {
	if t.waiting = nil; !t.sent {
		return nil
	}
	return pgRollback(ctx, t.held)
}
