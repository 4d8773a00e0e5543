package limit

import (
	"fmt"
	"strings"
	"time"
)

// Key identifies a state: the subject, and a keyed digest of what is counted, such as a
// number. A caller can therefore neither choose a key nor make it long. At most 80 bytes
// of ASCII.
type Key string

// Rate allows at most Limit events in any span of length Per.
type Rate struct {
	Limit int
	Per   time.Duration
}

// Bucket allows Burst events at the same moment, and one more each time Every has passed.
// Unlike with a [Rate], no wait is longer than Every. In any span of length d it allows at
// most Burst + d/Every events. The zero Bucket is no limit.
type Bucket struct {
	Burst int // 1 to 128
	Every time.Duration
}

// Kind says what an event was, such as a send or a guess. Rules count events of
// their limit's own kind only. 0 to 31.
type Kind uint8

// Scope says which events of the state a rule counts.
type Scope uint8

// The scopes.
const (
	Whole       Scope = iota // all events of the kind
	SameMark                 // events with this event's first mark
	SameSubmark              // events with this event's second mark
)

// Audience says which events a rule limits and counts.
type Audience uint8

// The audiences. A device is known once a [Change] has remembered it.
const (
	Everyone Audience = iota
	Strangers
	KnownDevices
)

// Rule is one condition of a limit on the log.
type Rule struct {
	// Name says in logs and metrics which rule refused, such as "sends per number".
	Name   string
	Scope  Scope
	For    Audience
	Rates  []Rate
	Bucket Bucket
}

// Limit is one key, the event to add to its state, and the rules for it.
type Limit struct {
	Key  Key
	Kind Kind
	// Mark and Submark distinguish the events of one key, for example by network and by
	// device. 0 means none.
	Mark, Submark uint32
	// Device identifies the device of the event. 0 means none, which is never known.
	Device uint64
	Rules  []Rule
	// Retain is how long events of other kinds matter if limits of several kinds share the
	// key: at least the longest window of all of them.
	Retain time.Duration
	// Alarm is the level at which Spent.Alarm is set. The zero Rate is none.
	Alarm Rate
	// Shards is the number of rows over which the state is spread, so that transactions do
	// not all wait for one row. 0 and 1 mean one row. Concurrent transactions may together
	// exceed a sharded limit by as many events as are under way.
	Shards int
	// Shard is the row that this event is written to: 0 to Shards-1.
	Shard int
}

// Spent is the result of spending one limit.
type Spent struct {
	Key       Key
	Shard     int
	State     []byte    // the new state, to store
	ExpiresAt time.Time // when the state no longer matters
	// Known says that the state knew the event's device.
	Known bool
	// Alarm says that this event reaches or exceeds the level Limit.Alarm.
	Alarm bool
}

// Refusal is a rule that refused.
type Refusal struct {
	Key  Key
	Rule string
}

// Error says that limits refused. Nothing was spent.
type Error struct {
	// RetryAfter is how long until the same event could pass: at least 1 ms, and at most
	// the window of the rule that refused.
	RetryAfter time.Duration
	// Refused are the rules that refused, for logs. Do not show them to the caller.
	Refused []Refusal
}

func (e *Error) Error() string {
	names := make([]string, len(e.Refused))
	for i, r := range e.Refused {
		names[i] = r.Rule
	}
	return fmt.Sprintf("limit reached: %s", strings.Join(names, ", "))
}

// Join adds another refusal and returns the sum. Either may be nil.
func (e *Error) Join(other *Error) *Error {
	if e == nil {
		return other
	}
	if other == nil {
		return e
	}
	return &Error{
		RetryAfter: max(e.RetryAfter, other.RetryAfter),
		Refused:    append(append([]Refusal(nil), e.Refused...), other.Refused...),
	}
}

// exactLimit is the largest Rate.Limit that counts exact instants. A larger rate counts in
// steps of 1/coarseParts of its window, so that a state stays within some kilobytes.
const (
	exactLimit  = 128
	coarseParts = 64
)

// Longest is the longest window that a [Rate] and the longest span that a
// [Bucket] may have.
const Longest = 31 * 24 * time.Hour

func (r Rate) exact() bool { return r.Limit <= exactLimit }

// step is the granularity in which a coarse rate counts, at least 1 ms.
func (r Rate) step() int64 { return max(r.Per.Milliseconds()/coarseParts, 1) }

// span is how long a full bucket takes to drain.
func (b Bucket) span() time.Duration { return time.Duration(b.Burst) * b.Every }

func (a Audience) includes(known bool) bool {
	return a == Everyone || a == KnownDevices == known
}

// counts reports whether a rule counts an event.
func (l *Limit) counts(rule *Rule, e *event) bool {
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

// horizons are the ages, in milliseconds, beyond which events of the limit's kind no
// longer matter.
type horizons struct {
	longest int64 // older events do not matter
	exact   int64 // the exact instant of older events does not matter
	step    int64 // the step to which older instants are rounded up; 0 if none are older
	// Which marks matter when the instant no longer does.
	mark, submark bool
}

func (l *Limit) horizons() (h horizons) {
	rate := func(r Rate, scope Scope) {
		per := r.Per.Milliseconds()
		h.longest = max(h.longest, per)
		if r.exact() {
			h.exact = max(h.exact, per)
			return
		}
		if h.step == 0 || r.step() < h.step {
			h.step = r.step()
		}
		h.mark, h.submark = h.mark || scope == SameMark, h.submark || scope == SameSubmark
	}
	for i := range l.Rules {
		rule := &l.Rules[i]
		for _, r := range rule.Rates {
			rate(r, rule.Scope)
		}
		span := rule.Bucket.span().Milliseconds()
		h.longest, h.exact = max(h.longest, span), max(h.exact, span)
	}
	if l.Alarm.Limit > 0 {
		rate(l.Alarm, Whole)
	}
	return h
}

// round changes an event whose exact instant no longer matters: it rounds the instant up,
// and drops marks that no longer matter.
func (h horizons) round(e *event) {
	e.at, e.rounded = roundUp(e.at, h.step), true
	if !h.mark {
		e.mark = 0
	}
	if !h.submark {
		e.submark = 0
	}
}

func roundUp(at, step int64) int64 { return (at + step - 1) / step * step }
