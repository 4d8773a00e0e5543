package smshttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/seed-16109ab2/rekey/sms"
)

// redact describes a network failure without net/http's text, which holds the
// URL. It wraps only context errors and error numbers.
func redact(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return context.DeadlineExceeded
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return errors.New("host name not resolved")
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Errorf("network failure: %w", errno)
	}
	if isTLSError(err) {
		return errors.New("TLS handshake failed or certificate not trusted")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("connection closed before the answer was complete")
	}
	return errors.New("HTTP exchange failed")
}

func isTLSError(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, header := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	return verify || header || alert || authority
}

// isDialError reports a failure before there was a connection to write to.
func isDialError(err error) bool {
	oe, ok := errors.AsType[*net.OpError](err)
	return ok && oe.Op == "dial"
}

// maxToken is the longest identifier of a provider that is kept. They have about
// 40 characters.
const maxToken = 128

// minNumber is the shortest number that is looked for in a token. E.164 numbers of
// phones are longer.
const minNumber = 7

// token returns a provider's error code or message id if it looks like one, and
// "unprintable" otherwise; empty stays empty. A provider may put the message into
// such a field, from where it would reach logs and the outbox.
func token(s string, m sms.Message) string {
	if s == "" {
		return ""
	}
	if len(s) > maxToken {
		return "unprintable"
	}
	for _, r := range s {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._:^-", r)) {
			return "unprintable"
		}
	}
	if number := strings.TrimPrefix(m.To, "+"); len(number) >= minNumber && strings.Contains(s, number) {
		return "unprintable"
	}
	// Codes have at least six digits. Shorter values, such as "5" minutes, are no
	// secret, and looking for them would blank good references.
	for _, v := range m.Params {
		if len(v) >= 4 && strings.Contains(s, v) {
			return "unprintable"
		}
	}
	if s == m.Text {
		return "unprintable"
	}
	return s
}
