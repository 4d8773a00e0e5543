// Package smsconfig checks the settings that the providers' configurations share.
// Its errors name the field and never show the value, which may hold a secret.
package smsconfig

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Join returns the faults of a provider's configuration as one error, or nil if
// all faults are nil.
func Join(provider string, faults ...error) error {
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("%s: invalid configuration: %w", provider, err)
	}
	return nil
}

// Plain reports a fault unless value is one or more printable ASCII characters
// without spaces and double quotes. Identifiers and keys consist of those. The
// check finds the line end of a key read from a file, and keeps a value from
// ending the header field that it is put in.
func Plain(field, value string) error {
	if value == "" {
		return errors.New(field + " is required")
	}
	for _, c := range []byte(value) {
		if c <= ' ' || c > '~' || c == '"' {
			return errors.New(field + " contains a space, a quote, a control character or a non-ASCII character")
		}
	}
	return nil
}

// Endpoint parses an absolute URL. It refuses credentials in the URL, fragments,
// and what [Scheme] refuses.
func Endpoint(field, raw string, insecure bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, errors.New(field + " is not an absolute URL")
	}
	faults := []error{Scheme(field, u, insecure)}
	if u.User != nil {
		faults = append(faults, errors.New(field+" must not contain a user name or password"))
	}
	if u.Fragment != "" {
		faults = append(faults, errors.New(field+" must not have a fragment"))
	}
	return u, errors.Join(faults...)
}

// Base is [Endpoint] for an address that a provider's own path is appended to. It
// refuses a query, and returns the address without a slash at its end. fallback
// replaces an empty value.
func Base(field, value, fallback string) (string, error) {
	if value == "" {
		value = fallback
	}
	u, err := Endpoint(field, value, false)
	if err == nil && (u.RawQuery != "" || u.ForceQuery) {
		err = errors.New(field + " must not have a query")
	}
	return strings.TrimRight(value, "/"), err
}

// Scheme reports a fault unless u is https, or http to a loopback host or with
// insecure set. Anyone on the path of a plain http request can read the code.
func Scheme(field string, u *url.URL, insecure bool) error {
	switch {
	case u.Scheme == "https", u.Scheme == "http" && (insecure || isLoopback(u.Hostname())):
		return nil
	case u.Scheme == "http":
		return errors.New(field + " must be https: otherwise the code would cross the network in clear text")
	default:
		return errors.New(field + " must be https")
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
