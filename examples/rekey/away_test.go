package main_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// forwarder passes connections on to a server until it is told to cut them.
type forwarder struct {
	net.Listener
	target string

	mu   sync.Mutex
	away bool
	open []net.Conn
}

func forward(t *testing.T, target string) *forwarder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &forwarder{Listener: l, target: target}
	t.Cleanup(func() { _ = l.Close(); f.setAway(true) })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go f.pass(client)
		}
	}()
	return f
}

func (f *forwarder) pass(client net.Conn) {
	server, err := net.Dial("tcp", f.target)
	f.mu.Lock()
	away := f.away
	if err == nil && !away {
		f.open = append(f.open, client, server)
	}
	f.mu.Unlock()
	if err != nil || away {
		_ = client.Close()
		if server != nil {
			_ = server.Close()
		}
		return
	}
	go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
	_, _ = io.Copy(client, server)
	_ = client.Close()
}

func (f *forwarder) setAway(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
	if away {
		for _, c := range f.open {
			_ = c.Close()
		}
		f.open = nil
	}
}

// After a database has gone away and come back, the server goes on without help. Its
// log contains only its own lines of JSON.
func TestDatabaseGoesAwayAndComesBack(t *testing.T) {
	onEachServer(t, func(t *testing.T, address, _ string) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		between := forward(t, u.Host)
		u.Host = between.Addr().String()
		p := start(t, t.TempDir(), []string{"REKEY_DB=" + u.String(), "REKEY_SECRET=" + strings.Repeat("s", 32)}, "-sms", "console")
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		health := func(want int) {
			t.Helper()
			for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
				resp, err := client.Get("http://" + p.addr + "/readyz")
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode == want {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("/readyz answers %d, want %d: %s", resp.StatusCode, want, p.logs)
				}
			}
		}
		health(http.StatusOK)
		between.setAway(true)
		health(http.StatusServiceUnavailable)
		between.setAway(false)
		health(http.StatusOK)
		p.terminate(t)
		if code := p.wait(t); code != 0 {
			t.Errorf("exit status %d", code)
		}
		jsonLines(t, p.logs.String())
	})
}
