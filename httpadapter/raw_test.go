package httpadapter_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/httpadapter"
)

const rawHeaders = "Host: localhost\r\nConnection: close\r\nContent-Type: application/json;charset=utf8\r\n" +
	"X-operating-sys-version: Android 10\r\nX-device-fingerprint: f\r\nX-agent: a\r\nX-client-id: c\r\n"

// rawPost writes bytes that net/http's client would not write, ends the sending side,
// and returns the response.
func rawPost(t *testing.T, addr, headers, body string) answer {
	t.Helper()
	return rawPostTo(t, addr, resetPath, headers, body)
}

func rawPostTo(t *testing.T, addr, path, headers, body string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	// The server may answer and close before all is sent.
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\n%s\r\n%s", path, headers, body)
	if !strings.Contains(headers, length(body)) {
		_ = conn.(*net.TCPConn).CloseWrite() // nothing follows, whatever length was announced
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, string(b), resp.Close}
	produced(t, path, a)
	return a
}

func length(body string) string { return fmt.Sprintf("Content-Length: %d\r\n", len(body)) }

func TestRawRequests(t *testing.T) {
	t.Parallel()
	const malformed = "The %s parameter format is incorrect."
	about := func(what string) string { return fmt.Sprintf(malformed, what) }
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	const chunked = "Transfer-Encoding: chunked\r\n"
	big := strings.Repeat(" ", 32<<10+1)
	tests := []struct {
		name          string
		headers, body string
		status        int
		message       string // empty: any answer, because the server itself may answer
	}{
		{"good", rawHeaders + length(resetBody), resetBody, 200, ""},
		{"good, chunked", rawHeaders + chunked, chunk(resetBody[:20]) + chunk(resetBody[20:]) + "0\r\n\r\n", 200, ""},
		{"good, exactly the limit", rawHeaders + "Content-Length: 32768\r\n", resetBody + strings.Repeat(" ", 32<<10-len(resetBody)), 200, ""},

		{"one byte too many", rawHeaders + "Content-Length: 32769\r\n", resetBody + strings.Repeat(" ", 32<<10+1-len(resetBody)), 413, about("body")},
		{"too large, announced only", rawHeaders + "Content-Length: 1000000000\r\n", "", 413, about("body")},
		{"too large, chunked", rawHeaders + chunked, chunk(big) + "0\r\n\r\n", 413, about("body")},
		{"too large, chunked without end", rawHeaders + chunked, chunk(big), 413, about("body")},

		{"no body", rawHeaders, "", 400, about("body")},
		{"shorter than announced", rawHeaders + "Content-Length: 4000\r\n", resetBody, 400, about("body")},
		{"broken chunk", rawHeaders + chunked, chunk(resetBody) + "zz\r\n", 400, about("body")},
		{"no last chunk", rawHeaders + chunked, chunk(resetBody), 400, about("body")},
		{"longer than announced", rawHeaders + "Content-Length: 10\r\n", resetBody, 400, about("body")},
		{"two objects", rawHeaders + length(resetBody+resetBody), resetBody + resetBody, 400, about("body")},

		{"client id twice, in two cases", rawHeaders + "x-CLIENT-id: d\r\n" + length(resetBody), resetBody, 400, about("X-client-id")},
		{"agent twice, once empty", rawHeaders + "X-agent:\r\n" + length(resetBody), resetBody, 400, about("X-agent")},
		{"language twice", rawHeaders + "X-L: zh\r\nX-L: zh\r\n" + length(resetBody), resetBody, 400, about("X-L")},
		{"content type twice", rawHeaders + "content-type: application/json\r\n" + length(resetBody), resetBody, 415, about("Content-Type")},
		{"not UTF-8", rawHeaders + "X-tenant-id: \xff\r\n" + length(resetBody), resetBody, 400, about("X-tenant-id")},
		{"Latin-1", rawHeaders + "X-tenant-id: caf\xe9\r\n" + length(resetBody), resetBody, 400, about("X-tenant-id")},
		{"C1", rawHeaders + "X-tenant-id: a\xc2\x9bb\r\n" + length(resetBody), resetBody, 400, about("X-tenant-id")},
		{"tab", rawHeaders + "X-tenant-id: a\tb\r\n" + length(resetBody), resetBody, 400, about("X-tenant-id")},
		{"long", rawHeaders + "X-device-ip: " + strings.Repeat("1", 257) + "\r\n" + length(resetBody), resetBody, 400, about("X-device-ip")},
		{"NUL", rawHeaders + "X-tenant-id: a\x00b\r\n" + length(resetBody), resetBody, 400, ""},
		{"DEL", rawHeaders + "X-tenant-id: a\x7fb\r\n" + length(resetBody), resetBody, 400, ""},
		{"bare CR", rawHeaders + "X-tenant-id: a\rb\r\n" + length(resetBody), resetBody, 400, ""},
		{"two lengths", rawHeaders + length(resetBody) + "Content-Length: 3\r\n", resetBody, 400, ""},
		{"space before the colon", rawHeaders + "X-tenant-id : a\r\n" + length(resetBody), resetBody, 400, ""},
		{"headers without end", rawHeaders + "X-x: " + strings.Repeat("x", 2<<20) + "\r\n", "", 431, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{}
			a := rawPost(t, serve(t, handler(t, f, httpadapter.Options{})).Listener.Addr().String(), tt.headers, tt.body)
			if tt.status == http.StatusOK {
				accepted(t, a)
				return
			}
			if f.calls() != 0 {
				t.Error("the service was called")
			}
			if tt.message == "" {
				if a.status != tt.status {
					t.Errorf("answered %d, want %d", a.status, tt.status)
				}
				return
			}
			refusedWith(t, a, tt.status, "SDK.COMMON.1002", tt.message)
		})
	}
}

