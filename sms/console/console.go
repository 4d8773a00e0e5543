package console

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-16109ab2/rekey/sms"
)

// Provider is the name in what Send returns.
const Provider = "console"

// Sender is an [sms.Sender] that prints. It is safe for concurrent use.
type Sender struct {
	turn chan struct{} // a mutex; ctx can end the wait for it
	w    io.Writer
}

// New returns a Sender that writes to w. The sender locks w against its own
// concurrent writes. New panics if w is nil.
func New(w io.Writer) *Sender {
	if w == nil {
		panic("console: nil writer")
	}
	return &Sender{turn: make(chan struct{}, 1), w: w}
}

// Send writes m with exactly one call of Write. A failed or short write is a
// temporary [*sms.Error]. The end of ctx ends the wait for other messages, but not a
// write that has begun.
func (s *Sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	if err := ctx.Err(); err != nil {
		return sms.Accepted{}, failed(err)
	}
	b := format(m)
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return sms.Accepted{}, failed(ctx.Err())
	}
	defer func() { <-s.turn }()
	n, err := s.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return sms.Accepted{}, failed(err)
	}
	return sms.Accepted{Provider: Provider, Ref: m.ID}, nil
}

func failed(err error) error {
	return &sms.Error{Outcome: sms.Temporary, Err: fmt.Errorf("console: %w", err)}
}

func format(m sms.Message) []byte {
	var b strings.Builder
	b.WriteString("SMS to " + visible(m.To) + " (" + visible(string(m.Kind)))
	for _, part := range []struct{ name, value string }{
		{"", string(m.Purpose)}, {"tenant ", m.Tenant}, {"language ", m.Language}, {"id ", m.ID},
	} {
		if part.value != "" {
			b.WriteString(", " + part.name + visible(part.value))
		}
	}
	if !m.ExpiresAt.IsZero() {
		b.WriteString(", of use until " + m.ExpiresAt.UTC().Format(time.RFC3339))
	}
	b.WriteString(")\n")
	for line := range strings.SplitSeq(m.Text, "\n") {
		b.WriteString("  | " + visible(line) + "\n")
	}
	return []byte(b.String())
}

// visible replaces characters that do not print by Go escapes. It escapes the
// backslash too, so that a text cannot contain what looks like an escape.
func visible(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\\' || !strconv.IsPrint(r):
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteRune(r)
		}
		s = s[n:]
	}
	return b.String()
}
