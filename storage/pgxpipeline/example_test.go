package pgxpipeline_test

import (
	"database/sql"
	"log"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/pgxpipeline"
)

// A store that sends statements together. Its pool must be one of pgx's package stdlib.
func Example() {
	pool, err := sql.Open("pgx", "postgres://rekey@localhost:5432/rekey")
	if err != nil {
		log.Fatal(err)
	}
	pool.SetMaxOpenConns(16)
	store, err := bunstore.New(bun.NewDB(pool, pgdialect.New()), bunstore.WithPipeline(pgxpipeline.Pipeline{}))
	if err != nil {
		log.Fatal(err)
	}
	_ = store // call store.Migrate, and pass the store to identity.New
}
