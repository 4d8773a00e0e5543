package server

import (
	"net/netip"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
)

// proxy is one value of -trusted-proxies: a network, or "unix".
type proxy struct {
	network netip.Prefix
	unix    bool
}

func (p proxy) String() string {
	if p.unix {
		return "unix"
	}
	return p.network.String()
}

func parseProxy(s string) (proxy, error) {
	if s == "unix" {
		return proxy{unix: true}, nil
	}
	network, err := settings.ParsePrefix(s)
	return proxy{network: network}, err
}

// adapt passes the options for browsers and proxies to the adapter.
func (s *Server) adapt() {
	s.options.TrustedProxies = nil
	unix := false
	for _, p := range s.trusted {
		if unix = unix || p.unix; !p.unix {
			s.options.TrustedProxies = append(s.options.TrustedProxies, p.network)
		}
	}
	s.options.TrustUnixSocket, s.options.AllowedOrigins = unix, s.origins
}

// isProxy reports whether an address belongs to a trusted proxy.
func (s *Server) isProxy(addr netip.Addr) bool {
	for _, p := range s.trusted {
		if !p.unix && p.network.Contains(addr) {
			return true
		}
	}
	return false
}
