package failover

import (
	"sync/atomic"

	"github.com/seed-16109ab2/rekey/sms"
)

// Counts are the results of a provider's attempts since the start.
type Counts struct {
	Name  string
	State string // of its circuit breaker: "closed", "half-open" or "open"
	// Sent, Temporary, Permanent and Uncertain count attempts by their result.
	// Temporary includes repeatable failures.
	Sent, Temporary, Permanent, Uncertain int64
	// Skipped counts the messages that the open circuit breaker kept from the provider.
	Skipped int64
}

type tally struct{ sent, temporary, permanent, uncertain, skipped atomic.Int64 }

func (t *tally) count(o sms.Outcome) {
	switch o {
	case sms.Permanent:
		t.permanent.Add(1)
	case sms.Uncertain:
		t.uncertain.Add(1)
	default:
		t.temporary.Add(1)
	}
}

// Counts returns the counts of each provider, in the configured order. A send at the
// same time may show in some of a provider's counts and not yet in others.
func (s *Sender) Counts() []Counts {
	out := make([]Counts, len(s.providers))
	for i, p := range s.providers {
		out[i] = Counts{
			Name: p.Name, State: p.breaker.State().String(),
			Sent: p.tally.sent.Load(), Temporary: p.tally.temporary.Load(), Permanent: p.tally.permanent.Load(),
			Uncertain: p.tally.uncertain.Load(), Skipped: p.tally.skipped.Load(),
		}
	}
	return out
}
