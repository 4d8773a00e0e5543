package httpadapter

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// preflightAge is how long a browser may keep the answer to a preflight, in seconds: two
// hours, the longest that Chromium keeps one.
const preflightAge = 7200

// crossOrigin sets the headers that let pages of a configured origin read answers, and
// reports whether this request comes from such a page. Cookies are never allowed,
// because the documented headers identify the caller.
//
// No library is used: a request from another origin must get this handler's own answers
// (such as 405), and only five headers remain.
func (x *exchange) crossOrigin() bool {
	if len(x.origins) == 0 {
		return false
	}
	header := x.w.Header()
	header.Add("Vary", "Origin") // also without an Origin: a cache must not mix the answers
	values := x.r.Header.Values("Origin")
	if len(values) != 1 || !x.origins[values[0]] {
		return false
	}
	header.Set("Access-Control-Allow-Origin", values[0])
	return true
}

// isPreflight reports whether the request is a CORS preflight.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflightHeaders sets what a page may send. It is the same for every request; the
// browser does the comparison.
func (x *exchange) preflightHeaders() {
	names := make([]string, 0, 1+len(callerHeaders))
	names = append(names, "Content-Type")
	for _, h := range callerHeaders {
		names = append(names, h.name)
	}
	header := x.w.Header()
	header.Set("Access-Control-Allow-Methods", x.route.methods)
	header.Set("Access-Control-Allow-Headers", strings.Join(names, ", "))
	header.Set("Access-Control-Max-Age", strconv.Itoa(preflightAge))
}

// checkOrigin returns what is wrong with a configured origin. An origin must have the
// form that browsers send (RFC 6454, 6.2), because it is compared byte by byte.
func checkOrigin(origin string) error {
	fault := func(what string) error {
		return optionFault("Options", "AllowedOrigins: %q %s, write it like https://www.example.com", origin, what)
	}
	if origin == "null" {
		return fault("is what any sandboxed page or local file sends")
	}
	if strings.Contains(origin, "*") {
		return fault("has a wildcard")
	}
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "":
		return fault("is not an origin")
	case u.User != nil || u.Path != "" || origin != u.Scheme+"://"+u.Host:
		return fault("has more than scheme, host and port")
	case strings.HasSuffix(u.Host, ":"), u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		return fault("has a port that browsers leave out")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
			return fault("has an impossible port")
		}
	}
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() || a.Zone() != "" || a.String() != host {
			return fault("has an IPv6 address in another form than browsers write")
		}
	} else if strings.ContainsFunc(host, notInHost) {
		return fault("has a host that is not lower-case ASCII")
	}
	return nil
}

func notInHost(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_')
}
