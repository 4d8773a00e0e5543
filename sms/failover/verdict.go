package failover

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// verdict gathers what became of the attempts.
type verdict struct {
	errs      []error
	uncertain bool
	temporary bool
	maybeSent bool
	wait      time.Duration // shortest of the waits named; valid if waited
	waited    bool
	open      time.Duration // of the providers passed over
}

func (v *verdict) add(o *identity.SendError, err error) {
	v.errs = append(v.errs, err)
	switch o.Outcome {
	case identity.SendUncertain:
		v.uncertain = true
	case identity.SendPermanent:
		// Decides only if nothing else does.
	default:
		v.temporary = true
		v.maybeSent = v.maybeSent || o.MaybeSent
		if !v.waited || o.RetryAfter < v.wait {
			v.wait, v.waited = o.RetryAfter, true
		}
	}
}

func (v *verdict) skip(name string, open time.Duration) {
	v.errs = append(v.errs, fmt.Errorf("%s: circuit breaker open", name))
	v.open = open
}

func (v *verdict) err() error {
	err := errors.Join(v.errs...)
	switch {
	case v.uncertain:
		return fail(identity.SendUncertain, 0, err)
	case v.temporary:
		return &identity.SendError{Outcome: identity.SendTemporary, MaybeSent: v.maybeSent, RetryAfter: v.wait, Err: fmt.Errorf("failover: %w", err)}
	case v.open > 0:
		return fail(identity.SendTemporary, v.open, err)
	default: // all that were asked refused, and there is nothing left to ask
		return fail(identity.SendPermanent, 0, err)
	}
}

func fail(o identity.SendOutcome, wait time.Duration, err error) error {
	return &identity.SendError{Outcome: o, RetryAfter: wait, Err: fmt.Errorf("failover: %w", err)}
}

// outcomeOf reads the outcome off any sender's error, as the port says: one that
// is no SendError is temporary.
func outcomeOf(err error) *identity.SendError {
	if se, ok := errors.AsType[*identity.SendError](err); ok {
		return se
	}
	return &identity.SendError{Err: err}
}
