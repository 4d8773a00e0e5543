// Command ownusers is an application that had users before it had Rekey: its own
// table of accounts with local phone numbers and bcrypt hashes, its own routes by chi,
// its own sessions by scs. Rekey adds the reset by SMS.
//
//	go run ./examples/ownusers                                  # on a new SQLite file
//	go run ./examples/ownusers -database postgres://…           # on PostgreSQL
//
// It prints what the check of the table finds, serves on 127.0.0.1:8080, and prints
// the text messages. docs/existing-users.md goes through it step by step.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/seed-16109ab2/rekey/sms/console"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

func main() {
	database := flag.String("database", "ownusers.db", "a file for SQLite, or a postgres:// URL")
	address := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *database, *address); err != nil {
		fmt.Fprintln(os.Stderr, "ownusers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, database, address string) (err error) {
	store, err := open(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.DB().Close()) }()
	if err := prepare(ctx, out, store); err != nil {
		return err
	}
	a, err := newApp(ctx, store, console.New(out))
	if err != nil {
		return err
	}
	delivered := make(chan error, 1)
	background, stop := context.WithCancel(ctx)
	go func() { delivered <- a.rekey.Run(background) }()
	server := &http.Server{Addr: address, Handler: a.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() { <-background.Done(); _ = server.Close() }()
	err = server.ListenAndServe()
	stop()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, <-delivered)
}

// open connects to the application's database, and makes its table if the database is
// new. A real application has both already.
func open(ctx context.Context, database string) (*bunstore.Store, error) {
	if strings.HasPrefix(database, "postgres") {
		db, err := sql.Open("pgx", database)
		if err != nil {
			return nil, err
		}
		if _, err := db.ExecContext(ctx, schemaPostgres); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		return bunstore.New(bun.NewDB(db, pgdialect.New()), bunstore.WithUsers(accounts))
	}
	store, err := sqlite.Connect(database, bunstore.WithUsers(accounts))
	if err != nil {
		return nil, err
	}
	if _, err := store.DB().ExecContext(ctx, schemaSQLite); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store.Store, nil
}

// prepare adds Rekey's tables, and tells what does not fit in the application's.
func prepare(ctx context.Context, out io.Writer, store *bunstore.Store) error {
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	report, err := store.CheckUsers(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d accounts read\n%s\n", report.Rows, report)
	return err
}
