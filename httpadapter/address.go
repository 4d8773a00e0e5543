package httpadapter

import (
	"net/http"
	"net/netip"
	"strings"
)

// address is whom the limits count: the connection's address, or, if that is a
// trusted proxy's, the rightmost address in the header that is not. What stands
// further left was written by the caller. The zero address means that the
// connection has none, as over a Unix socket.
func (h *handler) address(r *http.Request) netip.Addr {
	addr, _ := parseAddress(r.RemoteAddr)
	if h.options.AddressHeader == "" {
		return addr
	}
	list := strings.Join(r.Header.Values(h.options.AddressHeader), ",")
	for more := list != ""; more && h.trusted(addr); {
		entry := list
		if i := strings.LastIndexByte(list, ','); i >= 0 {
			entry, list = list[i+1:], list[:i]
		} else {
			more = false
		}
		next, ok := parseAddress(strings.Trim(entry, " \t"))
		if !ok {
			// An empty or obfuscated entry is a proxy that did not know its caller;
			// whatever stands to its left may be forged.
			break
		}
		addr = next
	}
	return addr
}

func (h *handler) trusted(addr netip.Addr) bool {
	for _, p := range h.options.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// parseAddress reads an address with or without a port, in the one form that
// limits and proxies are compared in: no zone, no IPv4 in IPv6.
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
