// Command load answers the question: how close does a full HTTP reset on SQLite come to
// the rate of its one password hash, in the same run? It prints the rates and their ratio.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

func main() {
	callers := flag.Int("callers", 64, "callers at the same time")
	resets := flag.Int("resets", 400, "resets in a round")
	rounds := flag.Int("rounds", 3, "rounds; each measures hashes, then resets, then hashes again")
	flag.Parse()
	if err := run(context.Background(), *callers, *resets, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, callers, resets, rounds int) error {
	dir, err := os.MkdirTemp("", "rekey-load-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	svc, err := workload.New(ctx, dir, 0)
	if err != nil {
		return err
	}
	defer func() { _ = svc.Close() }()
	routes, err := httpadapter.New(svc.Service, httpadapter.Options{})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }()
	defer func() { _ = server.Close() }()
	url := "http://" + l.Addr().String() + workload.ResetPath
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}

	for round := range rounds {
		first := round * resets
		if err := svc.Users(ctx, first, first+resets); err != nil {
			return err
		}
		codes, err := svc.Codes(ctx, first, first+resets)
		if err != nil {
			return err
		}
		before, err := hashRate(resets)
		if err != nil {
			return err
		}
		rate, err := parallel(callers, resets, func(i int) error {
			status, err := workload.Post(ctx, client, url, map[string]string{
				"mobile": workload.Number(first + i), "verify_code": codes[i], "password": workload.Password + rand.Text()[:4],
			})
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("status %d", status)
			}
			return err
		})
		if err != nil {
			return err
		}
		after, err := hashRate(resets)
		if err != nil {
			return err
		}
		alone := (before + after) / 2
		fmt.Printf("round %d: %d callers: %.1f resets/s over HTTP on SQLite; argon2id alone %.1f hashes/s, ratio %.3f\n",
			round+1, callers, rate, alone, rate/alone)
	}
	flood, err := parallel(callers, min(resets, 128), hash)
	if err != nil {
		return err
	}
	fmt.Printf("argon2id without a gate, %d at the same time: %.1f hashes/s\n", callers, flood)
	return nil
}

// hashRate is how many hashes a second argon2id alone computes, with as many at
// the same time as the gate lets in.
func hashRate(n int) (float64, error) { return parallel(runtime.GOMAXPROCS(0), n, hash) }

var params = &argon2id.Params{Memory: 19_456, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

func hash(int) error {
	_, err := argon2id.CreateHash(workload.Password, params)
	return err
}

// parallel calls f n times from so many goroutines and returns calls a second.
func parallel(goroutines, n int, f func(i int) error) (rate float64, err error) {
	var next atomic.Int64
	var once sync.Once
	var wg sync.WaitGroup
	start := time.Now()
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
	return float64(n) / time.Since(start).Seconds(), err
}
