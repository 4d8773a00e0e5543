// Command soak answers the question: does anything grow without end? It keeps a service
// busy for months of a simulated clock, one day in each round. It purges, and prints the
// rows of each table, the size of the database and the number of goroutines. After the
// longest retention nothing may grow any more.
//
//	go run ./internal/measure/soak -engine sqlite -days 200
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

func main() {
	engine := flag.String("engine", "sqlite", "database: "+strings.Join(databases.Engines, ", "))
	days := flag.Int("days", 200, "how long the run lasts by the service's clock")
	flag.Parse()
	if err := run(context.Background(), *engine, *days); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

const (
	perDay    = 60 // sends and guesses in a day of the clock
	retention = 48 * time.Hour
	// settledAfter is the day from which rows must not grow by more than a tenth.
	settledAfter = 10
)

var tables = []string{"rekey_codes", "rekey_limits", "rekey_messages", "rekey_receipts", "rekey_events", "rekey_users"}

// sender delivers immediately.
type sender struct{}

func (sender) Send(_ context.Context, m sms.Message) (sms.Accepted, error) {
	return sms.Accepted{Provider: "soak", Ref: m.ID}, nil
}

func run(ctx context.Context, engine string, days int) (err error) {
	dir, err := os.MkdirTemp("", "rekey-soak-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	database, err := databases.Fresh(ctx, engine, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Drop()) }()
	store, err := database.Open(ctx, 4)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.DB().Close()) }()
	clock := identitytest.NewClock(time.Now())
	svc, err := identity.New(identity.Config{
		Store: store, SMS: sender{}, Secret: identity.NewSecret(strings.Repeat("s", 32)), Now: clock.Now, AnswerStep: -1,
		MessageRetention: retention, EventRetention: retention,
	})
	if err != nil {
		return err
	}
	if err := svc.RegisterClient(ctx, identity.Client{ID: workload.ClientID}); err != nil {
		return err
	}
	fmt.Println("  day  codes limits messages receipts events users    size KiB  goroutines")
	settled := 0
	for day := 1; day <= days; day++ {
		if err := work(ctx, svc, clock, day); err != nil {
			return err
		}
		if err := deliver(ctx, svc, store); err != nil {
			return err
		}
		if err := purge(ctx, store, clock.Now()); err != nil {
			return err
		}
		rows, size, err := measure(ctx, store)
		if err != nil {
			return err
		}
		total := 0
		for _, n := range rows {
			total += n
		}
		if day%10 == 0 || day == days {
			fmt.Printf("%5d  %5d %6d %8d %8d %6d %5d  %10d  %10d\n", day, rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], size>>10, runtime.NumGoroutine())
		}
		switch {
		case day == settledAfter:
			settled = total
		case day > settledAfter && total > settled+settled/10:
			return fmt.Errorf("%d rows after %d days, %d after %d", total, day, settled, settledAfter)
		}
	}
	return nil
}

// work is a day of sends and wrong guesses, by numbers known and unknown.
func work(ctx context.Context, svc *identity.Service, clock *identitytest.Clock, day int) error {
	for i := range perDay {
		clock.Advance(24 * time.Hour / perDay)
		number := workload.Number(day*perDay + i)
		caller := workload.Caller()
		caller.Device = number
		err := svc.SendVerifyCode(ctx, identity.SendRequest{Caller: caller, Mobile: number, Purpose: identity.PurposeForgotPassword})
		if _, limited := errors.AsType[*identity.RateLimitedError](err); err != nil && !limited {
			return err
		}
		err = svc.ResetByMobile(ctx, identity.ResetRequest{Caller: caller, Mobile: number, Code: identity.NewSecret("123456"), Password: identity.NewSecret(workload.Password)})
		if _, limited := errors.AsType[*identity.RateLimitedError](err); err != nil && !limited && !errors.Is(err, identity.ErrCodeRefused) {
			return err
		}
	}
	return nil
}

// purge removes what is over, as Run does once it trusts the clock.
func purge(ctx context.Context, store *bunstore.Store, now time.Time) error {
	const most = 1000
	for {
		n, err := store.Purge(ctx, identity.Purge{Now: now, MessagesBefore: now.Add(-retention), EventsBefore: now.Add(-retention), Max: most})
		if err != nil || n < most {
			return err
		}
	}
}

// deliver runs the service until nothing is pending.
func deliver(ctx context.Context, svc *identity.Service, store *bunstore.Store) error {
	running, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- svc.Run(running) }()
	for {
		var pending int
		if err := store.DB().DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM rekey_messages WHERE state = 'pending'").Scan(&pending); err != nil {
			return err
		}
		if pending == 0 || running.Err() != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	return <-done
}

// measure counts rows, and the bytes that the engine says it takes. PostgreSQL's
// are taken after a VACUUM, which its autovacuum does in time.
func measure(ctx context.Context, store *bunstore.Store) (rows []int, size int64, err error) {
	db := store.DB().DB
	for _, table := range tables {
		var n int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
			return nil, 0, err
		}
		rows = append(rows, n)
	}
	query := "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	switch store.DB().Dialect().Name() {
	case dialect.PG:
		if _, err := db.ExecContext(ctx, "VACUUM"); err != nil {
			return nil, 0, err
		}
		query = "SELECT pg_database_size(current_database())"
	case dialect.MySQL:
		query = "SELECT CAST(SUM(data_length + index_length) AS SIGNED) FROM information_schema.tables WHERE table_schema = DATABASE()"
	}
	err = db.QueryRowContext(ctx, query).Scan(&size)
	return rows, size, err
}
