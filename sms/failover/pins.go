package failover

import (
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// maxPins is how many messages are remembered, to bound the memory of a long outage.
const maxPins = 100_000

// pins remember which provider may have sent a message already. The next try asks
// that provider even if it is down by then, because another provider would send a
// second message. A restart of the process forgets them.
type pins struct {
	mu   sync.Mutex
	byID map[string]pin
}

type pin struct {
	p     *provider
	until time.Time
}

// of returns the provider that the message is pinned to, or nil.
func (s *pins) of(id string) *provider {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id].p
}

// add pins a message to a provider until the message expires. The first pin stays.
func (s *pins) add(m sms.Message, p *provider) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byID[m.ID]; ok || m.ID == "" {
		return
	}
	if len(s.byID) >= maxPins {
		s.sweep(time.Now())
	}
	if s.byID == nil {
		s.byID = map[string]pin{}
	}
	s.byID[m.ID] = pin{p, m.ExpiresAt}
}

// sweep drops the pins of expired messages, or all pins if no message has expired.
func (s *pins) sweep(now time.Time) {
	for id, pin := range s.byID {
		if !now.Before(pin.until) {
			delete(s.byID, id)
		}
	}
	if len(s.byID) >= maxPins {
		clear(s.byID)
	}
}

// remove forgets a message that has been sent.
func (s *pins) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}
