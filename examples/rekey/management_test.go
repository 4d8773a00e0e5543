package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
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

// with is the same backend with another token.
func (b *backend) with(token string) *backend {
	return &backend{Client: http.Client{Timeout: patience, Transport: b.Transport}, url: b.url, token: token}
}

// managementCalls are all calls of the API, by its document.
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

// A token that is guessed, lacks the scope or was removed opens nothing, and on the
// public listener a good one opens nothing either.
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

	// A renewed token counts and a removed one does not, from the next call on.
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

// digests are the third parts of the lines of the file.
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

func TestManagementAddresses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newToken(t, dir, "backend", "all")
	certificate(t, dir)
	for name, mode := range map[string]os.FileMode{"open": 0o666, "malformed": 0o600} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("backend everything sha256:00\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	on := func(addr string, more ...string) []string {
		return append([]string{"-management-addr", addr, "-management-tokens", "tokens"}, more...)
	}
	tls := []string{"-management-tls-cert", "cert.pem", "-management-tls-key", "key.pem"}
	for _, c := range []struct {
		args []string
		says string // in the refusal; empty for none
		code int
	}{
		{on("8081"), "", 0},
		{on(":8081"), "", 0},
		{on("localhost:8081"), "", 0},
		{on("[::1]:8081"), "", 0},
		{on("unix:" + dir + "/m.sock"), "", 0},
		{on("0.0.0.0:8081", tls...), "", 0},
		{on("0.0.0.0:8081", "-insecure-management-http"), "", 0},
		{on("0.0.0.0:8081"), "not a loopback address", 2},
		{on("[::]:8081"), "not a loopback address", 2},
		{on("192.0.2.1:8081"), "not a loopback address", 2},
		{on("example.com:8081"), "not a loopback address", 2},
		{on("here"), "none of HOST:PORT", 2},
		{on("8081", tls[:2]...), "-management-tls-cert and -management-tls-key belong together", 2},
		{[]string{"-management-addr", "8081"}, "belong together", 2},
		{[]string{"-management-tokens", "tokens"}, "belong together", 2},
		{tls, "-management-addr is missing", 2},
		{[]string{"-management-addr", "8081", "-management-tokens", "absent"}, "rekey token new", 1},
		{[]string{"-management-addr", "8081", "-management-tokens", "open"}, "0666", 1},
		{[]string{"-management-addr", "8081", "-management-tokens", "malformed"}, "line 1", 1},
	} {
		r := run(t, dir, "", append([]string{"check", "-sms", "console"}, c.args...)...)
		fault := ""
		for line := range strings.Lines(r.out) {
			if strings.HasPrefix(line, "fault    management") {
				fault = line
			}
		}
		if c.says == "" && fault != "" || !strings.Contains(fault, c.says) {
			t.Errorf("check %v says %q, want %q", c.args, fault, c.says)
		}
		if c.says == "" {
			continue
		}
		if r := run(t, dir, "", append([]string{"serve", "-sms", "console", "-addr", "127.0.0.1:0"}, c.args...)...); r.code != c.code || !strings.Contains(r.err, c.says) {
			t.Errorf("serve %v: exit status %d, %s", c.args, r.code, r.err)
		}
	}
	shown := mustRun(t, dir, "", append([]string{"config", "-sms", "console"}, on("8081")...)...)
	for _, line := range []string{"management-addr = 8081\n", "management-tokens = tokens\n", "# insecure-management-http = false\n", "# otlp-endpoint = \n"} {
		if !strings.Contains(shown, line) {
			t.Errorf("config does not print %q", line)
		}
	}
}

