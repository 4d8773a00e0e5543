package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
)

// Ask asks the server that runs with these settings on this machine whether it is
// ready. The error says that the server is not ready, or that nothing answers at -addr.
func (s *Server) Ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*readyWithin)
	defer cancel()
	network, address := "tcp", s.addr
	if path, isUnix := strings.CutPrefix(s.addr, unixPrefix); isUnix {
		network, address = "unix", path
	} else {
		host, port, err := net.SplitHostPort(s.addr)
		if err != nil || port == "0" {
			return settings.Usagef("-addr is %q, must be the address that the server listens on, with its port", s.addr)
		}
		switch host { // the address of a server that listens on all addresses of the machine
		case "", "0.0.0.0":
			address = net.JoinHostPort("127.0.0.1", port)
		case "::":
			address = net.JoinHostPort("::1", port)
		}
	}
	scheme := "http"
	if s.tls.cert != "" {
		scheme = "https"
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		// The certificate is for the public name, so it is not checked. The answer contains
		// nothing but "ready".
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://localhost/readyz", nil)
	if err != nil {
		return err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("no server answers at %s: %w", s.addr, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 100))
		return fmt.Errorf("the server at %s is not ready: %s %s", s.addr, response.Status, strings.TrimSpace(string(text)))
	}
	return nil
}
