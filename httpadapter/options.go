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

	// MaxBodyBytes bounds a request's body. Default 4,096; 1,024 to 1,048,576.
	// A password of 256 characters, each written as two JSON escapes, takes 3,072.
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

	// TrustedProxies are the networks of reverse proxies whose AddressHeader is
	// believed. List nothing that a caller can connect from: they would choose the
	// address they are limited by. Set it together with AddressHeader. Default none.
	TrustedProxies []netip.Prefix
	// AddressHeader is the header that each trusted proxy appends the address to
	// which it was connected from, such as "X-Forwarded-For": a comma-separated
	// list, ports allowed. It is read from the right, passing over trusted proxies;
	// the first address that is none is the caller. At anything that is no address
	// the reading stops, and the last address read counts, or the connection's.
	AddressHeader string

	// Logger gets a record of each request, see the package's documentation. Nil
	// discards.
	Logger *slog.Logger
}

const (
	defaultMaxBody = 4 << 10
	minMaxBody     = 1 << 10
	maxMaxBody     = 1 << 20
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
}

// check returns every fault of filled options, but those of the messages.
func (o *Options) check() error {
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, optionFault(format, args...))
		}
	}
	fault(!validPrefix(o.Prefix), "Prefix is %q, must be like \"/auth\"", o.Prefix)
	fault(o.MaxBodyBytes < minMaxBody || o.MaxBodyBytes > maxMaxBody,
		"MaxBodyBytes is %d, must be %d to %d", o.MaxBodyBytes, minMaxBody, maxMaxBody)

	fault(len(o.TrustedProxies) > 0 && o.AddressHeader == "", "AddressHeader is missing, TrustedProxies are set")
	fault(len(o.TrustedProxies) == 0 && o.AddressHeader != "", "TrustedProxies are missing, AddressHeader is set")
	for _, p := range o.TrustedProxies {
		switch {
		case !p.IsValid():
			fault(true, "TrustedProxies: invalid prefix")
		case p.Bits() == 0:
			fault(true, "TrustedProxies: %s trusts everybody", p)
		case p.Addr().Is4In6():
			fault(true, "TrustedProxies: %s never matches, write it as IPv4", p)
		}
	}
	name := strings.ToLower(o.AddressHeader)
	fault(strings.ContainsFunc(name, notInToken), "AddressHeader %q is not a header's name", o.AddressHeader)
	fault(name == "forwarded", "AddressHeader: the syntax of Forwarded (RFC 7239) is not read")
	for _, h := range callerHeaders {
		fault(name == strings.ToLower(h.name), "AddressHeader: %s is the caller's own claim", h.name)
	}
	return errors.Join(errs...)
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