func TestManagementListeners(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "m") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	token := newToken(t, dir, "backend", "all")
	cert := certificate(t, dir)
	socket := filepath.Join(dir, "m.sock")
	s := start(t, dir, nil, "-sms", "console", "-management-tokens", "tokens", "-management-addr", "unix:"+socket)
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket: %v %v", info, err)
	}
	b := &backend{url: "http://unix", token: token, Client: http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
	b.want(t, 200, "GET", "/v1/users", "")
	if got := b.with("").want(t, 200, "GET", "/healthz", ""); got != "ok\n" {
		t.Errorf("healthz: %q", got)
	}
	s.terminate(t)
	s.wait(t)

	s = start(t, dir, nil, "-sms", "console", "-management-tokens", "tokens", "-management-addr", "0.0.0.0:0",
		"-management-tls-cert", "cert.pem", "-management-tls-key", "key.pem")
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	_, port, err := net.SplitHostPort(s.line["management"].(string))
	if err != nil {
		t.Fatal(err)
	}
	b = &backend{url: "https://127.0.0.1:" + port, token: token, Client: http.Client{Timeout: patience,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}}
	b.want(t, 200, "GET", "/v1/users", "")

	s = start(t, dir, nil, "-sms", "console", "-management-tokens", "tokens", "-management-addr", "0")
	if addr := s.line["management"].(string); !strings.HasPrefix(addr, "127.0.0.1:") {
		t.Errorf("a port alone listens on %s", addr)
	}
	if r := run(t, dir, "", "serve", "-sms", "console", "-addr", "127.0.0.1:0", "-management-tokens", "tokens",
		"-management-addr", s.addr); r.code != 1 || !strings.Contains(r.err, "-management-addr: ") {
		t.Errorf("an address in use: exit status %d, %s", r.code, r.err)
	}
}

// Callers who take every place of the public routes take none of management's.
func TestManagementUnderOverload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	const places = 4
	s, b := startManaged(t, dir, nil, "-sms", "console", "-max-conns", fmt.Sprint(places))
	for range places + 1 { // the one beyond waits in the server, further ones in the system
		conn := dial(t, s.addr)
		text := request(s.addr, sendPath, sendBody)
		write(t, conn, text[:len(text)-1]) // a request under way is not closed to make room
	}
	b.Transport = &http.Transport{DisableKeepAlives: true}
	for range places + 1 {
		b.want(t, 200, "POST", "/v1/passwords/check", `{"mobile":"`+mobile+`","password":"`+oldPassword+`","address":"192.0.2.1"}`)
		b.want(t, 200, "GET", "/healthz", "")
		b.want(t, 200, "GET", "/readyz", "")
		b.want(t, 200, "GET", "/metrics", "")
	}
}

func TestTokenNew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "tokens")
	newToken(t, dir, "backend", "users:read,users:write")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v %v", info, err)
	}
	// An editor may leave the last line without an end.
	if err := os.WriteFile(path, []byte(strings.TrimSpace(readFile(t, path))), 0o600); err != nil {
		t.Fatal(err)
	}
	newToken(t, dir, "backend", "all")
	tokens, err := management.ParseTokens(readFile(t, path))
	if err != nil || len(tokens) != 2 || tokens[0].Name != "backend" || len(tokens[0].Scopes) != 2 {
		t.Errorf("the file has %v, %v", tokens, err)
	}
	before := readFile(t, path)
	for says, args := range map[string][]string{
		"-management-tokens is missing": {"-name", "a", "-scopes", "all"},
		"-name is missing":              {"-management-tokens", "tokens", "-scopes", "all"},
		"-scopes is missing":            {"-management-tokens", "tokens", "-name", "a"},
		"not one of all":                {"-management-tokens", "tokens", "-name", "a", "-scopes", "everything"},
		"1 to 64 letters":               {"-management-tokens", "tokens", "-name", "a b", "-scopes", "all"},
	} {
		if r := run(t, dir, "", append([]string{"token", "new"}, args...)...); r.code != 2 || !strings.Contains(r.err, says) || r.out != "" {
			t.Errorf("%v: exit status %d, %q, %q", args, r.code, r.out, r.err)
		}
	}
	if readFile(t, path) != before {
		t.Error("a refused command changed the file")
	}
	if err := os.Chmod(path, 0o622); err != nil {
		t.Fatal(err)
	}
	if r := run(t, dir, "", "token", "new", "-management-tokens", "tokens", "-name", "a", "-scopes", "all"); r.code != 1 || !strings.Contains(r.err, "0622") {
		t.Errorf("a file that others write: exit status %d, %s", r.code, r.err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
