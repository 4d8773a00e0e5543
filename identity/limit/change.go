package limit

import (
	"slices"
	"time"
)

// Change changes a state other than by spending. Its parts are applied in the order of the
// fields.
type Change struct {
	// Limit is the limit whose key, shard, kind and marks the change concerns.
	Limit Limit
	// SpentAt takes back the newest event of that instant that the limit spent. The
	// zero time takes nothing back.
	SpentAt time.Time
	// Newest takes back the newest event that the limit spent, whenever that was.
	Newest bool
	// Clear forgets all events of all kinds. Known devices stay known.
	Clear bool
	// Remember makes the limit's device known, for [KnownFor].
	Remember bool
}

// Apply returns the changed state, and when it no longer matters. If the state lacks the
// event to take back, that part changes nothing. A nil state means that the key has none
// yet. Errors wrap [ErrState].
func (c Change) Apply(state []byte, now time.Time) (changed []byte, expires time.Time, err error) {
	s, err := parse(state)
	if err != nil {
		return nil, time.Time{}, err
	}
	h := c.Limit.horizons()
	if !c.SpentAt.IsZero() || c.Newest {
		c.refund(s, h)
	}
	if c.Clear {
		s.events = nil
	}
	if c.Remember {
		s.remember(c.Limit.Device, now)
	}
	return s.bytes(), c.Limit.expiry(s, h, now), nil
}

func (c Change) refund(s *log, h horizons) {
	i := c.spent(s, h)
	if i < 0 {
		return
	}
	// An entry that carries a debt stays, even without events.
	if e := &s.events[i]; e.n > 1 || len(e.carry) > 0 {
		e.n--
		return
	}
	s.events = slices.Delete(s.events, i, i+1)
}

// spent returns the entry of the event to take back, or -1. A known device and a stranger
// can spend at one instant from one network, so an entry of the device's own audience comes
// first. The other one counts if the device became known in between.
func (c Change) spent(s *log, h horizons) int {
	exact := event{at: c.SpentAt.UnixMilli(), mark: c.Limit.Mark, submark: c.Limit.Submark}
	rounded := exact
	if h.step > 0 {
		h.round(&rounded)
	}
	known, other := s.knows(c.Limit.Device, c.SpentAt), -1
	for i := len(s.events) - 1; i >= 0; i-- {
		e, want := &s.events[i], &exact
		if e.rounded {
			want = &rounded
		}
		switch {
		case e.at != want.at && !c.Newest || e.kind != c.Limit.Kind || e.mark != want.mark || e.submark != want.submark || e.n == 0:
		case c.Newest || e.known == known:
			return i
		case other < 0:
			other = i
		}
	}
	return other
}
