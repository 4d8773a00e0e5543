package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"sync/atomic"

	"github.com/uptrace/bun"
)

// Tx is an open transaction of the application's: a [*sql.Tx], a [bun.Tx], or what
// another library makes of one, such as GORM's ConnPool inside a transaction.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	Commit() error
	Rollback() error
}

var errNoTx = errors.New("bunstore: WithTx was given no open transaction")

// WithTx returns the store bound to a transaction of the application's, begun on the
// same database: what the store writes is committed or rolled back with the rest. A
// method that fails changes nothing, and leaves the transaction usable. The
// application commits; the store never does.
//
// The transaction belongs to one goroutine, and so does the bound store. Nothing is
// tried again when the engine gives the transaction up: the error says so, and the
// application runs it anew. Begin it at READ COMMITTED on PostgreSQL and MySQL. On
// SQLite every other writer waits while it is open.
//
// It is for creating people and clients together with rows of the application's. The
// steps of a reset rely on transactions of their own: do not build an
// [identity.Service] on a bound store.
//
// With a nil or zero transaction every method of the bound store returns an error.
func (s *Store) WithTx(tx Tx) *Store {
	bound := *s
	bound.group, bound.prepared = nil, nil
	bound.joined = &joined{tx: unwrapped(tx)}
	return &bound
}

// unwrapped takes the transaction out of bun's, which would write the values into
// the statements itself. It is nil for what holds no transaction.
func unwrapped(tx Tx) Tx {
	switch t := tx.(type) {
	case nil:
		return nil
	case bun.Tx:
		return unwrapped(t.Tx)
	case *bun.Tx:
		if t == nil {
			return nil
		}
		return unwrapped(t.Tx)
	}
	if v := reflect.ValueOf(tx); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	return tx
}

// joined is the application's transaction.
type joined struct {
	tx   Tx
	made atomic.Int64 // savepoints
}

// joinedStep is a savepoint: what a method's writes are rolled back to when it fails.
type joinedStep struct {
	tx   Tx
	name string
}

func (j *joined) begin(ctx context.Context) (joinedStep, error) {
	if j.tx == nil {
		return joinedStep{}, errNoTx
	}
	p := joinedStep{j.tx, "rekey_" + strconv.FormatInt(j.made.Add(1), 10)}
	if _, err := j.tx.ExecContext(ctx, "SAVEPOINT "+p.name); err != nil {
		return joinedStep{}, fmt.Errorf("begin: %w", err)
	}
	return p, nil
}

func (p joinedStep) Commit(ctx context.Context) error {
	_, err := p.tx.ExecContext(ctx, "RELEASE SAVEPOINT "+p.name)
	return err
}

func (p joinedStep) Rollback(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	_, err := p.tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT "+p.name)
	return err
}

// conn runs statements outside of a savepoint.
func (j *joined) conn() conn {
	if j.tx == nil {
		return noTx{}
	}
	return j.tx
}

type noTx struct{}

func (noTx) ExecContext(context.Context, string, ...any) (sql.Result, error) { return nil, errNoTx }
func (noTx) QueryContext(context.Context, string, ...any) (*sql.Rows, error) { return nil, errNoTx }
