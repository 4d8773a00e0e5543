// Package observe holds what an operator may want to count: requests refused,
// messages delivered, hashes computed, calls of storage. Package identity reports it
// to an [Observer]; the module telemetry has an Observer for OpenTelemetry.
package observe

import (
	"context"
	"time"
)

// Observer receives observations. It is safe for concurrent use, returns soon,
// and never panics: it is called in the middle of requests.
type Observer interface {
	Observe(ctx context.Context, o Observation)
}

// Observation is one thing to count. It holds no number, code, device, address or
// id, so every field may become a label.
type Observation struct {
	Kind Kind
	// Operation is what was called or sent, where a kind says so.
	Operation string
	// Purpose is the purpose of the code. Empty where no code is concerned.
	Purpose string
	// Country is the ISO 3166-1 region that the number's country code belongs to; the
	// main one if several share the code. Empty where no number is concerned.
	Country  string
	Provider string
	Outcome  string
	Took     time.Duration
	Waited   time.Duration
}

// Kind says what an [Observation] is about.
type Kind string

// The kinds of observations.
const (
	// KindEvent is an audit event: Outcome is its type and, after a slash, its outcome.
	// Provider, for a redeemed code, is the provider that took the code's message; empty if
	// it is not known.
	KindEvent Kind = "event"
	// KindLimit is a refusal by a limit: Outcome is the rule.
	KindLimit Kind = "limit"
	// KindBusy is a request turned away because of load: Outcome says where.
	KindBusy Kind = "busy"
	// KindDelivery is one attempt to hand an SMS to a provider: Operation is the kind
	// of message, Provider (empty if none took it), Country, Outcome, Took, and Waited
	// since the message was queued.
	KindDelivery Kind = "delivery"
	// KindHash is one password hash computed or compared: Waited in the queue, Took to
	// compute. A caller that the queue turned away is a KindBusy.
	KindHash Kind = "hash"
	// KindReceipt is a provider's report on a message that it took: Provider, and
	// Outcome "delivered" or "failed".
	KindReceipt Kind = "receipt"
	// KindStorage is one call of Config.Store: Operation is the method, Outcome is
	// "ok", "timeout", "canceled" or "failed", and Took. An error that is part of a
	// method's contract, such as identity.ErrNotFound, counts as "ok".
	KindStorage Kind = "storage"
	// KindRetry is a step of storage that is run again: Outcome is why. Package identity
	// does not see it; hand it to the observer yourself if your store tells of retries,
	// as storage/bunstore.WithOnRetry does.
	KindRetry Kind = "retry"
	// KindFault is a failure of storage or of a hook: Outcome says of what.
	KindFault Kind = "fault"
)
