package httpadapter_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
)

const (
	resetPath = "/api/v2/sdk/pwd/update-by-mobile"
	sendPath  = "/api/v2/sdk/sms/send"

	countriesPath = "/api/v2/sdk/country-codes"
	datePath      = "/api/v2/sdk/server-date"

	resetBody = `{"mobile":"12345678901","verify_code":"123456","password":"correct horse"}`
	sendBody  = `{"mobile":"12345678901","type":"FORGET_PWD_SMS","captcha_token":"t"}`

	contentType = "application/json;charset=utf8"
)

// serverTime is the fake's clock.
var serverTime = time.UnixMilli(1_628_496_812_345)

func (f *fake) Countries() []string {
	if f.during != nil {
		f.during(context.Background())
	}
	return []string{"CN", "HK"}
}

func (f *fake) DefaultRegion() string { return "CN" }

func (f *fake) Now() time.Time {
	if f.during != nil {
		f.during(context.Background())
	}
	return serverTime
}

// fake answers every call with err, and records its arguments.
type fake struct {
	err    error
	during func(context.Context)

	mu     sync.Mutex
	sends  []identity.SendRequest
	resets []identity.ResetRequest
}

func (f *fake) SendVerifyCode(ctx context.Context, r identity.SendRequest) error {
	f.mu.Lock()
	f.sends = append(f.sends, r)
	f.mu.Unlock()
	return f.answer(ctx)
}

func (f *fake) ResetByMobile(ctx context.Context, r identity.ResetRequest) error {
	f.mu.Lock()
	f.resets = append(f.resets, r)
	f.mu.Unlock()
	return f.answer(ctx)
}

func (f *fake) answer(ctx context.Context) error {
	if f.during != nil {
		f.during(ctx)
	}
	return f.err
}

func (f *fake) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sends) + len(f.resets)
}

func handler(t *testing.T, f *fake, opts httpadapter.Options) http.Handler {
	t.Helper()
	h, err := httpadapter.NewWithService(f, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func headers() http.Header {
	h := make(http.Header)
	for name, value := range map[string]string{
		"Content-Type":            contentType,
		"X-operating-sys-version": "Android 10",
		"X-device-fingerprint":    "156aysdna213sac",
		"X-device-ip":             "10.10.10.1",
		"X-agent":                 "Mozilla/5.0 (Linux; Android 10)",
		"X-client-id":             "DRrYIqauawN0I8myTMoDTPys6ezGZxnm",
		"X-tenant-id":             "08f770f51f80d2f40f38c00cb199fd21",
	} {
		h.Set(name, value)
	}
	return h
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
	closed bool // whether the connection ends with the answer
}

// transport replaces the default transport, whose idle connections end when any other
// test closes its server.
var transport = &http.Transport{}

func do(t *testing.T, method, url string, h http.Header, body io.Reader) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = h
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, string(b), resp.Close}
	produced(t, r.URL.Path, a)
	return a
}

func post(t *testing.T, s *httptest.Server, path, body string, change ...func(http.Header)) answer {
	t.Helper()
	h := headers()
	for _, c := range change {
		c(h)
	}
	return do(t, http.MethodPost, s.URL+path, h, strings.NewReader(body))
}

func set(name, value string) func(http.Header) {
	return func(h http.Header) { h.Set(name, value) }
}

func del(name string) func(http.Header) {
	return func(h http.Header) { h.Del(name) }
}

func errorJSON(code, message string) string {
	return `{"error_code":"` + code + `","error_msg":"` + message + `"}`
}

// refusedWith checks all that every refusal has in common.
func refusedWith(t *testing.T, a answer, status int, code, message string) {
	t.Helper()
	if a.status != status || a.body != errorJSON(code, message) {
		t.Errorf("answered %d %s, want %d %s", a.status, a.body, status, errorJSON(code, message))
	}
	if got := a.header.Get("Content-Type"); got != contentType {
		t.Errorf("Content-Type is %q", got)
	}
	guarded(t, a)
}

func guarded(t *testing.T, a answer) {
	t.Helper()
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	if got := a.header.Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("X-Content-Type-Options is %q", got)
	}
}

func accepted(t *testing.T, a answer) {
	t.Helper()
	if a.status != http.StatusOK || a.body != "" || a.header.Get("Content-Length") != "0" {
		t.Errorf("answered %d %q, Content-Length %q; want 200 with zero bytes", a.status, a.body, a.header.Get("Content-Length"))
	}
	if got, ok := a.header["Content-Type"]; ok {
		t.Errorf("Content-Type of no content: %q", got)
	}
	guarded(t, a)
}

// undated returns a header without the fields that may differ between equal answers.
func undated(h http.Header) http.Header {
	h = maps.Clone(h)
	h.Del("Date")
	return h
}
