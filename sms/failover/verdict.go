package failover

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// verdict gathers the results of the attempts.
type verdict struct {
	errs       []error
	number     int // how many of errs are about the number alone
	uncertain  bool
	temporary  bool
	repeatable bool
	wait       time.Duration // shortest of the waits named; valid if waited
	waited     bool
	open       time.Duration // of the providers passed over
}

func (v *verdict) add(o *sms.Error, err error) {
	v.errs = append(v.errs, err)
	if o.NumberOnly {
		v.number++
	}
	switch o.Outcome {
	case sms.Uncertain:
		v.uncertain = true
	case sms.Permanent:
		// Decides only if no other failure does.
	default:
		v.temporary = true
		v.repeatable = v.repeatable || o.Outcome == sms.Repeatable
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
	e := v.outcome()
	e.NumberOnly = v.number == len(v.errs)
	return e
}

func (v *verdict) outcome() *sms.Error {
	err := errors.Join(v.errs...)
	switch {
	case v.uncertain:
		return fail(sms.Uncertain, 0, err)
	case v.repeatable:
		return fail(sms.Repeatable, v.wait, err)
	case v.temporary:
		return fail(sms.Temporary, v.wait, err)
	case v.open > 0:
		return fail(sms.Temporary, v.open, err)
	default: // all that were asked refused, and there is nothing left to ask
		return fail(sms.Permanent, 0, err)
	}
}

func fail(o sms.Outcome, wait time.Duration, err error) *sms.Error {
	return &sms.Error{Outcome: o, RetryAfter: wait, Err: fmt.Errorf("failover: %w", err)}
}
