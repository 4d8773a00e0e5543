package smshttp

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Config joins the faults of a provider's configuration, nil when there are none.
func Config(provider string, faults ...error) error {
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("%s: invalid configuration: %w", provider, err)
	}
	return nil
}

// CheckPlain reports a fault unless value is one or more printable ASCII
// characters without spaces and double quotes: what identifiers and keys consist
// of. It catches the line end of a key read from a file, and keeps values from
// ending the header field they are put in. The error does not show the value.
func CheckPlain(field, value string) error {
	if value == "" {
		return errors.New(field + " is required")
	}
	for _, c := range []byte(value) {
		if c <= ' ' || c > '~' || c == '"' {
			return errors.New(field + " holds a space, a quote, a control character or one outside ASCII")
		}
	}
	return nil
}

// CheckEndpoint parses the base address of a provider. Unless insecure is set,
// plain http is for loopback hosts alone: anyone on the path would read the code.
// Credentials in the URL and fragments are refused. The errors name the field and
// never the value, which may hold a token.
func CheckEndpoint(field, raw string, insecure bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, errors.New(field + " is not an absolute URL")
	}
	var faults []error
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && (insecure || isLoopback(u.Hostname())):
	case u.Scheme == "http":
		faults = append(faults, errors.New(field+" must be https: the code would cross the network readable"))
	default:
		faults = append(faults, errors.New(field+" must be https"))
	}
	if u.User != nil {
		faults = append(faults, errors.New(field+" must not hold a user name or password"))
	}
	if u.Fragment != "" {
		faults = append(faults, errors.New(field+" must not have a fragment"))
	}
	return u, errors.Join(faults...)
}

// CheckBase is [CheckEndpoint] for an address that a provider's own path is
// appended to: it has no query, and comes back without a slash at its end. An
// empty value stands for fallback.
func CheckBase(field, value, fallback string) (string, error) {
	if value == "" {
		value = fallback
	}
	u, err := CheckEndpoint(field, value, false)
	if err == nil && (u.RawQuery != "" || u.ForceQuery) {
		err = errors.New(field + " must not have a query")
	}
	return strings.TrimRight(value, "/"), err
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
