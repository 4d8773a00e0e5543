package webhook

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// PayloadType is [Payload].Type.
const PayloadType = "sms.send"

// Payload is the JSON body of a request. Later versions may add fields. They remove
// no field and change the meaning of none.
type Payload struct {
	Type string `json:"type"` // [PayloadType]
	// Timestamp is the time of this attempt, RFC 3339 in UTC.
	Timestamp time.Time `json:"timestamp"`
	Data      Data      `json:"data"`
}

// Data is the message. It holds the code, and prints as "[redacted]".
type Data struct {
	To       string   `json:"to"`       // E.164
	Kind     sms.Kind `json:"kind"`     // "verify_code" or "password_changed"
	Purpose  string   `json:"purpose"`  // "FORGET_PWD_SMS", …
	Tenant   string   `json:"tenant"`   // may be empty
	Language string   `json:"language"` // BCP 47
	Text     string   `json:"text"`     // complete; send it without a change
	// Params are the values in the text by name ("code", "minutes", "time"), for
	// providers that take a template instead.
	Params    map[string]string `json:"params"`
	ExpiresAt time.Time         `json:"expires_at"` // the message is useless from this time on
}

// Format implements fmt.Formatter, so that a receiver that logs a payload logs no code.
func (d Data) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "Data{%s [redacted]}", d.Kind) }

// LogValue implements slog.LogValuer like Format.
func (d Data) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(d)) }
