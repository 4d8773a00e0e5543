package identity

import (
	"context"
	"errors"
	"sync"

	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// How many different numbers in a row a provider must have failed before that counts as
// an outage. A permanent refusal may be about the number: a person with some numbers
// that the provider refuses must not be able to simulate an outage.
const (
	outageFailed  = 3
	outageRefused = 20
)

// outage remembers what the provider did with the latest messages of this process.
type outage struct {
	mu sync.Mutex
	// The numbers that failed since the provider last took a message.
	failed, refused map[string]bool
}

// note records the result of a message that was given to the provider.
func (o *outage) note(number string, failure *sms.Error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	add := func(numbers *map[string]bool, most int) {
		if *numbers == nil {
			*numbers = map[string]bool{}
		}
		if len(*numbers) < most {
			(*numbers)[number] = true
		}
	}
	switch {
	case failure == nil || failure.Outcome == sms.Uncertain:
		o.failed, o.refused = nil, nil
	case failure.Outcome == sms.Permanent:
		add(&o.refused, outageRefused)
	default:
		add(&o.failed, outageFailed)
	}
}

// failure returns the error that any message would get now; nil if the provider may
// take one.
func (o *outage) failure() *sms.Error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(o.failed) >= outageFailed:
		return &sms.Error{Outcome: sms.Temporary, Err: errOutage}
	case len(o.refused) >= outageRefused:
		return &sms.Error{Outcome: sms.Permanent, Err: errOutage}
	}
	return nil
}

var errOutage = errors.New("the provider accepts no messages")

// deliverDecoy takes the place of the delivery of a decoy. It calls no provider. During an
// outage it fails as a code would, so that its send is given back like that of a code.
func (s *Service) deliverDecoy(context.Context, outbox.Message, delivery) (sms.Accepted, error) {
	if failure := s.outage.failure(); failure != nil {
		return sms.Accepted{}, failure
	}
	return sms.Accepted{}, nil
}

// unsent gives a send back to its number when its code was certainly not sent. An
// unknown device gets it back during an outage only, whether the number has a user or
// not. Otherwise a stranger could learn that a number has a user: the sends of a number
// that a provider refuses would never run out.
func (s *Service) unsent(ctx context.Context, m outbox.Message, d delivery) {
	if d.Caller == nil || d.Device == "" {
		return
	}
	number, err := s.mobiles.Parse(d.To)
	if err != nil {
		return
	}
	caller := *d.Caller
	caller.Device = d.Device
	sends := s.meter.numberSends(s.subject(scope{tenant: d.Tenant, client: Client{ID: caller.ClientID}}, caller, number))
	if s.outage.failure() == nil {
		states, err := s.limitStates(ctx, []limit.Limit{sends})
		if err != nil {
			return // the store's failure is logged where it matters
		}
		if known, err := sends.Knows(states[sends.Key], s.now()); err != nil || !known {
			return
		}
	}
	if err := s.changeLimits(ctx, []limit.Change{{Limit: sends, SpentAt: m.CreatedAt}}, s.now()); err != nil {
		s.log.once(ctx, "send not given back", "error", err)
	}
}
