// Package binary builds the single binary, starts it as a separate process, and
// receives its messages, for the programs under measure.
package binary

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Build builds examples/rekey into the folder, as releases are built, and returns the program's path.
func Build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "rekey-server")
	build := exec.CommandContext(ctx, "go", "build", "-tags", "grpcnotrace", "-o", path, "github.com/seed-16109ab2/rekey/examples/rekey")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build examples/rekey: %w: %s", err, out)
	}
	return path, nil
}

// Secret is the service's secret, for a program that prepares the database.
const Secret = "a secret for measuring servers, 40 bytes"

// Process is a running server.
type Process struct {
	// Base is the URL below which the routes are.
	Base string

	cmd  *exec.Cmd
	done chan struct{} // closed when its output has ended

	mu   sync.Mutex
	last []string // lines of its log
}

// tail is how many lines of the log an error shows.
const tail = 5

// limits are flags that lift each limit that could refuse a program that measures.
var limits = []string{
	"sends-per-number-and-network", "sends-per-number", "sends-per-known-device", "sends-per-address", "sends-per-subnet", "sends-per-network",
	"failures-per-number-and-network", "failures-per-number", "failures-per-address", "failures-per-subnet", "failures-per-network",
	"failures-total", "refusals-per-address", "refusals-per-subnet", "refusals-per-network",
	"budget-total", "budget-per-client", "budget-per-tenant", "budget-per-prefix",
}

// Unlimited returns the flags that lift every limit of numbers, networks and money.
func Unlimited() []string {
	flags := []string{"-send-cooldown", "0", "-failures-per-known-device", "100+1/1s"}
	for _, limit := range limits {
		flags = append(flags, "-"+limit, "1000000/1h")
	}
	return flags
}

// Serve starts the program on a database and returns when it serves. Its messages go to
// the inbox. All limits on numbers, networks and money are lifted; the given flags take
// precedence.
func Serve(ctx context.Context, program, database string, inbox *Inbox, flags ...string) (*Process, error) {
	args := []string{"serve", "-addr", "127.0.0.1:0", "-sms", "webhook=" + inbox.URL, "-code-lifetime", "10m"}
	args = append(args, Unlimited()...)
	p := &Process{cmd: exec.CommandContext(ctx, program, append(args, flags...)...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "REKEY_DB="+database, "REKEY_SECRET="+Secret, "REKEY_WEBHOOK_SECRET="+webhookSecret)
	logs, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	addr := make(chan string, 1)
	go p.read(bufio.NewScanner(logs), addr)
	select {
	case a := <-addr:
		p.Base = "http://" + a
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("the server does not start: %w", p.Stop())
	case <-time.After(time.Minute):
		return nil, errors.Join(errors.New("the server does not start within a minute"), p.Stop())
	}
}

// read keeps the last lines of the log and finds the server's address in it.
func (p *Process) read(lines *bufio.Scanner, addr chan<- string) {
	defer close(p.done)
	for lines.Scan() {
		var line struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			addr <- line.Addr
		}
		p.mu.Lock()
		p.last = append(p.last, lines.Text())
		p.last = p.last[max(0, len(p.last)-tail):]
		p.mu.Unlock()
	}
}

// Stop ends the server regularly and returns how it ended. If it failed, the error
// shows its last lines.
func (p *Process) Stop() error {
	_ = p.cmd.Process.Signal(os.Interrupt) // it may have exited already
	<-p.done
	if err := p.cmd.Wait(); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		return fmt.Errorf("the server ended with %w; its log:\n%s", err, strings.Join(p.last, "\n"))
	}
	return nil
}
