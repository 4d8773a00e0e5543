package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter/management"
)

// newToken adds a token to the file "tokens" in dir.
func newToken(t *testing.T, dir, name, scopes string) string {
	t.Helper()
	out := mustRun(t, dir, "", "token", "new", "-management-tokens", "tokens", "-name", name, "-scopes", scopes)
	token, rest, _ := strings.Cut(out, "\n")
	if !strings.HasPrefix(token, "rekey_mt_") || rest != "" {
		t.Fatalf("token new printed %q", out)
	}
	return token
}

// backend calls the management API.
type backend struct {
	http.Client
	url, token string
}

// startManaged serves with the management API and a token of all scopes.
func startManaged(t *testing.T, dir string, env []string, args ...string) (*process, *backend) {
	t.Helper()
	token := newToken(t, dir, "backend", "all")
	s := start(t, dir, env, append([]string{"-management-addr", "0", "-management-tokens", "tokens"}, args...)...)
	return s, &backend{Client: http.Client{Timeout: patience}, url: "http://" + s.line["management"].(string), token: token}
}

func (b *backend) do(t *testing.T, method, path, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	response, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func (b *backend) want(t *testing.T, status int, method, path, body string) (answer string) {
	t.Helper()
	got, answer := b.do(t, method, path, body)
	if got != status {
		t.Errorf("%s %s: %d, want %d: %s", method, path, got, status, answer)
	}
	return answer
}

// with returns the same backend with another token.
func (b *backend) with(token string) *backend {
	return &backend{Client: http.Client{Timeout: patience, Transport: b.Transport}, url: b.url, token: token}
}

// managementCalls returns all calls of the API, from its OpenAPI document.
func managementCalls(t *testing.T) (calls [][2]string) {
	t.Helper()
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(management.OpenAPI(), &document); err != nil {
		t.Fatal(err)
	}
	for path, methods := range document.Paths {
		for method := range methods {
			calls = append(calls, [2]string{strings.ToUpper(method), strings.ReplaceAll(path, "{id}", "u1")})
		}
	}
	if len(calls) < 20 {
		t.Fatalf("the document has %d calls", len(calls))
	}
	return calls
}

// A token that is guessed, lacks the scope or was removed is refused, and the public
// listener refuses even a valid token.
func TestAttackManagement(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	reader := newToken(t, dir, "reader", "users:read")
	s, all := startManaged(t, dir, nil, "-sms", "console")
	last := all.token[len(all.token)-1:]
	guess := strings.TrimSuffix(all.token, last) + map[bool]string{true: "B", false: "A"}[last == "A"]
	public := &backend{Client: http.Client{Timeout: patience}, url: "http://" + s.addr, token: all.token}
	for _, call := range managementCalls(t) {
		if status, answer := public.do(t, call[0], call[1], "{}"); status != http.StatusNotFound {
			t.Errorf("%s %s on the public listener: %d %s", call[0], call[1], status, answer)
		}
		if call[1] == "/openapi.json" {
			continue
		}
		for what, token := range map[string]string{"no token": "", "a guess": guess, "a digest": digests(t, dir)[0], "a name": "backend"} {
			if status, answer := all.with(token).do(t, call[0], call[1], "{}"); status != http.StatusUnauthorized {
				t.Errorf("%s %s with %s: %d %s", call[0], call[1], what, status, answer)
			}
		}
	}
	reading := all.with(reader)
	found := reading.want(t, 200, "POST", "/v1/users/find", `{"mobile":"`+mobile+`"}`)
	if strings.Contains(found, mobile) {
		t.Errorf("the number is not masked: %s", found)
	}
	for _, call := range [][2]string{{"POST", "/v1/passwords/set"}, {"DELETE", "/v1/users/u1"}, {"GET", "/v1/events"}, {"GET", "/metrics"}} {
		reading.want(t, 403, call[0], call[1], "{}")
	}

	// From the next call on, a renewed token is valid and a removed one is not.
	renewed := newToken(t, dir, "backend", "users:read")
	text, err := os.ReadFile(filepath.Join(dir, "tokens"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	if err := os.WriteFile(filepath.Join(dir, "next"), []byte(lines[2]), 0o600); err != nil {
		t.Fatal(err)
	}
	all.want(t, 200, "GET", "/v1/users", "")
	all.with(renewed).want(t, 200, "GET", "/v1/users", "")
	if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "tokens")); err != nil {
		t.Fatal(err)
	}
	all.want(t, 401, "GET", "/v1/users", "")
	all.with(renewed).want(t, 200, "GET", "/v1/users", "")

	s.terminate(t)
	if code := s.wait(t); code != 0 {
		t.Errorf("exit status %d", code)
	}
	for _, token := range []string{all.token, reader, renewed, guess} {
		if strings.Contains(string(text), token) || strings.Contains(s.logs.String(), token) {
			t.Error("a token is in the file or in the log")
		}
	}
}

// digests returns the third part of each line of the file.
func digests(t *testing.T, dir string) (digests []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "tokens"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		digests = append(digests, strings.TrimPrefix(strings.Fields(line)[2], "sha256:"))
	}
	return digests
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
