package resetpage_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

const (
	origin      = "https://id.example.com"
	start       = "/reset-password"
	mobile      = "13800138000"
	e164        = "+8613800138000"
	oldPassword = "violet-Harbor-93"
	newPassword = "amber-Lantern-27"
)

func config() resetpage.Config {
	return resetpage.Config{ClientID: identitytest.ClientID, Secret: identity.NewSecret(strings.Repeat("p", 32)), Counter: memory.New()}
}

func newHandler(t testing.TB, service resetpage.Service, cfg resetpage.Config) http.Handler {
	t.Helper()
	h, err := resetpage.New(service, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// stub is a service that answers as a test demands, and records its calls.
type stub struct {
	mu     sync.Mutex
	send   error
	reset  error
	sends  []identity.SendRequest
	resets []identity.ResetRequest
}

func (s *stub) SendVerifyCode(_ context.Context, r identity.SendRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sends = append(s.sends, r)
	return s.send
}

func (s *stub) ResetByMobile(_ context.Context, r identity.ResetRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resets = append(s.resets, r)
	return s.reset
}

func (s *stub) NormalizeMobile(mobile string) (string, error) { return mobile, nil }

// browser keeps cookies and follows no redirect by itself.
type browser struct {
	t       testing.TB
	handler http.Handler
	cookies map[string]string
	header  http.Header // of each request
}

func newBrowser(t testing.TB, h http.Handler) *browser {
	return &browser{t: t, handler: h, cookies: map[string]string{}, header: http.Header{}}
}

type answer struct {
	*http.Response
	body string
}

func (b *browser) do(method, target, contentType, body string) answer {
	b.t.Helper()
	r := httptest.NewRequest(method, origin+target, strings.NewReader(body))
	for name, values := range b.header {
		r.Header[name] = values
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if method == http.MethodPost && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	got := w.Result()
	for _, c := range got.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	text, err := io.ReadAll(got.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{got, string(text)}
}

func (b *browser) get(target string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, target, "", "")
}

func (b *browser) post(target string, fields ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.do(http.MethodPost, target, "application/x-www-form-urlencoded", form.Encode())
}

// follow requests the page that a redirect leads to.
func (b *browser) follow(a answer) answer {
	b.t.Helper()
	if a.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("answered %d instead of a redirect:\n%s", a.StatusCode, a.body)
	}
	return b.get(a.Header.Get("Location"))
}

// ask does the first step.
func (b *browser) ask(number string) answer {
	b.t.Helper()
	b.get(start)
	return b.follow(b.post(start, "action", "send", "mobile", number))
}

// set sends the form of the second step, as the page contains it.
func (b *browser) set(page answer, code, password string) answer {
	b.t.Helper()
	return b.follow(b.post(start+"/code", "action", "reset", "flow", page.flow(b.t), "code", code, "password", password))
}

var flowField = regexp.MustCompile(`name="flow" value="([^"]+)"`)

func (a answer) flow(t testing.TB) string {
	t.Helper()
	m := flowField.FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("the page has no flow:\n%s", a.body)
	}
	return m[1]
}

var stepOf = regexp.MustCompile(`<body data-step="([a-z]+)">`)

func (a answer) expect(t testing.TB, step string, says ...string) {
	t.Helper()
	m := stepOf.FindStringSubmatch(a.body)
	if m == nil || m[1] != step {
		t.Fatalf("status %d, not the step %s:\n%s", a.StatusCode, step, a.body)
	}
	for _, s := range says {
		if !strings.Contains(a.body, s) {
			t.Errorf("the page does not say %q:\n%s", s, a.body)
		}
	}
}
