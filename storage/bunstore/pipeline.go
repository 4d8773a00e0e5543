package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"reflect"

	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
)

// Pipeline sends several statements to PostgreSQL in one round trip. It is safe for
// concurrent use. Package storage/pgxpipeline implements it for the driver pgx.
type Pipeline interface {
	// Send runs the statements on the connection, in their order, and stops at the first
	// one that fails. It returns, for each statement before that one, how many rows it
	// changed or returned. The statements may begin and end a transaction. Placeholders are
	// $1, $2 and so on.
	Send(ctx context.Context, conn *sql.Conn, statements []Statement) (rows []int64, err error)
}

// Statement is one statement of a [Pipeline].
type Statement struct {
	Query string
	Args  []any
	// Row, if not nil, is called for each row that the statement returns. scan copies the
	// columns into pointers, as [sql.Rows.Scan] does. The error of Row ends Send.
	Row func(columns []string, scan func(into ...any) error) error
}

// WithPipeline makes the store send statements together where it can, which halves the
// round trips of a reset on PostgreSQL. New refuses it on other engines, and a nil Pipeline.
func WithPipeline(p Pipeline) Option {
	return func(s *Store) error {
		if s.engine.name != dialect.PG || p == nil {
			return errors.New("bunstore: WithPipeline: needs a Pipeline, and PostgreSQL")
		}
		s.pipeline = p
		return nil
	}
}

// pipelined returns the transaction if it has a pipeline; otherwise nil.
func (t *statements) pipelined() *pipelinedTx {
	own, _ := t.conn.(*pipelinedTx)
	return own
}

// queryPipelined is queryOnce in a transaction with a pipeline.
func queryPipelined[M any](ctx context.Context, t *statements, own *pipelinedTx, q string, args []any) (models []M, err error) {
	table := t.db.Table(reflect.TypeFor[M]())
	_, err = own.now(ctx, Statement{Query: t.engine.rebind(q), Args: args, Row: func(columns []string, scan func(...any) error) error {
		var m M
		into := make([]any, len(columns))
		for i, c := range columns {
			field, err := table.Field(c)
			if err != nil {
				return err
			}
			into[i] = field.Value(reflect.ValueOf(&m).Elem()).Addr().Interface()
		}
		err := scan(into...)
		models = append(models, m)
		return err
	}})
	if err != nil {
		return nil, err
	}
	return models, nil
}

// later runs a statement whose rows nobody reads. In a transaction with a pipeline it waits
// for the next statement, and the error is returned there. It is ErrAlreadyExists if a
// unique key refuses a row. check, if not nil, gets how many rows the statement changed or,
// with a pipeline, returned.
func (t *tx) later(check func(rows int64) error, query string, args ...any) error {
	if own := t.pipelined(); own != nil {
		own.later(Statement{Query: t.engine.rebind(query), Args: args}, check)
		return nil
	}
	n, err := t.exec(query, args...)
	switch {
	case err != nil && t.engine.duplicate(err):
		return identity.ErrAlreadyExists
	case err == nil && check != nil:
		return check(n)
	}
	return err
}

// unlessOne returns a check that fails with err unless there is one row.
func unlessOne(err error) func(rows int64) error {
	return func(rows int64) error {
		if rows != 1 {
			return err
		}
		return nil
	}
}
