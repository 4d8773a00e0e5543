package limit

import (
	"slices"
	"time"
)

// A bucket is the generic cell rate algorithm: each event adds Every to a debt, which
// time pays off. An event that would raise the debt above Burst × Every is refused. The
// debt is computed from the events of the log. A steady stream never pays it off, so the
// debt can depend on events of any age. Therefore, when events leave the log, the next
// event carries the debt that they leave behind.

// debt returns the debt at now of the rule's bucket, which is the bucket-th of the limit.
func (l *Limit) debt(events []event, rule *Rule, bucket int, now time.Time) time.Duration {
	b, ms := rule.Bucket, now.UnixMilli()
	paid := farPast // when the debt is paid off, relative to ms
	for i := range events {
		if e := &events[i]; inBucket(e, ms) && l.counts(rule, e) {
			paid = b.add(paid, e, bucket, ms)
		}
	}
	return min(max(paid-now.Sub(unixMilli(ms)), 0), b.span())
}

const farPast = -4 * Longest

// inBucket reports whether a bucket counts an event at ms.
func inBucket(e *event, ms int64) bool { return !e.rounded && e.at <= ms+skew.Milliseconds() }

// add returns when the debt is paid off after the event.
func (b Bucket) add(paid time.Duration, e *event, bucket int, ms int64) time.Duration {
	at := since(e.at, ms)
	return max(paid, at+min(e.carried(bucket), b.span())) + time.Duration(min(e.n, int64(b.Burst)))*b.Every
}

// since returns an instant relative to ms, not before farPast.
func since(at, ms int64) time.Duration {
	return time.Duration(max(at-ms, farPast.Milliseconds())) * time.Millisecond
}

// carried returns the debt that events which left the log have left to this event.
func (e *event) carried(bucket int) time.Duration {
	if bucket >= len(e.carry) {
		return 0
	}
	return time.Duration(min(e.carry[bucket], Longest.Milliseconds())) * time.Millisecond
}

// carryOver moves the debt of events that leave to events that stay. all[0] is the log
// that is about to be stored.
func (l *Limit) carryOver(all []*log, t *tidying, ms int64) {
	leaving := false
	for i := range all[0].events {
		e := &all[0].events[i]
		leaving = leaving || e.kind == l.Kind && t.leaves(e)
	}
	if !leaving {
		return
	}
	bucket := -1
	for i := range l.Rules {
		if rule := &l.Rules[i]; rule.Bucket.Burst > 0 {
			bucket++
			l.carryDebt(all, rule, bucket, t, ms)
		}
	}
}

func (l *Limit) carryDebt(all []*log, rule *Rule, bucket int, t *tidying, ms int64) {
	type group struct {
		paid time.Duration
		left bool // the event before left
	}
	type item struct {
		*event
		own bool
	}
	var events []item
	for i, s := range all {
		for j := range s.events {
			events = append(events, item{&s.events[j], i == 0})
		}
	}
	slices.SortStableFunc(events, func(a, b item) int { return byTime(*a.event, *b.event) })
	groups := map[uint32]*group{}
	for _, e := range events {
		if e.kind != l.Kind || !rule.For.includes(e.known) || !inBucket(e.event, ms) {
			continue
		}
		g := groups[rule.groupOf(e.event)]
		if g == nil {
			g = &group{paid: farPast}
			groups[rule.groupOf(e.event)] = g
		}
		leaving := t.leaves(e.event)
		if debt := g.paid - since(e.at, ms); g.left && e.own && !leaving {
			e.setCarry(bucket, debt)
			g.left = false
		}
		g.paid = rule.Bucket.add(g.paid, e.event, bucket, ms)
		g.left = g.left || e.own && leaving
	}
}

func (e *event) setCarry(bucket int, debt time.Duration) {
	ms := (debt + time.Millisecond - 1).Milliseconds()
	if ms <= 0 {
		return
	}
	for len(e.carry) <= bucket {
		e.carry = append(e.carry, 0)
	}
	e.carry[bucket] = max(e.carry[bucket], ms)
}

// groupOf returns the group of events that the rule counts together with this one.
func (r *Rule) groupOf(e *event) uint32 {
	switch r.Scope {
	case SameMark:
		return e.mark
	case SameSubmark:
		return e.submark
	default:
		return 0
	}
}
