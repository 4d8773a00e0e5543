package httpadapter

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
)

// Options change how the handler answers. The zero Options are good for a
// server that callers reach without a proxy.
type Options struct {
	// Prefix stands before the routes' paths, such as "/auth": it begins with a
	// slash, does not end with one, and has letters, digits and -._~ only.
	// Default none.
	Prefix string

	// MaxBodyBytes bounds a request's body. Default 32,768; 26,624 to 1,048,576: no
	// limit is so small that a password as long as a policy may allow, 1,024
	// characters, does not fit, whatever way it is written as JSON.
	MaxBodyBytes int64

	// RefusalsAs400 answers 405, 413, 415 and 429 as 400, for callers that know no
	// other status; Allow and Retry-After stay. 404 and 5xx are answered as such.
	RefusalsAs400 bool

	// Messages add languages, or replace shipped messages. A message that an added
	// language lacks is taken from the closest shipped language, in the end English.
	Messages Messages
	// DefaultLanguage is answered in when X-L names no language that there is, as
	// a BCP 47 tag. Default "en".
	DefaultLanguage string

	// AllowedOrigins are the origins whose pages may call the routes from a browser,
	// such as "https://www.example.com", written as browsers write them: lower case,
	// no path, no default port. Each is compared byte by byte; there are no
	// wildcards, and "null" is never one. Preflights from them are answered, for the
	// documented headers, and all answers to them may be read. Default none: a
	// browser then lets no other origin's page in, and OPTIONS is answered 405.
	//
	// This protects people whose browser is lured to another site; other programs
	// write any Origin they like.
	AllowedOrigins []string

	// ServeOpenAPI adds the route GET {Prefix}/openapi.json, which answers with
	// [OpenAPI] of the prefix and Routes. Default off.
	ServeOpenAPI bool

	// Routes are further calls to answer, such as those of package
	// httpadapter/captcha. Default none.
	Routes []Route

	// TrustedProxies are the networks of reverse proxies whose AddressHeader is
	// believed. List nothing that a caller can connect from: they would choose the
	// address they are limited by. Set it together with AddressHeader. Default none.
	TrustedProxies []netip.Prefix
	// TrustUnixSocket believes the AddressHeader of whoever connects over a Unix
	// socket, as a reverse proxy on the same machine does. Without it all callers
	// behind such a proxy share one address and so one set of limits. The socket's
	// permissions must keep everybody but the proxy out: who connects chooses the
	// address they are limited by. Set it together with AddressHeader. Default off.
	TrustUnixSocket bool
	// AddressHeader is the header that each trusted proxy appends the address to
	// which it was connected from, such as "X-Forwarded-For": a comma-separated
	// list, ports allowed. It is read from the right, passing over trusted proxies;
	// the first address that is none is the caller. At anything that is no address
	// the reading stops, and the last address read counts, or the connection's. A
	// repeated header is one list. The syntax of Forwarded (RFC 7239) is not read.
	AddressHeader string

	// Logger gets a record of each request, see the package's documentation. Nil
	// discards.
	Logger *slog.Logger
}

const (
	defaultMaxBody = 32 << 10
	// A character after NFC may be four before it, each a JSON escape of 6 bytes:
	// 24 bytes for each of 1,024, and 2,048 for the rest of the body.
	minMaxBody = 26 << 10
	maxMaxBody = 1 << 20
)

// fill sets the defaults and copies what the caller could still change.
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

// check returns every fault of filled options, but those of the messages.
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

// notInSegment leaves the unreserved characters (RFC 3986, 2.3), which have one
// spelling in a path.
func notInSegment(r rune) bool {
	return !isAlphanumeric(r) && !strings.ContainsRune("-._~", r)
}

// notInToken leaves the characters of a header's name (RFC 9110, 5.6.2).
func notInToken(r rune) bool {
	return !isAlphanumeric(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
