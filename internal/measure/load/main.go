// Command load measures how close a full HTTP reset on SQLite comes to the rate
// of its one password hash, in one run. It prints the rates and their ratios: to
// argon2id as everybody computes it, in fresh memory, and as the module does, in
// memory that it takes again.
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
	pooled "github.com/minio/argon2"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/internal/measure/workload"
)

func main() {
	callers := flag.Int("callers", 64, "callers at once")
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
		fresh, reused, err := hashRates(resets)
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
		freshAfter, reusedAfter, err := hashRates(resets)
		if err != nil {
			return err
		}
		fresh, reused = (fresh+freshAfter)/2, (reused+reusedAfter)/2
		fmt.Printf("round %d: %d callers: %.1f resets/s over HTTP on SQLite; argon2id alone %.1f hashes/s, ratio %.3f; in reused memory %.1f hashes/s, ratio %.3f\n",
			round+1, callers, rate, fresh, rate/fresh, reused, rate/reused)
	}
	flood, err := parallel(callers, min(resets, 128), hashFresh)
	if err != nil {
		return err
	}
	fmt.Printf("argon2id without a gate, %d at once: %.1f hashes/s\n", callers, flood)
	return nil
}

// hashRates are hashes a second, as many at once as the gate lets in.
func hashRates(n int) (fresh, reused float64, err error) {
	if fresh, err = parallel(runtime.GOMAXPROCS(0), n, hashFresh); err != nil {
		return 0, 0, err
	}
	derive := pooled.NewIDKey(params.Iterations, params.Memory, params.Parallelism)
	reused, err = parallel(runtime.GOMAXPROCS(0), n, func(int) error {
		derive([]byte(workload.Password), []byte(rand.Text()[:params.SaltLength]), nil, nil, params.KeyLength)
		return nil
	})
	return fresh, reused, err
}

var params = &argon2id.Params{Memory: 19_456, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

func hashFresh(int) error {
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
