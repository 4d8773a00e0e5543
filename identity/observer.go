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
	// ObserveDelivery is one attempt to hand an SMS to a provider: Provider, Outcome,
	// Took, and Waited since the message was queued.
	ObserveDelivery ObservationKind = "delivery"
	// ObserveFault is a failure of storage or of a hook: Outcome says of what.
	ObserveFault ObservationKind = "fault"
)

// Observation is something that an operator may want to count. It holds no
// number, code, device, address or id, so every field may become a label.
type Observation struct {
	Kind     ObservationKind
	Purpose  Purpose
	Country  string // ISO 3166-1 region of the number, if there is one
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
