package failover

import (
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// maxPins bounds the memory of a long outage: 100,000 messages under way.
const maxPins = 100_000

// pins remember which messages a provider may have sent already, so that the
// next try asks the same one even if by then it is down: any other would send a
// second. They are this process's own: after a restart such a message starts anew.
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

// add keeps the first pin of a message until the message is over.
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

// sweep drops the pins of messages that are over, and if there are none, all.
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
