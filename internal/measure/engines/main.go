// Command engines answers the question: how fast are the storage steps of a send, a guess
// and a reset on each database? In the same run, and with the same durability, it measures
// bare commits of one row for comparison. It does so for several instances, each with its
// own pool of connections, as several servers would have.
//
// A reset here is its four transactions (a user is made, a code sent, a guess
// charged, the code redeemed); the hash, which costs far more, is left out.
// SQLite commits with synchronous=FULL; PostgreSQL and MariaDB with the settings
// of their servers, by default synchronous too.
//
//	go run ./internal/measure/engines -seconds 5
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

func main() {
	engines := flag.String("engines", strings.Join(databases.Engines, ","), "databases, comma-separated")
	seconds := flag.Int("seconds", 5, "how long each figure is measured")
	instances := flag.Int("instances", 8, "the largest number of instances, doubling from 1")
	flag.IntVar(&callers, "callers", callers, "callers at the same time in each instance")
	flag.Parse()
	if err := run(context.Background(), strings.Split(*engines, ","), *instances, time.Duration(*seconds)*time.Second); err != nil {
		fmt.Fprintln(os.Stderr, "engines:", err)
		os.Exit(1)
	}
}

// callers work at the same time in each instance.
var callers = 4

func run(ctx context.Context, engines []string, most int, d time.Duration) error {
	fmt.Println("engine    instances  commits/s   sends/s (of commits)  guesses/s (of commits)  resets/s (of commits)")
	for _, engine := range engines {
		for instances := 1; instances <= most; instances *= 2 {
			rates, err := measure(ctx, engine, instances, d)
			if errors.Is(err, databases.ErrNoServer) {
				_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", engine, err)
				break
			}
			if err != nil {
				return fmt.Errorf("%s: %w", engine, err)
			}
			bare, send, guess, reset := rates[0], rates[1], rates[2], rates[3]
			fmt.Printf("%-8s  %9d  %9.0f  %8.0f (%.2f)  %16.0f (%.2f)  %15.0f (%.2f)\n",
				engine, instances, bare, send, send/bare, guess, guess/bare, reset, reset/bare)
		}
	}
	return nil
}

// measure returns bare commits, sends, guesses and resets per second.
func measure(ctx context.Context, engine string, instances int, d time.Duration) (rates [4]float64, err error) {
	dir, err := os.MkdirTemp("", "rekey-engines-")
	if err != nil {
		return rates, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	database, err := databases.Fresh(ctx, engine, dir)
	if err != nil {
		return rates, err
	}
	defer func() { err = errors.Join(err, database.Drop()) }()
	var stores []*bunstore.Store
	for range instances {
		s, err := database.Open(ctx, min(callers, 16))
		if err != nil {
			return rates, err
		}
		defer func() { _ = s.DB().Close() }()
		stores = append(stores, s)
	}
	if _, err := stores[0].DB().DB.ExecContext(ctx, "CREATE TABLE bare (id VARCHAR(64) PRIMARY KEY)"); err != nil {
		return rates, err
	}
	w := &work{}
	for i, step := range []func(context.Context, *bunstore.Store) error{w.bare, w.send, w.guess, w.reset} {
		if rates[i], err = perSecond(ctx, stores, d, step); err != nil {
			return rates, err
		}
	}
	return rates, nil
}

// perSecond has the callers of all instances repeat a step.
func perSecond(ctx context.Context, stores []*bunstore.Store, d time.Duration, step func(context.Context, *bunstore.Store) error) (float64, error) {
	var done atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, len(stores)*callers)
	began := time.Now()
	for i := range errs {
		wg.Go(func() {
			for time.Since(began) < d && errs[i] == nil {
				errs[i] = step(ctx, stores[i%len(stores)])
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), errors.Join(errs...)
}

func id() string { return rand.Text() }
