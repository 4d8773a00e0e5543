package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/secretfile"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/telemetry"
	api "github.com/seed-16109ab2/rekey/httpadapter/management"
)

// management is the listener for backends and operators. It is never the listener of
// the public routes.
type management struct {
	addr, file   string
	tls          tlsFiles
	insecureHTTP bool
	source       *settings.Set
	tokens       api.TokenSource
}

// TokensFlag defines -management-tokens, for serve and for the command that makes
// tokens.
func TokensFlag(f *settings.Set, file *string) {
	f.Text(file, "management-tokens", "`FILE` of the management API's tokens: names, scopes and digests, made with \"rekey token new\" and read again at every call")
}

func (m *management) flags(f *settings.Set) {
	m.source = f
	f.Text(&m.addr, "management-addr", "`HOST:PORT` on which backends and operators reach the management API, /metrics and health, or unix:/path of a socket, which its owner and group may use; "+
		"a port without a host is on the loopback address. Needs -management-tokens; default: off")
	TokensFlag(f, &m.file)
	m.tls.flags(f, "management-", "for HTTPS on -management-addr")
	f.Bool(&m.insecureHTTP, "insecure-management-http", "serve -management-addr over HTTP beyond the loopback interface, such as on the private network of containers: "+
		"an attacker on the path reads the tokens, and with them sets any password")
}

func (m *management) on() bool { return m.addr != "" }

func (m *management) prepare() (err error) {
	if (m.addr == "") != (m.file == "") {
		return settings.Usagef("-management-addr and -management-tokens belong together")
	}
	if err := m.tls.prepare(); err != nil {
		return err
	}
	if !m.on() {
		if m.tls.on() || m.insecureHTTP {
			return settings.Usagef("-management-addr is missing, without which -management-tls-cert and -insecure-management-http have no effect")
		}
		return nil
	}
	if m.addr, err = withLoopback(m.addr); err != nil {
		return err
	}
	if !local(m.addr) && !m.tls.on() && !m.insecureHTTP {
		return settings.Usagef("-management-addr %s is not a loopback address, and without TLS an attacker on the path reads tokens and passwords: "+
			"use a loopback address or unix:/path, or give -management-tls-cert and -management-tls-key", m.addr)
	}
	return m.readTokens()
}

// readTokens reports faults of the tokens' file at the start. The file is then read
// again at every call.
func (m *management) readTokens() error {
	warning, err := secretfile.Check(m.file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("-management-tokens: there is no file %s: \"rekey token new\" makes it", m.file)
	}
	if err != nil {
		return fmt.Errorf("-management-tokens: %w", err)
	}
	if warning != "" {
		m.source.Warn("-management-tokens: " + warning)
	}
	if m.tokens, err = api.TokenFile(m.file); err != nil {
		return fmt.Errorf("-management-tokens: %s", strings.TrimPrefix(err.Error(), "management: "))
	}
	tokens, err := m.tokens.Tokens()
	if err == nil && len(tokens) == 0 {
		m.source.Warn("-management-tokens: " + m.file + " lists no token, so every call is refused: make one with \"rekey token new\"")
	}
	return err
}

// withLoopback adds the loopback host to an address that is only a port.
func withLoopback(addr string) (string, error) {
	if strings.HasPrefix(addr, unixPrefix) {
		return addr, nil
	}
	if _, err := strconv.ParseUint(addr, 10, 16); err == nil {
		addr = ":" + addr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", settings.Usagef("-management-addr %q is not HOST:PORT, a port or unix:/path", addr)
	}
	if host == "" { // such an address would listen on every interface
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// local reports whether traffic to an address stays on this machine. A name other than
// localhost may lead anywhere.
func local(addr string) bool {
	if strings.HasPrefix(addr, unixPrefix) {
		return true
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// handle gives the fronts their handlers: the public routes, and the management API.
func (s *Server) handle(fronts []*front, service *database.Open, watch *telemetry.Telemetry) error {
	routes, err := s.routes(service)
	if err != nil {
		return err
	}
	fronts[0].handler = withHealth(service.Health, watch.Trace("public", routes))
	if len(fronts) == 1 {
		return nil
	}
	h, err := api.New(service.Service, api.Config{
		Tokens: s.management.tokens, Metrics: watch.Metrics(), Logger: s.options.Logger,
		CheckUsers: func(ctx context.Context) (any, error) { return reportOf(service.Store.CheckUsers(ctx)) },
	})
	if err != nil {
		return err
	}
	// Health checks on this listener answer even if the public listener's connections are
	// all in use.
	fronts[1].handler = withHealth(service.Health, watch.Trace("management", h))
	return nil
}
