package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/binary"
	"github.com/seed-16109ab2/rekey/sms/webhook"
)

const (
	secret        = "a secret for killing servers, 40 bytes !"
	webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// server is the single binary, started again and again.
type server struct {
	program, address, webhook string
	cmd                       *exec.Cmd
	base                      string
}

// start returns once the server serves.
func (s *server) start(ctx context.Context) error {
	args := []string{"serve", "-addr", "127.0.0.1:0", "-sms", "webhook=" + s.webhook, "-hash-queue", "100"}
	s.cmd = exec.CommandContext(ctx, s.program, append(args, binary.Unlimited()...)...)
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "REKEY_DB=" + s.address, "REKEY_SECRET=" + secret, "REKEY_WEBHOOK_SECRET=" + webhookSecret}
	logs, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	addr, ended := make(chan string, 1), make(chan string, 1)
	go func() {
		last := ""
		for lines := bufio.NewScanner(logs); lines.Scan(); {
			last = lines.Text()
			var line struct{ Msg, Addr string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				addr <- line.Addr
			}
		}
		ended <- last
	}()
	select {
	case a := <-addr:
		s.base = "http://" + a
		return nil
	case last := <-ended:
		_ = s.cmd.Wait()
		return fmt.Errorf("the server does not start: %s", last)
	case <-time.After(time.Minute):
		return errors.Join(errors.New("the server does not start within a minute"), s.kill())
	}
}

// kill ends the server immediately, and waits until it is gone.
func (s *server) kill() error {
	err := s.cmd.Process.Kill()
	_ = s.cmd.Wait() // says that it was killed
	return err
}

// phone is the service behind the webhook, and the telephone of all people.
type phone struct {
	url    string
	server *http.Server

	mu      sync.Mutex
	seen    map[string]int // messages by id, how often
	notices map[string]map[string]bool
	codes   map[string]chan string // by number
}

func newPhone() (*phone, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &phone{url: "http://" + listener.Addr().String(), seen: map[string]int{}, notices: map[string]map[string]bool{}, codes: map[string]chan string{}}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Second}
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

func (p *phone) close() { _ = p.server.Close() }

// inbox holds the codes of a number that have not been read.
func (p *phone) inbox(number string) chan string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.codes[number] == nil {
		p.codes[number] = make(chan string, 1000)
	}
	return p.codes[number]
}

func (p *phone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var payload webhook.Payload
	if json.NewDecoder(r.Body).Decode(&payload) != nil {
		return // broken off
	}
	number, id := strings.TrimPrefix(payload.Data.To, "+86"), r.Header.Get("webhook-id")
	inbox := p.inbox(number)
	p.mu.Lock()
	p.seen[id]++
	first := p.seen[id] == 1
	code := payload.Data.Params["code"]
	if code == "" {
		if p.notices[number] == nil {
			p.notices[number] = map[string]bool{}
		}
		p.notices[number][id] = true
	}
	p.mu.Unlock()
	if code != "" && first {
		inbox <- code
	}
	_, _ = w.Write([]byte(`{"id":"` + id + `"}`))
}
