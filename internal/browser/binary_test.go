package browser_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/webhook"
)

// A person does a whole reset with the single binary: with its page and its CAPTCHA.
// The message is sent through its webhook.
func TestBinary(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	messages := make(chan webhook.Data, 10)
	phone := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var p webhook.Payload
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
			t.Errorf("webhook: %v", err)
		}
		messages <- p.Data
	}))
	t.Cleanup(phone.Close)
	b := buildBinary(t)
	b.run("", "client", "add", "-id", "app")
	b.run(oldPassword, "user", "add", "-mobile", mobile)
	addr := b.serve("-sms", "webhook="+phone.URL, "-captcha", "altcha", "-service-name", "Harbour",
		"-page", "on", "-page-client", "app", "-page-sign-in", "/healthz")

	s := &site{t: t, URL: "http://" + addr}
	tb := s.open("/.well-known/change-password")
	tb.ask(mobile)
	tb.until("document.body.dataset.step === 'code'") // the browser solves the challenge without the person
	code := next(t, messages, sms.KindVerifyCode).Params["code"]
	tb.set(wrong(code), newPassword)
	tb.says("#code-fault", "wrong or has expired")
	tb.set(code, newPassword)
	tb.at("done")
	next(t, messages, sms.KindPasswordChanged)
	if got := eval[string](tb, "document.querySelector('a.main').getAttribute('href')"); got != "/healthz" {
		t.Errorf("the last step leads to %q", got)
	}
	b.run(newPassword, "user", "check", "-mobile", mobile)
}

func next(t *testing.T, messages <-chan webhook.Data, kind sms.Kind) webhook.Data {
	t.Helper()
	select {
	case m := <-messages:
		if m.To != e164 || m.Kind != kind {
			t.Fatalf("the message to %s is of kind %s, want %s", m.To, m.Kind, kind)
		}
		return m
	case <-time.After(patience):
		t.Fatalf("no message of kind %s", kind)
		panic("unreachable")
	}
}

// program is the single binary in its own folder.
type program struct {
	t         *testing.T
	path, dir string
}

func buildBinary(t *testing.T) *program {
	t.Helper()
	dir := t.TempDir()
	p := &program{t, filepath.Join(dir, "rekey"), dir}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", p.path, "./rekey")
	build.Dir = "../../examples"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return p
}

func (p *program) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.path, args...)
	cmd.Dir = p.dir
	cmd.Env = []string{"HOME=" + p.dir, "TMPDIR=" + os.TempDir(), "REKEY_WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
	return cmd
}

// run runs a command and waits for its end. The password is its standard input.
func (p *program) run(stdin string, args ...string) {
	p.t.Helper()
	cmd := p.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %v: %s", args, err, out)
	}
}

// serve starts the server and returns its address.
func (p *program) serve(args ...string) (addr string) {
	p.t.Helper()
	cmd := p.command(append([]string{"serve", "-addr", "127.0.0.1:0"}, args...)...)
	logs, err := cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	serving := make(chan string, 1)
	ended := make(chan struct{})
	var seen bytes.Buffer
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(logs); lines.Scan(); {
			seen.WriteString(lines.Text() + "\n")
			var line struct{ Msg, Addr string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				serving <- line.Addr
			}
		}
	}()
	p.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if err := cmd.Wait(); err != nil {
			p.t.Errorf("serve: %v\n%s", err, &seen)
		}
	})
	select {
	case addr = <-serving:
		return addr
	case <-ended:
		p.t.Fatalf("serve ended: %s", &seen)
	case <-time.After(patience):
		p.t.Fatal("serve does not serve")
	}
	panic("unreachable")
}
