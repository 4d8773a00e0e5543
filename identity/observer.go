package identity

import (
	"context"
	"time"
)

// ObservationKind says what an [Observation] is about.
type ObservationKind string

// The kinds of observations.
const (
	// ObserveEvent is an audit event: Outcome is its type and, after a slash, its outcome.
	ObserveEvent ObservationKind = "event"
	// ObserveLimit is a refusal by a limit: Outcome is the rule.
	ObserveLimit ObservationKind = "limit"
	// ObserveBusy is a request turned away because of load: Outcome says where.
	ObserveBusy ObservationKind = "busy"
	// ObserveDelivery is one attempt to hand an SMS to a provider: Operation is the kind
	// of message, Provider (empty if none took it), Country, Outcome, Took, and Waited
	// since the message was queued.
	ObserveDelivery ObservationKind = "delivery"
	// ObserveHash is one password hash computed or compared: Waited in the queue, Took to
	// compute. A caller that the queue turned away is an ObserveBusy.
	ObserveHash ObservationKind = "hash"
	// ObserveReceipt is a provider's report on a message that it took: Provider, and
	// Outcome "delivered" or "failed".
	ObserveReceipt ObservationKind = "receipt"
	// ObserveStorage is one call of Config.Store: Operation is the method, Outcome is
	// "ok", "timeout", "canceled" or "failed", and Took. What a method promises to
	// return, such as ErrNotFound, is "ok".
	ObserveStorage ObservationKind = "storage"
	// ObserveFault is a failure of storage or of a hook: Outcome says of what.
	ObserveFault ObservationKind = "fault"
)

// Observation is something that an operator may want to count. It holds no
// number, code, device, address or id, so every field may become a label.
type Observation struct {
	Kind ObservationKind
	// Operation is what was called or sent, where a kind says so.
	Operation string
	Purpose   Purpose
	// Country is the ISO 3166-1 region that the number's country code belongs to; the
	// main one if several share the code. Empty where no number is concerned.
	Country  string
	Provider string
	Outcome  string
	Took     time.Duration
	Waited   time.Duration
}

// Observer receives observations. It is safe for concurrent use, returns soon,
// and never panics: it is called in the middle of requests.
type Observer interface {
	Observe(ctx context.Context, o Observation)
}

func (s *Service) observe(ctx context.Context, o Observation) {
	if s.cfg.Observer != nil {
		s.cfg.Observer.Observe(ctx, o)
	}
}
