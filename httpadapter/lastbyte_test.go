package httpadapter_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// 200 guesses, each complete but for its last byte, are then completed at the same
// time. They arrive closer together than any client could send them, and still at most
// the cap is compared.
func TestGuessesWithTheLastByteHeldBack(t *testing.T) {
	t.Parallel()
	const sockets = 200
	f := identitytest.New(t, identitytest.Lift)
	f.User("12345678901", "copper-Lantern-47")
	f.SendCode("12345678901")
	code := f.Code("+8612345678901")
	routes, err := httpadapter.New(f.Service, httpadapter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(routes)
	t.Cleanup(srv.Close)

	wrong := strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
	body := fmt.Sprintf(`{"mobile":"12345678901","verify_code":%q,"password":"violet-Harbor-93"}`, wrong)
	c := f.Caller()
	request := fmt.Sprintf("POST /api/v2/sdk/pwd/update-by-mobile HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-operating-sys-version: %s\r\n"+
		"X-device-fingerprint: %s\r\nX-agent: test\r\nX-client-id: %s\r\nContent-Length: %d\r\n\r\n%s", c.OSVersion, c.Device, c.ClientID, len(body), body)

	conns := make([]net.Conn, sockets)
	for i := range conns {
		if conns[i], err = net.Dial("tcp", srv.Listener.Addr().String()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conns[i].Close() }()
		if _, err := conns[i].Write([]byte(request[:len(request)-1])); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	statuses := make([]int, sockets)
	for i, conn := range conns {
		wg.Go(func() {
			_, _ = conn.Write([]byte(request[len(request)-1:]))
			_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err == nil {
				statuses[i] = resp.StatusCode
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
	for i, status := range statuses {
		if status != http.StatusBadRequest {
			t.Fatalf("socket %d: status %d", i, status)
		}
	}
	events, err := f.Events(t.Context(), audit.Query{AfterID: "", Max: 1000})
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, e := range events {
		if e.Outcome == "wrong code" {
			compared++
		}
	}
	if compared != 5 {
		t.Errorf("%d guesses compared, want 5", compared)
	}
}
