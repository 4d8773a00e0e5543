package limit

import (
	"slices"
	"time"
)

// skew is by how much the clocks of servers that share a storage may differ.
// Events further ahead were recorded by a clock that was wrong.
const skew = 5 * time.Second

// Spend adds one event at now to the state of the limit's key (nil for none);
// others are the states of its other shards. It returns the new state, or an
// [*Error] and nothing to store. A malformed state is an error that wraps
// [ErrState], never an empty log.
func (l Limit) Spend(state []byte, others [][]byte, now time.Time) (Spent, error) {
	own, all, err := l.parse(state, others)
	if err != nil {
		return Spent{}, err
	}
	known := own.knows(l.Device)
	if refused := l.check(all, known, now); refused != nil {
		return Spent{}, refused
	}
	own.add(event{at: now.UnixMilli(), n: 1, kind: l.Kind, known: known, mark: l.Mark, submark: l.Submark})
	l.tidy(own, now)
	spent := Spent{Key: l.Key, Shard: l.Shard, Known: known, ExpiresAt: l.expiry(own, now)}
	if l.Alarm.Limit > 0 {
		spent.Alarm = l.count(all, Rule{}, l.Alarm, now) >= int64(l.Alarm.Limit)
	}
	spent.State = own.bytes()
	return spent, nil
}

// Look checks the rules against the states of the key's shards without spending.
// It returns an [*Error] if an event at now would be refused, and how full the
// fullest rule is: 0 for empty, 1 for used up.
func (l Limit) Look(states [][]byte, now time.Time) (usage float64, err error) {
	own, all, err := l.parse(nil, states)
	if err != nil {
		return 0, err
	}
	known := slices.ContainsFunc(all, func(s *log) bool { return s.knows(l.Device) })
	own.known = nil
	for _, rule := range l.Rules {
		if !rule.For.includes(known) {
			continue
		}
		for _, r := range rule.Rates {
			usage = max(usage, float64(l.count(all, rule, r, now))/float64(max(r.Limit, 1)))
		}
		if b := rule.Bucket; b.Burst > 0 {
			debt := l.debt(all, rule, now)
			usage = max(usage, float64(debt)/float64(b.span()))
		}
	}
	if refused := l.check(all, known, now); refused != nil {
		return max(usage, 1), refused
	}
	return usage, nil
}

func (l Limit) parse(state []byte, others [][]byte) (own *log, all []*log, err error) {
	if own, err = parse(state); err != nil {
		return nil, nil, err
	}
	all = []*log{own}
	for _, o := range others {
		other, err := parse(o)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, other)
	}
	return own, all, nil
}

func (a Audience) includes(known bool) bool {
	return a == Everyone || a == KnownDevices == known
}

// check returns the refusals of all rules, or nil.
func (l Limit) check(all []*log, known bool, now time.Time) *Error {
	var refused *Error
	for _, rule := range l.Rules {
		if !rule.For.includes(known) {
			continue
		}
		var wait time.Duration
		for _, r := range rule.Rates {
			wait = max(wait, l.wait(all, rule, r, now))
		}
		if b := rule.Bucket; b.Burst > 0 {
			if over := l.debt(all, rule, now) - time.Duration(b.Burst-1)*b.Every; over > 0 {
				wait = max(wait, min(over, b.Every))
			}
		}
		if wait > 0 {
			refused = refused.Join(&Error{
				RetryAfter: max(wait, time.Millisecond),
				Refused:    []Refusal{{Key: l.Key, Rule: rule.Name}},
			})
		}
	}
	return refused
}

// counts reports whether a rule counts an event.
func (l Limit) counts(rule Rule, e event) bool {
	if e.kind != l.Kind || !rule.For.includes(e.known) {
		return false
	}
	switch rule.Scope {
	case SameMark:
		return e.mark == l.Mark
	case SameSubmark:
		return e.submark == l.Submark
	default:
		return true
	}
}

