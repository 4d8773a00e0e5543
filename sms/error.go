package sms

import (
	"errors"
	"fmt"
	"time"
)

// Outcome says what may be done after a failed send.
type Outcome int

const (
	// Uncertain: the provider may have sent the message, and sending it again could
	// deliver it twice. It is the zero value, because a sender that does not know
	// must not cause repetitions.
	Uncertain Outcome = iota
	// Temporary: the message was not sent. Try again later, or try another provider.
	Temporary
	// Permanent: the message was not sent. The same message will never be accepted.
	Permanent
	// Repeatable: the provider may have sent the message, and recognises its ID. Try
	// the same provider again. Another provider could send the message twice.
	Repeatable
)

// String returns the name in lower case.
func (o Outcome) String() string {
	switch o {
	case Temporary:
		return "temporary"
	case Permanent:
		return "permanent"
	case Repeatable:
		return "repeatable"
	default:
		return "uncertain"
	}
}

// Error is a failed send.
type Error struct {
	Outcome Outcome
	// RetryAfter is how long the provider asked to wait. 0 if it did not say.
	RetryAfter time.Duration
	// NumberOnly says that the failure concerns only the number of this message, such
	// as a limit on messages to one number. The provider still serves other numbers,
	// so package failover does not count it as a failure of the provider.
	NumberOnly bool
	// Err is the cause. It must not hold the text, the code, the number or a credential.
	Err error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return "sms not sent (" + e.Outcome.String() + ")"
	}
	return fmt.Sprintf("sms not sent (%s): %v", e.Outcome, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// ErrorOf returns the [*Error] that err wraps, or an [Uncertain] one with err as its
// cause. It returns nil for nil.
func ErrorOf(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Outcome: Uncertain, Err: err}
}
