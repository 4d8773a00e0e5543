package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
		says string // that the refusal contains; empty for none
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
		{on("here"), "is not HOST:PORT", 2},
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
	dir, err := os.MkdirTemp("", "m") // the path of a socket must be short
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
		t.Errorf("with only a port, the listener is on %s", addr)
	}
	if r := run(t, dir, "", "serve", "-sms", "console", "-addr", "127.0.0.1:0", "-management-tokens", "tokens",
		"-management-addr", s.addr); r.code != 1 || !strings.Contains(r.err, "-management-addr: ") {
		t.Errorf("with an address in use: exit status %d, %s", r.code, r.err)
	}
}

// Callers who use up the connections of the public routes use none of management's.
func TestManagementUnderOverload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	const places = 4
	s, b := startManaged(t, dir, nil, "-sms", "console", "-max-conns", fmt.Sprint(places))
	for range places + 1 { // one connection beyond the bound waits in the server, further ones in the system
		conn := dial(t, s.addr)
		text := request(s.addr, sendPath, sendBody)
		write(t, conn, text[:len(text)-1]) // a connection whose request is being handled is not closed to make room
	}
	b.Transport = &http.Transport{DisableKeepAlives: true}
	for range places + 1 {
		b.want(t, 200, "POST", "/v1/passwords/check", `{"mobile":"`+mobile+`","password":"`+oldPassword+`","address":"192.0.2.1"}`)
		b.want(t, 200, "GET", "/healthz", "")
		b.want(t, 200, "GET", "/readyz", "")
		b.want(t, 200, "GET", "/metrics", "")
	}
}
