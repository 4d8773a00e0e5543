package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/sms/webhook"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "rekey-server-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "rekey")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// patience is how long a test waits for something that must happen; no test measures
// time.
const patience = 30 * time.Second

const (
	clientID      = "DRrYIqauawN0I8myTMoDTPys6ezGZxnm"
	mobile        = "12345678901"
	oldPassword   = "violet-Harbor-93"
	newPassword   = "amber-Lantern-27"
	webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// command is the binary in dir, with the given variables as its environment.
func command(ctx context.Context, dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"HOME=" + dir, "TMPDIR=" + os.TempDir()}, env...)
	return cmd
}

type result struct {
	out, err string
	code     int
}

func runEnv(t *testing.T, dir string, env []string, stdin string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(ctx, dir, env, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

func run(t *testing.T, dir, stdin string, args ...string) result {
	t.Helper()
	return runEnv(t, dir, nil, stdin, args...)
}

func mustRun(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	r := run(t, dir, stdin, args...)
	if r.code != 0 {
		t.Fatalf("%v: exit status %d: %s", args, r.code, r.err)
	}
	return r.out
}

// seed registers the application and the user.
func seed(t *testing.T, dir string) {
	t.Helper()
	mustRun(t, dir, "", "client", "add", "-id", clientID)
	mustRun(t, dir, oldPassword+"\n", "user", "add", "-mobile", mobile)
}

// process is a running serve.
type process struct {
	*exec.Cmd
	addr string
	line map[string]any // the log line that says so
	logs *lockedBuffer
	out  *lockedBuffer
	done chan struct{}
}

func start(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: command(context.Background(), dir, env, append([]string{"serve", "-addr", "127.0.0.1:0"}, args...)...),
		logs: &lockedBuffer{}, out: &lockedBuffer{wrote: make(chan struct{}, 1)}, done: make(chan struct{})}
	p.Stdout = p.out
	logs, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); <-p.done })
	serving := make(chan map[string]any, 1)
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(logs)
		for lines.Scan() {
			_, _ = p.logs.Write(append(lines.Bytes(), '\n'))
			var line map[string]any
			if json.Unmarshal(lines.Bytes(), &line) == nil && line["msg"] == "serving" {
				serving <- line
			}
		}
		_ = p.Wait()
	}()
	select {
	case p.line = <-serving:
		p.addr, _ = p.line["addr"].(string)
	case <-p.done:
		t.Fatalf("serve ended: %s", p.logs)
	case <-time.After(patience):
		t.Fatalf("serve does not serve: %s", p.logs)
	}
	return p
}

func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("serve does not end: %s", p.logs)
	}
	return p.ProcessState.ExitCode()
}

type lockedBuffer struct {
	mu    sync.Mutex
	b     bytes.Buffer
	wrote chan struct{} // if not nil, receives a value when something was written since the last read
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.wrote <- struct{}{}:
	default:
	}
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// receiver is the service that -sms webhook=URL posts to.
type receiver struct {
	*httptest.Server
	messages   chan webhook.Data
	down       atomic.Bool
	seen       chan struct{} // receives a value when a message came since the last read
	refused    chan struct{} // receives a value for each request while down
	signatures atomic.Int64  // that the last request carried
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{messages: make(chan webhook.Data, 100), seen: make(chan struct{}, 1), refused: make(chan struct{}, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var p webhook.Payload
		r.signatures.Store(int64(len(strings.Fields(req.Header.Get("Webhook-Signature")))))
		if err := json.NewDecoder(req.Body).Decode(&p); err != nil || r.signatures.Load() == 0 {
			t.Errorf("webhook request malformed: %v", err)
		}
		if r.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			r.refused <- struct{}{}
			return
		}
		r.messages <- p.Data
		select {
		case r.seen <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) next(t *testing.T) webhook.Data {
	t.Helper()
	return receive(t, r.messages, "an SMS")
}

func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

func webhookEnv() []string { return []string{"REKEY_WEBHOOK_SECRET=" + webhookSecret} }

// The documented example, compared byte by byte.
const head = `POST %s HTTP/1.1
Host: %s
Content-Type: application/json;charset=utf8
Content-Length: %d
X-operating-sys-version: Android 10
X-device-fingerprint: 156aysdna213sac
X-device-ip: 10.10.10.1
X-agent: Mozilla/5.0 (Linux; Android 10; Redmi K30 Build/QKQ1.190825.002; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/80.0.3987.99 Mobile Safari/537.36
X-L: zh
X-client-id: DRrYIqauawN0I8myTMoDTPys6ezGZxnm
X-tenant-id: 08f770f51f80d2f40f38c00cb199fd21

`

const (
	sendPath  = "/api/v2/sdk/sms/send"
	resetPath = "/api/v2/sdk/pwd/update-by-mobile"
	sendBody  = `{ "mobile": "12345678901", "type": "FORGET_PWD_SMS" }`
)

func resetBody(code, password string) string {
	return fmt.Sprintf(`{ "mobile": "12345678901", "verify_code": "%s", "password": "%s" }`, code, password)
}

func request(addr, path, body string) string {
	return strings.ReplaceAll(fmt.Sprintf(head, path, addr, len(body)), "\n", "\r\n") + body
}

// exchange writes a request and reads its answer.
func exchange(t *testing.T, addr, path, body string) (status int, answer string) {
	t.Helper()
	conn := dial(t, addr)
	write(t, conn, request(addr, path, body))
	return readAnswer(t, conn)
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func readAnswer(t *testing.T, conn net.Conn) (status int, answer string) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func mustPost(t *testing.T, addr, path, body string) {
	t.Helper()
	if status, answer := exchange(t, addr, path, body); status != http.StatusOK || answer != "" {
		t.Fatalf("%s: %d %s", path, status, answer)
	}
}

func jsonLines(t *testing.T, text string) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v in line %s", err, line)
		}
		lines = append(lines, v)
	}
	return lines
}
