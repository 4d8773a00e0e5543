// Command memory answers the question: how much memory does a flood of valid resets
// cost the single binary? It builds and starts examples/rekey, has it send a code to each of many
// users, redeems all of them at once, and prints the process's peak of resident
// memory (VmHWM of /proc, Linux) beside the bound: hashes at once × 19 MiB + a constant.
// GOMEMLIMIT in the environment reaches the server, which sets one of its own
// otherwise; GOMEMLIMIT=off shows what that is good for.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

func main() {
	resets := flag.Int("resets", 200, "resets in flight at once")
	constant := flag.Int("constant", 64, "what the bound adds to the hashes' memory, in MiB")
	flag.Parse()
	if err := run(context.Background(), *resets, *constant); err != nil {
		fmt.Fprintln(os.Stderr, "memory:", err)
		os.Exit(1)
	}
}

const many = "100000/1h"

func run(ctx context.Context, resets, constant int) (err error) {
	dir, err := os.MkdirTemp("", "rekey-memory-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	inbox, url, err := listen()
	if err != nil {
		return err
	}
	if err := prepare(ctx, filepath.Join(dir, "rekey.db"), resets); err != nil {
		return err
	}
	base, pid, stop, err := serve(ctx, dir, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()

	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: resets}}
	for i := range resets {
		status, err := workload.Post(ctx, client, base+workload.SendPath, map[string]string{
			"mobile": workload.Number(i), "type": string(identity.PurposeForgotPassword),
		})
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("send: status %d: %w", status, err)
		}
	}
	codes := make(map[string]string, resets)
	for len(codes) < resets {
		select {
		case m := <-inbox:
			codes[m.to] = m.code
		case <-time.After(30 * time.Second):
			return fmt.Errorf("only %d of %d codes arrived", len(codes), resets)
		}
	}
	idle, _, err := memory(pid)
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
			status, postErr := workload.Post(ctx, client, base+workload.ResetPath, map[string]string{
				"mobile": workload.Number(i), "verify_code": codes["+86"+workload.Number(i)], "password": workload.Password,
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
	_, peak, err := memory(pid)
	if err != nil {
		return err
	}
	bound := runtime.GOMAXPROCS(0)*19 + constant
	fmt.Printf("%d resets at once: %d answered 200, %d answered 503; resident before %d MiB, peak %d MiB, bound %d MiB (%d hashes × 19 + %d); %.1f resets/s\n",
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

func prepare(ctx context.Context, path string, users int) error {
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	svc, err := identity.New(identity.Config{Store: store, SMS: nobody{}, Secret: identity.NewSecret(strings.Repeat("x", 32))})
	if err == nil {
		err = svc.RegisterClient(ctx, identity.Client{ID: workload.ClientID})
	}
	if err == nil {
		err = (&workload.Service{Service: svc}).Users(ctx, 0, users)
	}
	return errors.Join(err, store.Close())
}

type nobody struct{}

// Send implements sms.Sender.
func (nobody) Send(context.Context, sms.Message) (sms.Accepted, error) {
	return sms.Accepted{}, errors.New("nothing is sent here")
}

type message struct{ to, code string }

// listen receives the server's webhook.
func listen() (inbox chan message, url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	inbox = make(chan message, 10_000)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Data struct {
				To     string            `json:"to"`
				Params map[string]string `json:"params"`
			} `json:"data"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if code := body.Data.Params["code"]; code != "" {
			inbox <- message{body.Data.To, code}
		}
	})
	go func() { _ = (&http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}).Serve(l) }()
	return inbox, "http://" + l.Addr().String() + "/sms", nil
}

// serve builds and starts the single binary, and waits until it answers.
func serve(ctx context.Context, dir, webhook string) (base string, pid int, stop func() error, err error) {
	binary := filepath.Join(dir, "server")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/seed-16109ab2/rekey/examples/rekey").CombinedOutput(); err != nil {
		return "", 0, nil, fmt.Errorf("build: %w: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", 0, nil, err
	}
	addr := l.Addr().String()
	_ = l.Close()
	cmd := exec.CommandContext(ctx, binary, "serve", "-new-secret", "-addr", addr, "-db", filepath.Join(dir, "rekey.db"), "-sms", "webhook="+webhook,
		"-sends-per-address", many, "-sends-per-network", many, "-budget-total", many, "-budget-per-client", many, "-budget-per-tenant", many,
		"-budget-per-prefix", many, "-refusals-per-address", many, "-refusals-per-network", many,
		"-failures-per-address", many, "-failures-per-network", many, "-code-lifetime", "10m", "-max-conns-per-address", "1024")
	cmd.Env = append(os.Environ(), "REKEY_WEBHOOK_SECRET=whsec_"+strings.Repeat("QUFB", 8))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return "", 0, nil, err
	}
	stop = func() error {
		_ = cmd.Process.Signal(os.Interrupt)
		return cmd.Wait()
	}
	base = "http://" + addr
	for range 300 {
		resp, err := http.Get(base + "/healthz")
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			return base, cmd.Process.Pid, stop, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return "", 0, nil, fmt.Errorf("the server does not answer: %w: %s", stop(), log.String())
}

// memory reads the resident set and its peak, in MiB.
func memory(pid int) (now, peak int, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.Atoi(fields[1])
		switch fields[0] {
		case "VmRSS:":
			now = kib >> 10
		case "VmHWM:":
			peak = kib >> 10
		}
	}
	return now, peak, nil
}
