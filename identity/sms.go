package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// SMSSender hands a short message to whoever carries it. Implementations are
// safe for concurrent use and honour ctx, which carries the delivery's time-out.
//
// The error says what may be done next: a [*SendError] tells refused for good
// from try again from unknown; any other error is taken as try again. No error
// holds the text, the code, or a credential.
type SMSSender interface {
	SendSMS(ctx context.Context, m SMS) (SMSReceipt, error)
}

// SMSKind is what a message is about.
type SMSKind string

// The kinds of messages.
const (
	SMSVerifyCode      SMSKind = "verify_code"
	SMSPasswordChanged SMSKind = "password_changed"
)

// SMS is one message to one number. It prints as its id and kind only.
type SMS struct {
	// ID is unique for each message and the same for each repetition of it:
	// pass it to providers that take an idempotency key.
	ID       string
	To       string // E.164
	Kind     SMSKind
	Purpose  Purpose
	Tenant   string
	Language string // BCP 47
	Text     string // complete, for providers that take free text
	// Params are the values in the text by name, for providers that take a
	// template and parameters: "code" and "minutes" for a code, "time" for a notice.
	Params    map[string]string
	ExpiresAt time.Time // of no use at or after this time
}

// Format implements fmt.Formatter: the text and the number stay out of logs
// under every verb.
func (m SMS) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "SMS{%s %s}", m.ID, m.Kind) }

// LogValue implements slog.LogValuer.
func (m SMS) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", m.ID), slog.String("kind", string(m.Kind)))
}

// MarshalJSON implements json.Marshaler like Format: a sender builds its own
// body, and whatever else marshals a message is a log.
func (m SMS) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", fmt.Sprint(m)), nil }

// SMSReceipt says who took a message.
type SMSReceipt struct {
	Provider string // the sender's name, "webhook"
	Ref      string // the provider's id of the message; may be empty
}

// SendOutcome tells kinds of failed sends apart.
type SendOutcome int

const (
	// SendTemporary: not sent; worth another try.
	SendTemporary SendOutcome = iota
	// SendPermanent: not sent, and the same message never will be.
	SendPermanent
	// SendUncertain: the provider may have sent it, and has no idempotency key
	// that makes a repetition harmless.
	SendUncertain
)

// SendError is a failed send.
type SendError struct {
	Outcome SendOutcome
	// MaybeSent says of a temporary failure that the message may have gone out, and
	// that only its own provider can be asked again without sending it twice: no
	// other knows the idempotency key. An uncertain one always may have.
	MaybeSent bool
	// RetryAfter is how long the provider asked to wait; 0 when it did not say.
	RetryAfter time.Duration
	// Err says what happened, without text, code, number or credential.
	Err error
}

func (e *SendError) Error() string {
	what := [...]string{"temporary", "permanent", "uncertain"}[min(max(int(e.Outcome), 0), 2)]
	if e.Err == nil {
		return "sms not sent (" + what + ")"
	}
	return fmt.Sprintf("sms not sent (%s): %v", what, e.Err)
}

// Unwrap returns Err.
func (e *SendError) Unwrap() error { return e.Err }

// sendError reads any sender's error as a SendError.
func sendError(err error) *SendError {
	if se, ok := errors.AsType[*SendError](err); ok {
		return se
	}
	return &SendError{Outcome: SendTemporary, Err: err}
}
