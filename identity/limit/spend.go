package limit

import (
	"slices"
	"time"
)

// skew is how much the clocks of servers that share a storage may differ. Events further
// ahead were recorded by a wrong clock.
const skew = 30 * time.Second

// Spend adds one event at now to the state of the limit's key; nil means that there is no
// state yet. others are the states of its other shards. Spend returns the new state, or an
// [*Error] if a rule refuses; then there is nothing to store. A malformed state is an
// error that wraps [ErrState], never an empty log.
func (l Limit) Spend(state []byte, others [][]byte, now time.Time) (Spent, error) {
	own, err := parse(state)
	if err != nil {
		return Spent{}, err
	}
	all := []*log{own}
	for _, o := range others {
		other, err := parse(o)
		if err != nil {
			return Spent{}, err
		}
		all = append(all, other)
	}
	known, h := l.known(all, now), l.horizons()
	if refused := l.check(inOrder(all), known, h, now); refused != nil {
		return Spent{}, refused
	}
	own.add(event{at: now.UnixMilli(), n: 1, kind: l.Kind, known: known, mark: l.Mark, submark: l.Submark})
	l.tidy(all, h, now)
	spent := Spent{Key: l.Key, Shard: l.Shard, State: own.bytes(), ExpiresAt: l.expiry(own, h, now), Known: known}
	if l.Alarm.Limit > 0 {
		var n int64
		for _, s := range all {
			n += l.count(s.events, &Rule{}, l.Alarm, h, now)
		}
		spent.Alarm = n >= int64(l.Alarm.Limit)
	}
	return spent, nil
}

// Look checks the rules against the states of the key's shards without spending. It
// returns an [*Error] if an event at now would be refused. usage is how full the fullest
// rule is: 0 for empty, 1 for used up.
func (l Limit) Look(states [][]byte, now time.Time) (usage float64, err error) {
	var all []*log
	for _, state := range states {
		s, err := parse(state)
		if err != nil {
			return 0, err
		}
		all = append(all, s)
	}
	known, events, h := l.known(all, now), inOrder(all), l.horizons()
	if refused := l.check(events, known, h, now); refused != nil {
		return 1, refused
	}
	bucket := -1
	for i := range l.Rules {
		rule := &l.Rules[i]
		if rule.Bucket.Burst > 0 {
			bucket++
		}
		if !rule.For.includes(known) {
			continue
		}
		for _, r := range rule.Rates {
			usage = max(usage, float64(l.count(events, rule, r, h, now))/float64(max(r.Limit, 1)))
		}
		if b := rule.Bucket; b.Burst > 0 {
			usage = max(usage, float64(l.debt(events, rule, bucket, now))/float64(b.span()))
		}
	}
	return min(usage, 1), nil
}

// Knows reports whether the states of the key's shards know the limit's device.
func (l Limit) Knows(states [][]byte, now time.Time) (bool, error) {
	for _, state := range states {
		s, err := parse(state)
		if err != nil {
			return false, err
		}
		if s.knows(l.Device, now) {
			return true, nil
		}
	}
	return false, nil
}

func (l *Limit) known(all []*log, now time.Time) bool {
	return slices.ContainsFunc(all, func(s *log) bool { return s.knows(l.Device, now) })
}

// inOrder returns the events of all shards, oldest first.
func inOrder(all []*log) []event {
	if len(all) == 1 {
		return all[0].events
	}
	var events []event
	for _, s := range all {
		events = append(events, s.events...)
	}
	slices.SortStableFunc(events, byTime)
	return events
}

// check returns the refusals of all rules, or nil.
func (l *Limit) check(events []event, known bool, h horizons, now time.Time) *Error {
	var refused *Error
	bucket := -1
	for i := range l.Rules {
		rule := &l.Rules[i]
		if rule.Bucket.Burst > 0 {
			bucket++
		}
		if !rule.For.includes(known) {
			continue
		}
		var wait time.Duration
		for _, r := range rule.Rates {
			wait = max(wait, l.wait(events, rule, r, h, now))
		}
		if b := rule.Bucket; b.Burst > 0 {
			if over := l.debt(events, rule, bucket, now) - time.Duration(b.Burst-1)*b.Every; over > 0 {
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

// within reports whether an event lies in the rate's window, now given in
// milliseconds.
func (r Rate) within(e *event, h horizons, now int64) bool {
	ahead := skew.Milliseconds()
	if !r.exact() {
		ahead += r.step()
	}
	return r.at(e, h) > now-r.Per.Milliseconds() && e.at <= now+ahead
}

// at returns the instant that the rate counts. For an exact rate, an event whose instant
// was rounded up is as old as possible: it had left the window when it was rounded. It
// still counts only if the limit had larger rates, which are not exact, before.
func (r Rate) at(e *event, h horizons) int64 {
	if e.rounded && r.exact() {
		return e.at - h.step
	}
	return e.at
}

func (l *Limit) count(events []event, rule *Rule, r Rate, h horizons, now time.Time) (n int64) {
	ms := now.UnixMilli()
	for i := range events {
		if e := &events[i]; r.within(e, h, ms) && l.counts(rule, e) {
			n += e.n
		}
	}
	return n
}

// wait returns how long until one more event fits into the rate; 0 if it fits now.
func (l *Limit) wait(events []event, rule *Rule, r Rate, h horizons, now time.Time) time.Duration {
	excess := l.count(events, rule, r, h, now) + 1 - int64(r.Limit)
	if excess <= 0 {
		return 0
	}
	ms := now.UnixMilli()
	for i := range events { // the excess-th oldest event has to leave
		if e := &events[i]; r.within(e, h, ms) && l.counts(rule, e) {
			if excess -= e.n; excess <= 0 {
				return max(min(unixMilli(r.at(e, h)).Add(r.Per).Sub(now), r.Per), time.Millisecond)
			}
		}
	}
	return r.Per // a limit below 1 lets no event pass
}
