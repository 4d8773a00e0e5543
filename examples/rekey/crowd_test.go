package main_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A client that holds as many connections as the server has, each with an occasional
// small request, does not keep other clients out.
func TestOneClientCannotBlockOthers(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), nil, "-sms", "console", "-max-conns", "64")
	request := "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	var held []net.Conn
	for range 64 {
		c := dial(t, s.addr)
		held = append(held, c)
		write(t, c, request)
		if status, _ := readAnswer(t, c); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
	}
	for range 20 {
		if status, _ := get(t, "http://"+s.addr+"/healthz"); status != http.StatusOK {
			t.Errorf("another client: %d", status)
		}
	}
	open := len(held)
	for until := time.Now().Add(patience); open > 16 && time.Now().Before(until); {
		open = 0
		for _, c := range held {
			_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); err != nil && strings.Contains(err.Error(), "timeout") {
				open++
			}
		}
	}
	if open > 16 {
		t.Errorf("the client still has %d connections, want 16 at most", open)
	}
	if n := strings.Count(s.logs.String(), "one address has reached its limit of connections"); n != 1 {
		t.Errorf("the log has %d lines about it: %s", n, s.logs)
	}
}
