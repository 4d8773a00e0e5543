package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The service's secret is kept in another place than the database.
const secret = "a secret for losing machines, 40 bytes !"

// limits lifts the limits that people who reset all day would reach.
var limits = []string{
	"SENDS_PER_NUMBER_AND_NETWORK", "SENDS_PER_NUMBER", "SENDS_PER_KNOWN_DEVICE", "SENDS_PER_ADDRESS", "SENDS_PER_SUBNET", "SENDS_PER_NETWORK",
	"FAILURES_PER_NUMBER_AND_NETWORK", "FAILURES_PER_NUMBER", "FAILURES_PER_ADDRESS", "FAILURES_PER_SUBNET", "FAILURES_PER_NETWORK", "FAILURES_TOTAL",
	"BUDGET_TOTAL", "BUDGET_PER_CLIENT", "BUDGET_PER_TENANT", "BUDGET_PER_PREFIX",
}

// machine is the machine that is lost: a folder, the server and Litestream.
type machine struct {
	rekey, litestream, config string // programs, and the settings of Litestream
	folder, db, replica       string
	server, copier            *exec.Cmd
	serverEnded               chan struct{}
	base                      string

	mu    sync.Mutex
	codes map[string]chan string // by number
}

func newMachine(ctx context.Context, dir, litestream, settings string) (*machine, error) {
	m := &machine{rekey: filepath.Join(dir, "rekey"), folder: filepath.Join(dir, "machine"), replica: filepath.Join(dir, "replica"),
		codes: map[string]chan string{}}
	m.db = filepath.Join(m.folder, "rekey.db")
	var err error
	if m.litestream, err = exec.LookPath(cmp.Or(litestream, os.Getenv("REKEY_TEST_LITESTREAM"), "litestream")); err != nil {
		return nil, fmt.Errorf("%w: name the program in REKEY_TEST_LITESTREAM; `. .ci/services-litestream` builds it", errNoLitestream)
	}
	const module = "github.com/seed-16109ab2/rekey/examples"
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", m.rekey, module+"/rekey").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w: %s", err, out)
	}
	m.config = settings
	if m.config != "" {
		return m, os.MkdirAll(m.folder, 0o700)
	}
	examples, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", module+"/rekey").Output()
	if err != nil {
		return nil, fmt.Errorf("find the settings of Litestream: %w", err)
	}
	m.config = filepath.Join(strings.TrimSpace(string(examples)), "packaging", "litestream.yml")
	return m, os.MkdirAll(m.folder, 0o700)
}

// start starts the server and returns when it serves.
func (m *machine) start(ctx context.Context) error {
	m.server = exec.CommandContext(ctx, m.rekey, "serve", "-addr", "127.0.0.1:0", "-sms", "console", "-send-cooldown", "0", "-hash-queue", "100")
	m.server.Env = append(os.Environ(), "REKEY_DB="+m.db, "REKEY_SECRET="+secret)
	m.server.Env = append(m.server.Env, "REKEY_FAILURES_PER_KNOWN_DEVICE=1000+1/1ms")
	for _, limit := range limits {
		m.server.Env = append(m.server.Env, "REKEY_"+limit+"=1000000/1h")
	}
	messages, err := m.server.StdoutPipe()
	if err != nil {
		return err
	}
	logs, err := m.server.StderrPipe()
	if err != nil {
		return err
	}
	if err := m.server.Start(); err != nil {
		return err
	}
	addr := make(chan string, 1)
	var last string
	var wg sync.WaitGroup
	wg.Go(func() { m.receive(bufio.NewScanner(messages)) })
	wg.Go(func() {
		for lines := bufio.NewScanner(logs); lines.Scan(); {
			last = lines.Text()
			var line struct{ Msg, Addr string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				addr <- line.Addr
			}
		}
	})
	m.serverEnded = make(chan struct{})
	go func() { wg.Wait(); close(m.serverEnded) }()
	select {
	case a := <-addr:
		m.mu.Lock()
		m.base = "http://" + a
		m.mu.Unlock()
		return nil
	case <-m.serverEnded:
		return fmt.Errorf("the server does not start: %s", last)
	case <-time.After(time.Minute):
		return errors.New("the server does not start within a minute")
	}
}

var (
	head = regexp.MustCompile(`^SMS to \+86(\d+) \(verify_code`)
	code = regexp.MustCompile(`\b\d{6}\b`)
)

// receive reads the codes that the server prints on the console.
func (m *machine) receive(lines *bufio.Scanner) {
	number := ""
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "SMS to ") {
			number = ""
			if h := head.FindStringSubmatch(line); h != nil {
				number = h[1]
			}
		} else if c := code.FindString(line); c != "" && number != "" {
			m.inbox(number) <- c
			number = ""
		}
	}
}

func (m *machine) inbox(number string) chan string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.codes[number] == nil {
		m.codes[number] = make(chan string, 1000)
	}
	return m.codes[number]
}

// end sends the server a signal and waits until it has exited.
func (m *machine) end(signal os.Signal) error {
	if m.server == nil {
		return nil
	}
	_ = m.server.Process.Signal(signal) // it may have exited already
	<-m.serverEnded
	err := m.server.Wait()
	m.server = nil
	if signal != syscall.SIGKILL && err != nil {
		return fmt.Errorf("the server ends with %w", err)
	}
	return nil
}

func (m *machine) litestreams(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, m.litestream, args...)
	cmd.Env = append(os.Environ(), "REKEY_DB="+m.db, "REKEY_REPLICA=file://"+m.replica)
	return cmd
}

// copy starts Litestream.
func (m *machine) copy(ctx context.Context) error {
	m.copier = m.litestreams(ctx, "replicate", "-config", m.config)
	return m.copier.Start()
}

// endCopy kills Litestream.
func (m *machine) endCopy() {
	if m.copier != nil {
		_ = m.copier.Process.Kill()
		_ = m.copier.Wait() // says that it was killed
		m.copier = nil
	}
}

// restore restores the database from the replica. Litestream itself checks it. The
// umask keeps other users from reading the restored files.
func (m *machine) restore(ctx context.Context) error {
	cmd := m.litestreams(ctx, "restore", "-config", m.config, "-integrity-check", "full", m.db)
	cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `umask 077 && exec "$0" "$@"`}, cmd.Args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("litestream restore: %w: %s", err, out)
	}
	if info, err := os.Stat(m.db); err != nil || info.Mode().Perm() != 0o600 {
		return fmt.Errorf("the restored database has the wrong mode: %v, %w", info, err)
	}
	return nil
}

// stop ends the processes that still run.
func (m *machine) stop() {
	m.endCopy()
	_ = m.end(syscall.SIGKILL)
}
