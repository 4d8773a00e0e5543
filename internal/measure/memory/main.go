// Command memory answers the question: how much memory does a flood of valid resets
// cost the single binary? It builds and starts examples/rekey, has it send a code to each of many
// users, redeems all of them at the same time, and prints the process's peak of resident
// memory (VmHWM of /proc, Linux) beside the bound: concurrent hashes × 19 MiB + a constant.
// GOMEMLIMIT in the environment reaches the server, which sets one of its own
// otherwise; GOMEMLIMIT=off shows what that is good for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/binary"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

func main() {
	resets := flag.Int("resets", 1000, "resets in flight at the same time")
	constant := flag.Int("constant", 64, "memory that the bound allows besides the hashes, in MiB")
	flag.Parse()
	if err := run(context.Background(), *resets, *constant); err != nil {
		fmt.Fprintln(os.Stderr, "memory:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, resets, constant int) (err error) {
	dir, err := os.MkdirTemp("", "rekey-memory-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program, err := binary.Build(ctx, dir)
	if err != nil {
		return err
	}
	database, err := databases.Fresh(ctx, "sqlite", dir)
	if err != nil {
		return err
	}
	if err := workload.SeedDatabase(ctx, database, binary.Secret, resets); err != nil {
		return err
	}
	inbox, err := binary.Listen()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inbox.Close()) }()
	server, err := binary.Serve(ctx, program, database.Address, inbox, "-max-conns-per-address", "1024")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()

	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: resets}}
	codes, err := send(ctx, client, server.Base, inbox, resets)
	if err != nil {
		return err
	}
	idle, _, err := server.Memory()
	if err != nil {
		return err
	}

	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range resets {
		wg.Go(func() {
			<-start
			status, postErr := workload.Post(ctx, client, server.Base+workload.ResetPath, map[string]string{
				"mobile": workload.Number(i), "verify_code": codes[i], "password": workload.Password,
			})
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
			err = errors.Join(err, postErr)
		})
	}
	began := time.Now()
	close(start)
	wg.Wait()
	took := time.Since(began)
	if err != nil {
		return err
	}
	_, peak, err := server.Memory()
	if err != nil {
		return err
	}
	bound := runtime.GOMAXPROCS(0)*19 + constant
	fmt.Printf("%d resets at the same time: %d answered 200, %d answered 503; resident before %d MiB, peak %d MiB, bound %d MiB (%d hashes × 19 + %d); %.1f resets/s\n",
		resets, statuses[http.StatusOK], statuses[http.StatusServiceUnavailable], idle, peak, bound, runtime.GOMAXPROCS(0), constant,
		float64(statuses[http.StatusOK])/took.Seconds())
	switch {
	case statuses[http.StatusOK]+statuses[http.StatusServiceUnavailable] != resets:
		return fmt.Errorf("other answers: %v", statuses)
	case peak > bound:
		return errors.New("the peak is above the bound")
	}
	return nil
}

// send asks for a code for each user and returns them.
func send(ctx context.Context, client *http.Client, base string, inbox *binary.Inbox, resets int) ([]string, error) {
	codes := make([]string, resets)
	for i := range codes {
		status, err := workload.Post(ctx, client, base+workload.SendPath, map[string]string{
			"mobile": workload.Number(i), "type": string(identity.PurposeForgotPassword),
		})
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("send: status %d: %w", status, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for i := range codes {
		var err error
		if codes[i], err = inbox.Code(ctx, "+86"+workload.Number(i)); err != nil {
			return nil, err
		}
	}
	return codes, nil
}
