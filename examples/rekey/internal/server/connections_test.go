package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for something that must happen.
const patience = 20 * time.Second

// bounded serves on the loopback interface with few connections. A request for /hold is
// answered when held is closed.
func bounded(t *testing.T, most, perAddress int, exempt string, grace time.Duration) (addr string, held chan struct{}, logs *syncBuffer) {
	t.Helper()
	held, logs = make(chan struct{}), &syncBuffer{}
	open := newConnections(most, perAddress, func(a netip.Addr) bool { return a.String() == exempt }, slog.New(slog.NewTextHandler(logs, nil)))
	open.grace = grace
	server := &http.Server{ConnState: open.state, ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			<-held
		}
		_, _ = io.WriteString(w, "ok")
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(open.listen(l)) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String(), held, logs
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// client is a connection from an address of the loopback network.
type client struct {
	net.Conn
	r *bufio.Reader
}

func connect(t *testing.T, from, to string) client {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	c, err := d.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Skipf("run it on a machine whose loopback has %s, as Linux does: %v", from, err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = c.Close() })
	return client{c, bufio.NewReader(c)}
}

func (c client) ask(path string) { _, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path) }

// answered reads an answer.
func (c client) answered() error {
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func (c client) get(t *testing.T, path string) {
	t.Helper()
	c.ask(path)
	if err := c.answered(); err != nil {
		t.Fatalf("%s from %s: %v", path, c.LocalAddr(), err)
	}
}

func (c client) closed(t *testing.T) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("the connection of %s is open: %d bytes, %v", c.LocalAddr(), n, err)
	}
}

// One client that holds as many connections as the bound, each with an occasional
// request, does not keep other clients out.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	t.Parallel()
	addr, _, logs := bounded(t, 8, 8, "", grace)
	idle := make([]client, 8)
	for i := range idle {
		idle[i] = connect(t, "127.0.0.1", addr)
		idle[i].get(t, "/")
	}
	for range 3 {
		connect(t, "127.0.0.2", addr).get(t, "/")
	}
	idle[0].closed(t) // this connection has waited longest
	idle[7].get(t, "/")
	if n := strings.Count(logs.String(), "all connections are in use"); n != 1 {
		t.Errorf("the log has %d lines about it:\n%s", n, logs)
	}
}

// A connection on which nothing was ever sent can be closed too.
func TestSilentConnectionsMakeRoom(t *testing.T) {
	t.Parallel()
	addr, _, _ := bounded(t, 8, 8, "", 0)
	silent := make([]client, 8)
	for i := range silent {
		silent[i] = connect(t, "127.0.0.1", addr)
	}
	connect(t, "127.0.0.2", addr).get(t, "/")
	silent[0].closed(t)
}

// A connection whose request is being handled is never closed to make room: other
// connections wait until a request ends.
func TestBusyConnectionsAreKept(t *testing.T) {
	t.Parallel()
	addr, held, _ := bounded(t, 4, 100, "", grace)
	busy := make([]client, 5) // one connection more than the bound is served
	for i := range busy {
		busy[i] = connect(t, "127.0.0.1", addr)
		busy[i].ask("/hold")
	}
	late := connect(t, "127.0.0.2", addr)
	late.ask("/")
	close(held)
	for _, c := range busy {
		if err := c.answered(); err != nil {
			t.Errorf("a request that is being handled: %v", err)
		}
	}
	if err := late.answered(); err != nil {
		t.Errorf("who waited: %v", err)
	}
}

func TestConnectionsOfOneAddress(t *testing.T) {
	t.Parallel()
	addr, held, logs := bounded(t, 100, 3, "127.0.0.9", grace)
	idle := make([]client, 3)
	for i := range idle {
		idle[i] = connect(t, "127.0.0.1", addr)
		idle[i].get(t, "/")
	}
	fourth := connect(t, "127.0.0.1", addr) // this takes the place of the first connection
	fourth.ask("/hold")
	idle[0].closed(t)
	idle[1].ask("/hold")
	idle[2].ask("/hold")
	waitFor(t, func() bool { // until all three are busy, a new connection takes the place of an idle one
		c := connect(t, "127.0.0.1", addr)
		c.ask("/")
		return c.answered() != nil
	})
	connect(t, "127.0.0.2", addr).get(t, "/") // other addresses have their own places
	for range 10 {
		connect(t, "127.0.0.9", addr).get(t, "/") // a trusted proxy may use all places
	}
	close(held)
	if err := fourth.answered(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(logs.String(), "one address has reached its limit of connections"); n != 1 || !strings.Contains(logs.String(), "127.0.0.1/32") {
		t.Errorf("the log has %d lines about it:\n%s", n, logs)
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !done(); {
		if time.Now().After(until) {
			t.Fatal("the condition was not met in time")
		}
	}
}

func TestNetworkOfAnAddress(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{"192.0.2.1": "192.0.2.1/32", "2001:db8::1:2:3:4": "2001:db8::/64"} {
		if got := network(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", addr, got, want)
		}
	}
}
