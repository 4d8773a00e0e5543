// Package pgxpipeline lets a store of package storage/bunstore send several statements to
// PostgreSQL in one round trip, with the driver pgx.
//
// Pass it to [bunstore.WithPipeline], with a pool that pgx's package stdlib has opened.
package pgxpipeline

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// Pipeline implements [bunstore.Pipeline]. It is safe for concurrent use.
type Pipeline struct{}

var _ bunstore.Pipeline = Pipeline{}

// Send implements [bunstore.Pipeline]. It fails for connections of another driver.
func (Pipeline) Send(ctx context.Context, conn *sql.Conn, statements []bunstore.Statement) (rows []int64, err error) {
	err = conn.Raw(func(driverConn any) error {
		c, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("pgxpipeline: the pool's connections are %T, not those of pgx's stdlib", driverConn)
		}
		batch := &pgx.Batch{}
		for _, s := range statements {
			batch.Queue(s.Query, s.Args...)
		}
		results := c.Conn().SendBatch(ctx, batch)
		for _, s := range statements {
			n, err := read(results, s)
			if err != nil {
				_ = results.Close() // its error is this one
				return err
			}
			rows = append(rows, n)
		}
		return results.Close()
	})
	return rows, err
}

// read reads the result of the next statement.
func read(results pgx.BatchResults, s bunstore.Statement) (int64, error) {
	if s.Row == nil {
		tag, err := results.Exec()
		return tag.RowsAffected(), err
	}
	rows, err := results.Query()
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var columns []string
	for rows.Next() {
		if columns == nil {
			for _, f := range rows.FieldDescriptions() {
				columns = append(columns, f.Name)
			}
		}
		if err := s.Row(columns, rows.Scan); err != nil {
			return 0, err
		}
	}
	rows.Close()
	return rows.CommandTag().RowsAffected(), rows.Err()
}
