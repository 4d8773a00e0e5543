package limit

import "time"

const (
	// settled is how long an event must have been in the log before its time says
	// what time it is. A clock that runs ahead for a shorter time than this makes no
	// state forget.
	settled = 2 * time.Minute
	// aheadMax is how many entries a log keeps that are ahead of the clock by more
	// than the longest window and a day. They are from a clock that ran ahead, or the
	// clock is behind now, and then it must not lose what it recorded.
	aheadMax   = 512
	aheadFloor = 24 * time.Hour
)

// tidying says which events of a log still mean something.
type tidying struct {
	horizons
	kind   Kind
	retain int64
	ref    int64 // the time as the log knows it
	sure   bool  // whether it knows it
}

func (t *tidying) forgets(e *event) bool {
	if e.kind != t.kind {
		return t.sure && e.at <= t.ref-t.retain
	}
	return t.sure && e.at <= t.ref-t.longest
}

// rounds reports whether the exact instant means nothing any more. Where no rate
// is exact, it never did.
func (t *tidying) rounds(e *event) bool {
	return e.kind == t.kind && t.step > 0 && !e.rounded && (t.exact == 0 || t.sure && e.at <= t.ref-t.exact)
}

// leaves reports whether buckets see the event no more.
func (t *tidying) leaves(e *event) bool { return t.forgets(e) || t.rounds(e) }

// tidy forgets what no window reaches any more, and rounds instants up that no
// exact window reaches any more. all[0] is the log to tidy.
func (l *Limit) tidy(all []*log, h horizons, now time.Time) {
	s, ms := all[0], now.UnixMilli()
	t := &tidying{horizons: h, kind: l.Kind, retain: l.Retain.Milliseconds()}
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

// settledTime is the time of the newest event that is not after latest.
func (s *log) settledTime(latest int64) (at int64, ok bool) {
	for i := len(s.events) - 1; i >= 0; i-- {
		if at := s.events[i].at; at <= latest {
			return at, true
		}
	}
	return 0, false
}

// expiry is when the state means nothing any more.
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
