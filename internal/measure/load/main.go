// Command load answers the question: how close do whole resets over HTTP come to the
// rate of their one password hash, and sends and guesses to the rate of bare commits, in
// the same run, on SQLite and PostgreSQL? It prints each rate, its ratio to the limit,
// and the goal of the ratio. Nothing but a failure makes it fail.
//
//	go run ./internal/measure/load -engines sqlite,postgres
//
// Answers are not rounded up to [identity.Config.AnswerStep], because waiting takes no
// processor time; -answer-step 10ms measures what 64 callers get who each wait for their
// answer. Server and clients are one process. A reset here is its one request; its code is
// sent before. The hash alone runs with as many callers, before and after, in a process of
// its own: 64 hashes at the same time take 1.2 GB, and a process that has given memory back
// takes it again page by page. Bare commits are one row each, by as many callers as the
// sends and guesses have.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

func main() {
	engines := flag.String("engines", "sqlite", "databases, comma-separated: "+strings.Join(databases.Engines, ", "))
	clients := flag.String("clients", "1,8,64", "clients at the same time, comma-separated; the last are those of sends, guesses and commits")
	resets := flag.Int("resets", 400, "resets with each number of clients; with one client, 50")
	steps := flag.Int("steps", 4000, "sends, guesses and commits")
	step := flag.Duration("answer-step", -1, "round the time of sends and refusals up to a multiple; negative for not at all")
	alone := flag.Bool("hash-alone", false, "only compute -resets hashes, by -clients callers (one number), and print how many a second")
	flag.Parse()
	if *alone {
		var r rate
		callers, err := strconv.Atoi(*clients)
		if err == nil {
			r, err = parallel(callers, *resets, hash)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
			os.Exit(1)
		}
		fmt.Println(r.second)
		return
	}
	if err := run(context.Background(), strings.Split(*engines, ","), *clients, *resets, *steps, *step); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, engines []string, clients string, resets, steps int, step time.Duration) error {
	var counts []int
	for text := range strings.SplitSeq(clients, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-clients: %q is not a number above 0", text)
		}
		counts = append(counts, n)
	}
	for _, engine := range engines {
		err := measure(ctx, engine, counts, resets, steps, step)
		if errors.Is(err, databases.ErrNoServer) {
			_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", engine, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return nil
}

// goals are the least ratios of guesses and sends to bare commits.
var goals = map[string]struct{ guesses, sends float64 }{
	"sqlite":   {0.8, 0.5},
	"postgres": {4 * 350.0 / 10_000, 4 * 440.0 / 10_000}, // four times those of the first version
}

func measure(ctx context.Context, engine string, clients []int, resets, steps int, step time.Duration) (err error) {
	dir, err := os.MkdirTemp("", "rekey-load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	database, err := databases.Fresh(ctx, engine, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Drop()) }()
	s, err := serve(ctx, database, clients[len(clients)-1], step)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fmt.Printf("\n%-30s a second   limit a second         ratio   goal  processor ms each\n", engine)
	if err := s.storage(ctx, engine, clients[len(clients)-1], steps); err != nil {
		return err
	}
	for _, n := range clients {
		if err := s.resets(ctx, n, resets); err != nil {
			return err
		}
	}
	return nil
}

// row prints a rate beside its limit; no goal if it is 0.
func row(what string, r rate, limit string, of, goal float64) {
	text := "-"
	if goal > 0 {
		text = fmt.Sprintf("%.2f", goal)
	}
	fmt.Printf("%-30s %8.1f  %8.1f %-12s %5.2f   %-4s  %.2f\n", what, r.second, of, limit, r.second/of, text, 1000*r.processor)
}

// hashAlone returns how many of n hashes a process of its own computes a second.
func hashAlone(ctx context.Context, callers, n int) (float64, error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	child := exec.CommandContext(ctx, program, "-hash-alone", "-clients", strconv.Itoa(callers), "-resets", strconv.Itoa(n))
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return 0, fmt.Errorf("the hash alone: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

var params = &argon2id.Params{Memory: 19_456, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

func hash(int) error {
	_, err := argon2id.CreateHash(workload.Password+rand.Text()[:4], params)
	return err
}

// rate is how many calls there were in a second, and how many seconds of processor time
// this process spent on each: server, clients and, for SQLite, the engine.
type rate struct{ second, processor float64 }

// parallel calls f n times from so many goroutines.
func parallel(goroutines, n int, f func(i int) error) (r rate, err error) {
	var next atomic.Int64
	var once sync.Once
	var wg sync.WaitGroup
	start, spent := time.Now(), processor()
	for range goroutines {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if e := f(i); e != nil {
					once.Do(func() { err = e })
					return
				}
			}
		})
	}
	wg.Wait()
	return rate{float64(n) / time.Since(start).Seconds(), (processor() - spent).Seconds() / float64(n)}, err
}

// processor returns the processor time of this process so far.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
