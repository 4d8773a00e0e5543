package identity

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// EventError is an error of [Config.OnEvent] and [Config.OnPasswordReset] that says when to
// call again, or to give up. After any other error they are called again with growing
// pauses.
type EventError struct {
	// GiveUp ends the delivery of this event. It is logged.
	GiveUp bool
	// RetryAfter is the shortest pause before the next call; 0 if there is none.
	RetryAfter time.Duration
	Err        error // what happened, for the log
}

func (e *EventError) Error() string { return fmt.Sprintf("identity: event not accepted: %v", e.Err) }

// Unwrap returns Err.
func (e *EventError) Unwrap() error { return e.Err }

// eventFailure converts an error of the application's function to a failure of its lane.
func eventFailure(err error) error {
	if err == nil {
		return nil
	}
	failure := &sms.Error{Outcome: sms.Temporary, Err: err}
	if e, ok := errors.AsType[*EventError](err); ok {
		failure.RetryAfter = max(e.RetryAfter, 0)
		if e.GiveUp {
			failure.Outcome = sms.Permanent
		}
	}
	return failure
}
