package main_test

import (
	"context"
	"crypto/tls"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// At SIGHUP the server reads its certificates again and goes on.
func TestSIGHUPReloads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate(t, dir)
	s := start(t, dir, nil, "-sms", "console", "-tls-cert", "cert.pem", "-tls-key", "key.pem")
	serial := func() *big.Int {
		t.Helper()
		conn, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber
	}
	before := serial()
	renewed := certificate(t, dir)
	if err := s.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(patience); serial().Cmp(renewed.SerialNumber) != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("serves %v, want %v, not %v: %s", serial(), renewed.SerialNumber, before, s.logs)
		}
	}
	s.terminate(t)
	if code := s.wait(t); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if !strings.Contains(s.logs.String(), "SIGHUP") { // the log is complete once the server has ended
		t.Errorf("the log has no line about it: %s", s.logs)
	}
}

// The server listens on a Unix socket, for a proxy on the same machine.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, nil, "-sms", "console", "-addr", "unix:rekey.sock")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "rekey.sock"))
	}}, Timeout: patience}
	response, err := client.Get("http://rekey/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || s.addr != "rekey.sock" {
		t.Errorf("status %d at %q", response.StatusCode, s.addr)
	}
	s.terminate(t)
	if code := s.wait(t); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if files := names(t, dir); strings.Contains(strings.Join(files, " "), ".sock") {
		t.Errorf("left %q behind", files)
	}
}

// The server warns at the start about a country that no provider sends to.
func TestCountryWithoutProvider(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args string
		warn []string
	}{
		"Hong Kong":      {"-countries CN,HK -sms +86=console", []string{"HK"}},
		"none":           {"-countries CN,HK -sms +86=console,+852=console", nil},
		"for all":        {"-countries CN,HK -sms +86=console,console", nil},
		"part of a code": {"-default-region US -countries US -sms +1202=console", nil},
		"all":            {"-default-region DE -sms +86=console", []string{"DE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), nil, strings.Fields(test.args)...)
			logs := s.logs.String()
			if n := strings.Count(logs, "no provider of -sms serves them"); n != len(test.warn) {
				t.Errorf("%d warnings, want %d: %s", n, len(test.warn), logs)
			}
			for _, region := range test.warn {
				if !strings.Contains(logs, "numbers of "+region+" are served") {
					t.Errorf("no warning about %s: %s", region, logs)
				}
			}
		})
	}
}
