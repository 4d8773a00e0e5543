package httpadapter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
)

// records serves requests one at a time and returns the log records.
func records(t *testing.T, f *fake, requests ...*http.Request) (lines []map[string]any, text string) {
	t.Helper()
	var b bytes.Buffer
	h := handler(t, f, httpadapter.Options{Logger: slog.New(slog.NewJSONHandler(&b, nil))})
	for _, r := range requests {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if want := strconv.Itoa(w.Body.Len()); w.Header().Get("Content-Length") != want {
			t.Errorf("Content-Length is %q, want %s", w.Header().Get("Content-Length"), want)
		}
	}
	for line := range strings.Lines(b.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, m)
	}
	return lines, b.String()
}

func request(t *testing.T, path, body string) *http.Request {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header = headers()
	r.RemoteAddr = "203.0.113.9:4711"
	return r
}

func TestEachAttemptIsLogged(t *testing.T) {
	t.Parallel()
	lines, _ := records(t, &fake{err: identity.ErrCodeRefused}, request(t, resetPath, resetBody))
	if len(lines) != 1 {
		t.Fatalf("%d records", len(lines))
	}
	line := lines[0]
	at, err := time.Parse(time.RFC3339Nano, line["time"].(string))
	if err != nil || !strings.HasSuffix(line["time"].(string), "Z") || time.Since(at) > time.Hour {
		t.Errorf("time is %v, %v", line["time"], err)
	}
	if d, ok := line["duration"].(float64); !ok || d < 0 {
		t.Errorf("duration is %v", line["duration"])
	}
	delete(line, "time")
	delete(line, "duration")
	want := map[string]any{
		"level": "INFO", "msg": "request answered", "route": resetPath, "status": 400.0, "error_code": "SDK.SMS.1005",
		"client": "DRrYIqauawN0I8myTMoDTPys6ezGZxnm", "address": "203.0.113.9", "language": "",
	}
	if d := cmp.Diff(want, line); d != "" {
		t.Error(d)
	}
}

// TestLogsHoldNoSecrets sends canaries in requests that end in every possible way.
func TestLogsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	body := `{"mobile":"` + canary + `","verify_code":"` + canary + `","password":"` + canary + `","x":"` + canary + `"}`
	for name, f := range map[string]*fake{
		"success": {}, "refused": {err: identity.ErrCodeRefused}, "failed": {err: errors.New("storage down")},
		"panic": {during: func(context.Context) { panic("with the password " + canary) }},
		"error panic": {during: func(context.Context) {
			panic(fmt.Errorf("with the password %s", canary))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unknown := request(t, "/"+canary+"?"+canary, body)
			method := request(t, resetPath, body)
			method.Method = canary
			broken := request(t, resetPath, body[:len(body)-1])
			device := request(t, resetPath, body)
			device.Header.Set("X-device-fingerprint", canary)
			lines, text := records(t, f, request(t, resetPath, body), unknown, method, broken, device)
			if len(lines) < 5 {
				t.Errorf("%d records", len(lines))
			}
			if strings.Contains(text, canary) {
				t.Error(text)
			}
		})
	}
}

// TestLogInjection: text that callers choose stays within its value.
func TestLogInjection(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	h := handler(t, &fake{}, httpadapter.Options{Logger: slog.New(slog.NewTextHandler(&b, nil))})
	for _, hostile := range []string{"x\nlevel=ERROR", "x\r", "\x1b[31m", "a\u0085b", "\xff", `" status=200 x="`, "a=b c", "\u202e"} {
		r := request(t, resetPath, resetBody)
		r.Header.Set("X-client-id", hostile)
		r.Header.Set("X-L", hostile)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if n := strings.Count(b.String(), "\n"); n != 8 {
		t.Errorf("%d lines:\n%s", n, b.String())
	}
	for _, r := range b.String() {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%q is logged unescaped", r)
		}
	}
	if strings.Contains(b.String(), `client="" status=200`) {
		t.Error("a client injected an attribute")
	}
}

func TestFailuresAreLogged(t *testing.T) {
	t.Parallel()
	lines, _ := records(t, &fake{err: errors.New("storage down")}, request(t, sendPath, sendBody))
	if len(lines) != 2 || lines[0]["level"] != "INFO" || lines[1]["level"] != "ERROR" || lines[1]["error"] != "storage down" {
		t.Errorf("logged %v", lines)
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	var b safeBuffer
	f := &fake{during: func(context.Context) { panic(any(map[string]string{"password": "canary"})) }}
	s := serve(t, handler(t, f, httpadapter.Options{Logger: slog.New(slog.NewJSONHandler(&b, nil))}))
	refusedWith(t, post(t, s, resetPath, resetBody), 500, "SDK.COMMON.1008", "The system is busy. Try again later.")
	refusedWith(t, post(t, s, resetPath, resetBody), 500, "SDK.COMMON.1008", "The system is busy. Try again later.")
	logged := b.String()
	if !strings.Contains(logged, "map[string]string") || !strings.Contains(logged, "log_test.go") || strings.Contains(logged, "canary") {
		t.Errorf("logged %s", logged)
	}
}

// TestAbort: net/http's own way to end a connection still works.
func TestAbort(t *testing.T) {
	t.Parallel()
	f := &fake{during: func(context.Context) { panic(http.ErrAbortHandler) }}
	s := httptest.NewUnstartedServer(handler(t, f, httpadapter.Options{}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+resetPath, strings.NewReader(resetBody))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = headers()
	if resp, err := transport.RoundTrip(r); err == nil {
		_ = resp.Body.Close()
		t.Errorf("answered %d", resp.StatusCode)
	}
}

// TestBrokenLogger: a finished call is answered even if the logger panics.
func TestBrokenLogger(t *testing.T) {
	t.Parallel()
	s := serve(t, handler(t, &fake{}, httpadapter.Options{Logger: slog.New(brokenHandler{slog.DiscardHandler})}))
	accepted(t, post(t, s, resetPath, resetBody))
}

type brokenHandler struct{ slog.Handler }

func (brokenHandler) Enabled(context.Context, slog.Level) bool { panic("broken") }

// TestGivenUp: an interrupted request is never answered with the 200 that net/http
// sends if a handler writes nothing.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := &fake{err: context.Canceled, during: func(context.Context) { cancel() }}
	var b bytes.Buffer
	h := handler(t, f, httpadapter.Options{Logger: slog.New(slog.NewJSONHandler(&b, nil))})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(t, resetPath, resetBody).WithContext(ctx))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("answered %d", w.Code)
	}
	if strings.Contains(b.String(), "ERROR") || !strings.Contains(b.String(), "given up") {
		t.Errorf("logged %s", b.String())
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// A failing hook has a separate log line, which names the hook.
func TestFailingHookIsNamed(t *testing.T) {
	t.Parallel()
	down := fmt.Errorf("send code: %w", &identity.HookError{Hook: "Captcha", Err: context.DeadlineExceeded})
	lines, _ := records(t, &fake{err: down}, request(t, sendPath, sendBody))
	last := lines[len(lines)-1]
	if last["msg"] != "request failed by a hook" || last["hook"] != "Captcha" || last["level"] != "ERROR" {
		t.Errorf("logged %v", last)
	}
}
