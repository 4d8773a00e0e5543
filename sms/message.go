package sms

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Sender hands a message to a provider. The package's section Writing a sender
// lists the rules for an implementation.
//
// Implementations are safe for concurrent use. They honour ctx, which carries the
// time-out of the delivery.
//
// A nil error means that the provider accepted the message. An error that wraps an
// [*Error] says what may be done next. Every other error counts as [Uncertain]: it
// does not say whether the message was sent, so the message is not sent again. No
// error may hold the text, the code, the number or a credential.
type Sender interface {
	Send(ctx context.Context, m Message) (Accepted, error)
}

// Kind is the subject of a message.
type Kind string

// The kinds of messages.
const (
	KindVerifyCode      Kind = "verify_code"      // a verification code
	KindPasswordChanged Kind = "password_changed" // the notice after a reset
	KindNumberTaken     Kind = "number_taken"     // the notice that someone wanted to register the number again
)

// Message is one message to one number. It prints as its ID and kind only, so
// that neither the text nor the number reaches a log.
type Message struct {
	// ID is unique for each message and stays the same when the message is sent
	// again. Pass it to providers that accept an idempotency key.
	ID       string
	To       string // the number in E.164
	Kind     Kind
	Purpose  string // what the code is for, such as "FORGET_PWD_SMS"
	Tenant   string // empty without tenants
	Language string // BCP 47
	Text     string // the complete text, for providers that accept free text
	// Params are the values in the text by name, for providers that take a
	// template and parameters: "code" and "minutes" for a code, "time" for a notice.
	Params    map[string]string
	ExpiresAt time.Time // the message is useless from this time on
}

// Format implements fmt.Formatter. It prints the ID and the kind under every verb.
func (m Message) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "SMS{%s %s}", m.ID, m.Kind) }

// LogValue implements slog.LogValuer.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", m.ID), slog.String("kind", string(m.Kind)))
}

// MarshalJSON implements json.Marshaler. It encodes what Format prints. A sender
// builds its own body, so only a log marshals a whole message.
func (m Message) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", fmt.Sprint(m)), nil }

// Accepted says which provider took a message.
type Accepted struct {
	Provider string // the provider's name, such as "webhook"; at most 64 bytes are kept
	Ref      string // the provider's own id of the message; may be empty; at most 128 bytes are kept
}
