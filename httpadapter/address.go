package httpadapter

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies says which proxies may report a caller's address.
type proxies struct {
	networks   []netip.Prefix
	unixSocket bool
	header     string
}

// check returns all faults; of is the name of the options.
func (p proxies) check(of string) error {
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, optionFault(of, format, args...))
		}
	}
	anyTrusted := len(p.networks) > 0 || p.unixSocket
	fault(len(p.networks) > 0 && p.header == "", "AddressHeader is missing, but TrustedProxies are set")
	fault(p.unixSocket && p.header == "", "AddressHeader is missing, but TrustUnixSocket is set")
	fault(!anyTrusted && p.header != "", "TrustedProxies are missing, but AddressHeader is set")
	for _, network := range p.networks {
		switch {
		case !network.IsValid():
			fault(true, "TrustedProxies: invalid prefix")
		case network.Bits() == 0:
			fault(true, "TrustedProxies: %s trusts every address; list the networks of your proxies", network)
		case network.Addr().Is4In6():
			fault(true, "TrustedProxies: %s never matches: write it as IPv4", network)
		}
	}
	name := strings.ToLower(p.header)
	fault(strings.ContainsFunc(name, notInToken), "AddressHeader %q is not a header's name", p.header)
	fault(name == "forwarded", "AddressHeader: the syntax of Forwarded (RFC 7239) is not supported")
	for _, h := range callerHeaders {
		fault(name == strings.ToLower(h.name), "AddressHeader: %s is the caller's own claim", h.name)
	}
	return errors.Join(errs...)
}

func (p proxies) clone() proxies {
	p.networks = slices.Clone(p.networks)
	return p
}

// address returns the address that limits count by: the address of the connection, or,
// if that is a trusted proxy, the rightmost address in the header that is not a trusted
// proxy. Everything further left was written by the caller. The zero address means that
// the connection has none, as on a Unix socket.
func (p proxies) address(r *http.Request) netip.Addr {
	addr, ok := parseAddress(r.RemoteAddr)
	trusted := p.contains(addr)
	if !ok {
		trusted = p.unixSocket && overUnixSocket(r)
	}
	if p.header == "" {
		return addr
	}
	list := strings.Join(r.Header.Values(p.header), ",")
	for more := list != ""; more && trusted; trusted = p.contains(addr) {
		entry := list
		if i := strings.LastIndexByte(list, ','); i >= 0 {
			entry, list = list[i+1:], list[:i]
		} else {
			more = false
		}
		next, ok := parseAddress(strings.Trim(entry, " \t"))
		if !ok {
			// An empty or obfuscated entry comes from a proxy that did not know its caller.
			// Everything to its left may be forged.
			break
		}
		addr = next
	}
	return addr
}

func (p proxies) contains(addr netip.Addr) bool {
	for _, network := range p.networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// overUnixSocket reports whether a request whose RemoteAddr is not an IP address came
// over a Unix socket. The peer usually has no name, which Go writes as "@" or "". A peer
// that bound its own end has a name, so the server's end is checked too.
func overUnixSocket(r *http.Request) bool {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && strings.HasPrefix(local.Network(), "unix") {
		return true
	}
	return r.RemoteAddr == "" || r.RemoteAddr[0] == '@'
}

// parseAddress reads an address with or without a port. It returns the form in which
// limits and proxies compare addresses: without a zone, and never IPv4 in IPv6.
func parseAddress(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		ap, apErr := netip.ParseAddrPort(s)
		addr, err = ap.Addr(), apErr
	}
	if err != nil && strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		addr, err = netip.ParseAddr(s[1 : len(s)-1])
		if err == nil && !addr.Is6() {
			return netip.Addr{}, false
		}
	}
	if err != nil {
		return netip.Addr{}, false
	}
	return addr.Unmap().WithZone(""), true
}
