package limit

import "time"

const (
	// settled is how long an event must have been in the log before its time counts as
	// reliable. A clock that runs ahead for a shorter time makes no state forget events.
	settled = 2 * time.Minute
	// aheadMax is how many entries a log keeps that are ahead of the clock by more than
	// the longest window and a day. Either a clock ran ahead when it recorded them, or the
	// clock is behind now; then they must not be lost.
	aheadMax   = 512
	aheadFloor = 24 * time.Hour
)

// tidying decides which events of a log still matter.
type tidying struct {
	horizons
	kind   Kind
	retain int64
	ref    int64          // the time according to the log
	sure   bool           // whether ref is reliable
	newest map[Kind]int64 // when each other kind was last spent
}

// forgets reports whether an event no longer matters. Events of another kind go all
// together: a bucket that is not known here may compute its debt from any of them.
func (t *tidying) forgets(e *event) bool {
	if e.kind != t.kind {
		return t.sure && t.newest[e.kind] <= t.ref-t.retain
	}
	return t.sure && e.at <= t.ref-t.longest
}

// rounds reports whether the exact instant of an event no longer matters. Without an
// exact rate it never matters.
func (t *tidying) rounds(e *event) bool {
	return e.kind == t.kind && t.step > 0 && !e.rounded && (t.exact == 0 || t.sure && e.at <= t.ref-t.exact)
}

// leaves reports whether buckets no longer see the event.
func (t *tidying) leaves(e *event) bool { return t.forgets(e) || t.rounds(e) }

// tidy removes events that no window reaches, and rounds up instants that no exact window
// reaches. all[0] is the log to tidy.
func (l *Limit) tidy(all []*log, h horizons, now time.Time) {
	s, ms := all[0], now.UnixMilli()
	t := &tidying{horizons: h, kind: l.Kind, retain: l.Retain.Milliseconds()}
	for i := range s.events {
		if e := &s.events[i]; e.kind != l.Kind {
			if t.newest == nil {
				t.newest = map[Kind]int64{}
			}
			t.newest[e.kind] = max(t.newest[e.kind], e.at)
		}
	}
	t.ref, t.sure = s.settledTime(ms - min(settled.Milliseconds(), max(h.longest, t.retain)))
	l.carryOver(all, t, ms)
	kept := s.events[:0]
	for i := range s.events {
		e := &s.events[i]
		if t.forgets(e) {
			continue
		}
		if t.rounds(e) {
			h.round(e)
		}
		kept = append(kept, *e)
	}
	s.events = kept
	s.merge()
	ahead := 0
	for ahead < len(s.events) && s.events[len(s.events)-1-ahead].at > ms+(aheadFloor+Longest).Milliseconds() {
		ahead++
	}
	s.events = s.events[:len(s.events)-max(ahead-aheadMax, 0)]
	if t.sure {
		s.forgetDevices(t.ref)
	}
}

// settledTime returns the time of the newest event that is not after latest.
func (s *log) settledTime(latest int64) (at int64, ok bool) {
	for i := len(s.events) - 1; i >= 0; i-- {
		if at := s.events[i].at; at <= latest {
			return at, true
		}
	}
	return 0, false
}

// expiry returns when the state no longer matters.
func (l *Limit) expiry(s *log, h horizons, now time.Time) time.Time {
	keep := max(h.longest, l.Retain.Milliseconds())
	at := now.UnixMilli() + h.longest
	if len(s.events) > 0 { // the newest may be ahead of the clock, or of another kind
		at = max(at, s.events[len(s.events)-1].at+keep)
	}
	for _, d := range s.known {
		at = max(at, d.seen+KnownFor.Milliseconds())
	}
	return unixMilli(at + h.step)
}
