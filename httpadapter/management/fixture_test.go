package management_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter/management"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

const (
	mobile   = "+8612345678901"
	password = "violet-Harbor-93"
	fresh    = "marble-Lantern-58"
)

// api is a management API on a running service.
type api struct {
	*identitytest.Fixture
	t       *testing.T
	url     string
	handler http.Handler
	token   string
	log     *buffer
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newToken(t testing.TB, name string, scopes ...management.Scope) (string, management.Token) {
	t.Helper()
	secret, token, err := management.NewToken(name, scopes...)
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal(), token
}

// newAPI serves the API. Its token has every scope.
func newAPI(t *testing.T, cfg management.Config, configure ...func(*identity.Config)) *api {
	t.Helper()
	a := &api{t: t, log: &buffer{}, Fixture: identitytest.New(t, configure...)}
	secret, token := newToken(t, "backend", management.ScopeAll)
	a.token = secret
	if cfg.Tokens == nil {
		cfg.Tokens = management.Tokens{token}
	}
	cfg.Logger = slog.New(slog.NewJSONHandler(a.log, nil))
	h, err := management.New(a.Service, cfg)
	if err != nil {
		t.Fatal(err)
	}
	a.handler = h
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

type answer struct {
	status int
	header http.Header
	body   string
}

// code returns the code of a problem.
func (a answer) code() string {
	var p struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal([]byte(a.body), &p)
	return p.Code
}

// field returns a field of an answer.
func (a answer) field(name string) any {
	var fields map[string]any
	_ = json.Unmarshal([]byte(a.body), &fields)
	return fields[name]
}

func (a *api) do(method, path, body string) answer {
	return do(a.t, a.url, a.token, method, path, body)
}

func do(t testing.TB, url, token, method, path, body string, change ...func(*http.Request)) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	return send(t, r)
}

func send(t testing.TB, r *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, string(text)}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s %s: an answer without no-store or nosniff", r.Method, r.URL.Path)
	}
	if media := a.header.Get("Content-Type"); a.status >= 400 && r.Method != http.MethodHead && media != "application/problem+json" {
		t.Errorf("%s %s: a refusal of type %q", r.Method, r.URL.Path, media)
	}
	take(t, r.Method, r.URL.EscapedPath(), a)
	return a
}

// want fails the test unless the answer has this status and, for a refusal, this code.
func (a answer) want(t testing.TB, status int, code string) answer {
	t.Helper()
	if a.status != status || a.code() != code {
		t.Errorf("answered %d %q, want %d %q: %.400s", a.status, a.code(), status, code, a.body)
	}
	return a
}

// always is a service that fails every call with the same error.
type always struct {
	*identity.Service
	err error
}

func (s always) Authenticate(context.Context, identity.LoginRequest) (identity.User, error) {
	return identity.User{}, s.err
}
func (s always) VerifyPassword(context.Context, identity.User, identity.LoginRequest) (identity.User, error) {
	return identity.User{}, s.err
}
func (s always) ChangePassword(context.Context, identity.ChangePasswordRequest) (identity.User, error) {
	return identity.User{}, s.err
}
func (s always) SetPassword(context.Context, string, string, identity.Secret) (identity.User, error) {
	return identity.User{}, s.err
}
func (s always) PrepareUser(context.Context, identity.NewUser) (identity.User, error) {
	return identity.User{}, nil
}
func (s always) CreateUser(context.Context, identity.NewUser) (identity.User, error) {
	return identity.User{}, s.err
}
func (s always) UserByID(context.Context, string, string) (identity.User, error) {
	return identity.User{}, s.err
}
func (s always) UserByMobile(context.Context, string, string) (identity.User, error) {
	return identity.User{}, s.err
}
func (s always) Users(context.Context, string, string, int) ([]identity.User, error) {
	return nil, s.err
}
func (s always) UpdateUser(context.Context, identity.UserChange) error      { return s.err }
func (s always) DeleteUser(context.Context, string, string) error           { return s.err }
func (s always) Unlock(context.Context, string, string) error               { return s.err }
func (s always) RegisterClient(context.Context, identity.Client) error      { return s.err }
func (s always) SetClientDisabled(context.Context, string, bool) error      { return s.err }
func (s always) DeleteClient(context.Context, string) error                 { return s.err }
func (s always) SendVerifyCode(context.Context, identity.SendRequest) error { return s.err }
func (s always) Client(context.Context, string) (identity.Client, error) {
	return identity.Client{}, s.err
}
func (s always) Clients(context.Context, string, int) ([]identity.Client, error) { return nil, s.err }
func (s always) RedeemVerifyCode(context.Context, identity.RedeemRequest) (identity.Redeemed, error) {
	return identity.Redeemed{}, s.err
}
func (s always) Events(context.Context, audit.Query) ([]audit.Event, error) {
	return nil, s.err
}
func (s always) Messages(context.Context, string, int) ([]outbox.Message, error) {
	return nil, s.err
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