// within reports whether an event lies in the rate's window. An event whose
// instant was rounded lies outside of every exact window.
func within(e event, r Rate, now time.Time) bool {
	ahead := skew.Milliseconds()
	if !r.exact() {
		ahead += r.step()
	}
	ms := now.UnixMilli()
	return e.at > ms-r.Per.Milliseconds() && e.at <= ms+ahead && !(e.rounded && r.exact())
}

func (l Limit) count(all []*log, rule Rule, r Rate, now time.Time) (n int64) {
	for _, s := range all {
		for _, e := range s.events {
			if within(e, r, now) && l.counts(rule, e) {
				n += e.n
			}
		}
	}
	return n
}

// wait is how long until one more event fits into the rate; 0 if it fits now.
func (l Limit) wait(all []*log, rule Rule, r Rate, now time.Time) time.Duration {
	excess := 1 - int64(r.Limit)
	var window []event
	for _, s := range all {
		for _, e := range s.events {
			if within(e, r, now) && l.counts(rule, e) {
				window = append(window, e)
				excess += e.n
			}
		}
	}
	if excess <= 0 {
		return 0
	}
	slices.SortFunc(window, func(a, b event) int { return int(min(max(a.at-b.at, -1), 1)) })
	for _, e := range window { // the excess-th oldest event has to leave
		if excess -= e.n; excess <= 0 {
			return min(unixMilli(e.at).Add(r.Per).Sub(now), r.Per)
		}
	}
	return r.Per // a limit below 1 never lets anything pass
}

// debt is how long the bucket needs until it is full again (the theoretical
// arrival time of the generic cell rate algorithm, minus now).
func (l Limit) debt(all []*log, rule Rule, now time.Time) time.Duration {
	b := rule.Bucket
	span := Rate{Limit: b.Burst, Per: b.span()}
	var window []event
	for _, s := range all {
		for _, e := range s.events {
			if within(e, span, now) && l.counts(rule, e) {
				window = append(window, e)
			}
		}
	}
	slices.SortFunc(window, func(a, b event) int { return int(min(max(a.at-b.at, -1), 1)) })
	var full time.Time
	for _, e := range window {
		for range e.n {
			if at := unixMilli(e.at); full.Before(at) {
				full = at
			}
			full = full.Add(b.Every)
		}
	}
	return min(max(full.Sub(now), 0), b.span())
}

// tidy forgets what no window reaches any more, and rounds instants up that no
// exact window reaches any more.
func (l Limit) tidy(s *log, now time.Time) {
	longest, exact, step := l.horizons()
	ms := now.UnixMilli()
	kept := s.events[:0]
	for _, e := range s.events {
		if e.kind == l.Kind {
			if e.at <= ms-longest.Milliseconds() || e.at > ms+longest.Milliseconds()+absurd.Milliseconds() {
				continue
			}
			if step > 0 && !e.rounded && e.at <= ms-exact.Milliseconds() {
				e.at, e.rounded = (e.at+step-1)/step*step, true
			}
		} else if e.at <= ms-l.Retain.Milliseconds() {
			continue
		}
		kept = append(kept, e)
	}
	s.events = kept
	s.merge()
	s.forgetDevices(now)
}

// absurd is how far ahead of the clock, beyond the longest window, an event must
// lie to be forgotten rather than only ignored: a clock may be behind for a
// moment, and then it must not lose what it recorded.
const absurd = 24 * time.Hour

// Longest is the longest window that a [Rate] and the longest span that a
// [Bucket] may have.
const Longest = 31 * 24 * time.Hour

// expiry is when the state means nothing any more.
func (l Limit) expiry(s *log, now time.Time) time.Time {
	longest, _, step := l.horizons()
	at := now.Add(longest + time.Duration(step)*time.Millisecond)
	for _, e := range s.events {
		if e.kind != l.Kind {
			at = maxTime(at, unixMilli(e.at).Add(l.Retain))
		}
	}
	for _, d := range s.known {
		at = maxTime(at, unixMilli(d.seen).Add(KnownFor))
	}
	return at
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
