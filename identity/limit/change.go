package limit

import "time"

// Change is what happens to a state besides spending. The parts are applied in
// the order of the fields.
type Change struct {
	// Limit is the limit whose key, shard, kind and marks the change is about.
	Limit Limit
	// SpentAt takes back the newest event of that instant that the limit spent. The
	// zero time takes nothing back.
	SpentAt time.Time
	// Newest takes back the newest event that the limit spent, whenever that was.
	Newest bool
	// Clear forgets all events of all kinds. Known devices stay known.
	Clear bool
	// Remember makes the limit's device a known one, for [KnownFor].
	Remember bool
}

// Apply returns the changed state and when it means nothing any more. A state
// without the event that is to be taken back is not changed by that. nil is the
// state of a key that has none. Errors wrap [ErrState].
func (c Change) Apply(state []byte, now time.Time) (changed []byte, expires time.Time, err error) {
	s, err := parse(state)
	if err != nil {
		return nil, time.Time{}, err
	}
	if !c.SpentAt.IsZero() || c.Newest {
		c.refund(s)
	}
	if c.Clear {
		s.events = nil
	}
	if c.Remember {
		s.remember(c.Limit.Device, now)
	}
	return s.bytes(), c.Limit.expiry(s, now), nil
}

func (c Change) refund(s *log) {
	l, at := c.Limit, c.SpentAt.UnixMilli()
	_, _, step := l.horizons()
	for i := len(s.events) - 1; i >= 0; i-- {
		e := &s.events[i]
		match := e.at == at
		if e.rounded && step > 0 {
			match = e.at == (at+step-1)/step*step
		}
		if !match && !c.Newest || e.kind != l.Kind || e.mark != l.Mark || e.submark != l.Submark {
			continue
		}
		if e.n--; e.n == 0 {
			s.events = append(s.events[:i], s.events[i+1:]...)
		}
		return
	}
}