// TestFoldedHeader checks that a folded line (RFC 9112, 5.2) adds no line break to a
// value.
func TestFoldedHeader(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := serve(t, handler(t, f, httpadapter.Options{}))
	a := rawPost(t, s.Listener.Addr().String(), rawHeaders+"X-tenant-id: a\r\n b\r\n"+length(resetBody), resetBody)
	switch a.status {
	case http.StatusOK:
		if got := f.resets[0].TenantID; got != "a b" {
			t.Errorf("tenant is %q", got)
		}
	case http.StatusBadRequest:
	default:
		t.Errorf("answered %d %s", a.status, a.body)
	}
}

// TestEqualSizeRefusals: the answer must not show whether the size was announced.
func TestEqualSizeRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t, handler(t, &fake{}, httpadapter.Options{}))
	keepAlive := strings.Replace(rawHeaders, "Connection: close\r\n", "", 1)
	announced := rawPost(t, s.Listener.Addr().String(), keepAlive+"Content-Length: 40000\r\n", strings.Repeat(" ", 40_000))
	chunked := rawPost(t, s.Listener.Addr().String(), keepAlive+"Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 40_000, strings.Repeat(" ", 40_000)))
	if announced.status != http.StatusRequestEntityTooLarge || announced.status != chunked.status || announced.body != chunked.body {
		t.Errorf("announced: %d %s, chunked: %d %s", announced.status, announced.body, chunked.status, chunked.body)
	}
	if !announced.closed || !chunked.closed {
		t.Errorf("connection ends: announced %t, chunked %t", announced.closed, chunked.closed)
	}
	if d := cmp.Diff(undated(announced.header), undated(chunked.header)); d != "" {
		t.Error(d)
	}
}

// TestContinueIsNotAskedFor: if a body would be refused, the client is not asked to
// send it.
func TestContinueIsNotAskedFor(t *testing.T) {
	t.Parallel()
	s := serve(t, handler(t, &fake{}, httpadapter.Options{}))
	a := rawPost(t, s.Listener.Addr().String(), rawHeaders+"Expect: 100-continue\r\nContent-Length: 40000\r\n", "")
	refusedWith(t, a, 413, "SDK.COMMON.1002", "The body parameter format is incorrect.")
}

// TestSlowBodyHoldsNothing: the service is not called before the body is complete, and
// the server's time-out ends the request.
func TestSlowBodyHoldsNothing(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := httptest.NewUnstartedServer(handler(t, f, httpadapter.Options{}))
	s.Config.ReadTimeout = 100 * time.Millisecond
	s.Start()
	t.Cleanup(s.Close)

	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\n%s%s\r\n%s", resetPath, rawHeaders, length(resetBody), resetBody[:len(resetBody)-1])
	// On a slow machine the headers may be late too, and then nothing is answered.
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("the connection was not ended: %v", err)
	}
	if len(got) > 0 && !strings.HasPrefix(string(got), "HTTP/1.1 400 ") {
		t.Errorf("answered %s", got)
	}
	if f.calls() != 0 {
		t.Error("the service was called")
	}
}
