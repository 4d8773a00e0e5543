package httpadapter

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
)

// Options configure the handler. The zero Options suit a server that callers reach
// without a proxy.
type Options struct {
	// Prefix stands before the routes' paths, such as "/auth": it begins with a
	// slash, does not end with one, and has letters, digits and -._~ only.
	// Default none.
	Prefix string

	// MaxBodyBytes bounds a request's body: 26,624 to 1,048,576, default 32,768. With the
	// smallest limit, the longest password that a policy can allow (1,024 characters)
	// still fits, in any form of JSON.
	MaxBodyBytes int64

	// RefusalsAs400 answers 400 instead of 405, 413, 415 and 429, for callers that do not
	// know these. Allow and Retry-After stay. 404 and 5xx do not change.
	RefusalsAs400 bool

	// Messages add languages, or replace shipped messages. A message that an added
	// language lacks is taken from the closest shipped language, or else from English.
	Messages Messages
	// DefaultLanguage is the language of answers if X-L names no available language, as a
	// BCP 47 tag. Default "en".
	DefaultLanguage string

	// AllowedOrigins are the origins whose pages may call the routes from a browser,
	// such as "https://www.example.com", written as browsers write them: lower case,
	// no path, no default port. They are compared byte by byte; wildcards and "null" are
	// not allowed. Their preflights are answered for the documented headers, and their
	// pages may read all answers. Default none: browsers then refuse pages of other
	// origins, and OPTIONS is answered 405.
	//
	// This protects people whose browser is lured to another site. Programs other than
	// browsers can send any Origin.
	AllowedOrigins []string

	// ServeOpenAPI adds the route GET {Prefix}/openapi.json, which answers with
	// [OpenAPI] of the prefix and Routes. Default off.
	ServeOpenAPI bool

	// Routes are further routes to serve, such as those of package httpadapter/captcha.
	// Default none.
	Routes []Route

	// TrustedProxies are the networks of reverse proxies whose AddressHeader is believed.
	// Do not list a network that callers can connect from: such a caller could choose the
	// address by which it is limited. Set it together with AddressHeader. Default none.
	TrustedProxies []netip.Prefix
	// TrustUnixSocket believes the AddressHeader of all connections over a Unix socket,
	// which a reverse proxy on the same machine uses. Without it all callers behind such a
	// proxy share one address and its limits. The permissions of the socket must admit
	// only the proxy, because a program that connects can choose the address by which it
	// is limited. Set it together with AddressHeader. Default off.
	TrustUnixSocket bool
	// AddressHeader is the header to which each trusted proxy appends the address of its
	// caller, such as "X-Forwarded-For": a comma-separated list, with or without ports. It
	// is read from the right. The first address that is not a trusted proxy is the caller.
	// Reading stops at an entry that is not an address; then the last address read counts,
	// or the connection's. A repeated header is one list. The syntax of Forwarded (RFC
	// 7239) is not supported.
	AddressHeader string

	// Logger gets a record of each request, see the package's documentation. If nil,
	// nothing is logged.
	Logger *slog.Logger
}

const (
	defaultMaxBody = 32 << 10
	// minMaxBody leaves room for 1,024 characters of 24 bytes each, and 2,048 bytes for
	// the rest. One character after NFC may be four before it, each a JSON escape of 6
	// bytes.
	minMaxBody = 26 << 10
	maxMaxBody = 1 << 20
)

// fill sets the defaults and copies the slices and maps that the caller could change.
func (o *Options) fill() {
	if o.MaxBodyBytes == 0 {
		o.MaxBodyBytes = defaultMaxBody
	}
	if o.DefaultLanguage == "" {
		o.DefaultLanguage = "en"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.TrustedProxies = slices.Clone(o.TrustedProxies)
	o.AllowedOrigins = slices.Clone(o.AllowedOrigins)
	o.Routes = slices.Clone(o.Routes)
}

// check returns all faults of filled options, except those of the messages.
func (o *Options) check() error {
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, optionFault("Options", format, args...))
		}
	}
	fault(!validPrefix(o.Prefix), "Prefix is %q, must be like \"/auth\"", o.Prefix)
	fault(o.MaxBodyBytes < minMaxBody || o.MaxBodyBytes > maxMaxBody,
		"MaxBodyBytes is %d, must be %d to %d", o.MaxBodyBytes, minMaxBody, maxMaxBody)

	for _, origin := range o.AllowedOrigins {
		errs = append(errs, checkOrigin(origin))
	}
	for _, r := range o.Routes {
		errs = append(errs, r.check())
	}
	errs = append(errs, o.proxies().check("Options"))
	return errors.Join(errs...)
}

func (o *Options) proxies() proxies {
	return proxies{networks: o.TrustedProxies, unixSocket: o.TrustUnixSocket, header: o.AddressHeader}
}

func validPrefix(p string) bool {
	if p == "" {
		return true
	}
	if p[0] != '/' {
		return false
	}
	for segment := range strings.SplitSeq(p[1:], "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, notInSegment) {
			return false
		}
	}
	return true
}

// notInSegment reports whether a character is not unreserved (RFC 3986, 2.3). Unreserved
// characters have one spelling in a path.
func notInSegment(r rune) bool {
	return !isAlphanumeric(r) && !strings.ContainsRune("-._~", r)
}

// notInToken reports whether a character cannot occur in a header's name (RFC 9110,
// 5.6.2).
func notInToken(r rune) bool {
	return !isAlphanumeric(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
