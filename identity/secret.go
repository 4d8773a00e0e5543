package identity

import (
	"fmt"
	"log/slog"
)

// Secret holds a password, a code or a key. It prints as [redacted] under
// every verb, in JSON and in slog, also inside other values, because most secrets
// leak through log lines.
//
// The zero Secret is empty. Secrets are not comparable with ==.
type Secret struct {
	_ [0]func() // == would not be constant-time
	p *string   // behind a pointer: %v of a struct holding it unexported prints an address
}

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{p: &value} }

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// Empty reports whether there is no value or an empty one.
func (s Secret) Empty() bool { return s.Reveal() == "" }

const redacted = "[redacted]"

// Format implements fmt.Formatter.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
