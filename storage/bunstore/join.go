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

// Tx is an open transaction of the application: a [*sql.Tx], a [bun.Tx], or the type of
// another library, such as GORM's ConnPool inside a transaction.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	Commit() error
	Rollback() error
}

var errNoTx = errors.New("bunstore: WithTx needs an open transaction")

// WithTx returns the store bound to a transaction of the application on the same
// database. What the store writes is committed or rolled back with the rest. A method
// that fails changes nothing and leaves the transaction usable. The application
// commits; the store never does.
//
// Use the transaction and the bound store from one goroutine. If the engine ends the
// transaction, the error says so, and the application must run the transaction again.
// Begin it at READ COMMITTED on PostgreSQL and MySQL. On SQLite all other writers wait
// while it is open.
//
// WithTx is for creating people and clients together with rows of the application. Do
// not build an [identity.Service] on a bound store: the steps of a reset need their own
// transactions.
//
// With a nil or zero transaction every method of the bound store returns an error.
func (s *Store) WithTx(tx Tx) *Store {
	bound := *s
	bound.group, bound.prepared = nil, nil
	bound.batchers = batchers{}
	bound.joined = &joined{tx: unwrapped(tx)}
	return &bound
}

// unwrapped returns the transaction inside bun's type, because bun would write the
// values into the statements. It returns nil if there is no transaction inside.
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

// joinedStep is a savepoint, to which the writes of a method are rolled back if it
// fails.
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
