package userimport

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// begin begins a transaction that a store can use.
func begin(ctx context.Context, db *bun.DB) (bunstore.Tx, error) {
	engine := db.Dialect().Name()
	options := &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	if engine == dialect.SQLite {
		options = nil
	}
	tx, err := db.DB.BeginTx(ctx, options)
	if err != nil || engine == dialect.PG { // its driver prepares statements itself, if the proxy in between allows that
		return tx, err
	}
	return prepared{tx, map[string]*sql.Stmt{}}, nil
}

// prepared is a transaction that compiles each statement once for all lines. It is not
// safe for concurrent use. The statements are closed with the transaction.
type prepared struct {
	*sql.Tx
	statements map[string]*sql.Stmt
}

func (p prepared) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	s := p.statements[query]
	if s == nil {
		var err error
		if s, err = p.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
		p.statements[query] = s
	}
	return s, nil
}

func (p prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if len(args) == 0 { // a savepoint, each with a name of its own
		return p.Tx.ExecContext(ctx, query)
	}
	s, err := p.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (p prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}
