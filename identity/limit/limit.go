package limit

import (
	"encoding/binary"
	"errors"
	"time"
)

// Rate is a limit's size: at most Limit events in any span of length Per.
type Rate struct {
	Limit int
	Per   time.Duration
}

// Key names a counter: a scope and a SHA-256 of who it counts, so that no
// caller can choose it or make it long. At most 80 bytes of ASCII.
type Key string

// Limit is one key and what it may spend. The algorithm is the sliding-window
// log: a key's state lists the instants of its events, so that no window of
// length Per ever holds more than Limit of them. For rates above exactLimit
// the instants are rounded up to 1/64 of the window and counted, which frees a
// place later than due by at most that much, never earlier.
//
// A store keeps the state of a key as opaque bytes and leaves the arithmetic to
// [Limit.Spend].
type Limit struct {
	Key   Key
	Rates []Rate
	// Streak, when not nil, counts failures in a row until cleared.
	Streak *Streak
	// Alarm, when not zero, is the level at which Spent.Alarm is set.
	Alarm Rate
	// Shards is over how many rows the counter is spread, so that a counter that
	// everybody shares is not the row that serialises every instance; 0 and 1 mean
	// one row. Concurrent transactions may together pass such a limit by as many
	// as are in flight at that instant.
	Shards int
	// Shard is the row that this call writes, chosen by the service at random.
	Shard int
}

// Streak limits failures in a row. It keeps counting while refused elsewhere.
type Streak struct {
	// LockAfter failures in a row, Spent.Locked is set; 0 for never.
	LockAfter int
	// Backoff are the pauses asked for after 1, 2, 3… failures in a row; the last
	// one stands for all that follow.
	Backoff []time.Duration
	// Forget is how long after the last failure a streak that has not locked is
	// forgotten.
	Forget time.Duration
}

// Spent is the result of spending one limit.
type Spent struct {
	Key       Key
	Shard     int
	State     []byte    // to store
	ExpiresAt time.Time // when the state means nothing any more
	// Locked says that the streak has passed LockAfter, this event included.
	Locked bool
	// Alarm says that this event is the one that reached the Alarm level.
	Alarm bool
}

// Error says that limits refused. Nothing was spent.
type Error struct {
	// RetryAfter is how long until the same call could pass, at least 1 ms.
	RetryAfter time.Duration
	// Keys are those that refused, for logs.
	Keys []Key
}

func (e *Error) Error() string { return "limit reached" }

// Join adds another refusal and returns the sum; either may be nil.
func (e *Error) Join(other *Error) *Error {
	if e == nil || other == nil {
		if e == nil {
			return other
		}
		return e
	}
	return &Error{
		RetryAfter: max(e.RetryAfter, other.RetryAfter),
		Keys:       append(append([]Key(nil), e.Keys...), other.Keys...),
	}
}

// Above exactLimit instants are counted in 1/64 of the window, so that a
// state stays below 1 KiB however large the limit.
const (
	exactLimit  = 128
	coarseParts = 64
)

// errLimitState marks a stored state that this package did not write.
var errLimitState = errors.New("limit: malformed state")

// Spend adds one event at now to the state of the limit's key (nil for none),
// others being the states of its other shards. It returns the new state, or a
// *Error and nothing to store. A malformed state is an error, never an
// empty counter.
//
// A clock that steps back takes no event out of a window.
func (l Limit) Spend(state []byte, others [][]byte, now time.Time) (Spent, error) {
	s, err := parseLimitState(state)
	if err != nil {
		return Spent{}, err
	}
	s.drop(now, l.longest())
	all := []*limitState{&s}
	for _, o := range others {
		other, err := parseLimitState(o)
		if err != nil {
			return Spent{}, err
		}
		all = append(all, &other)
	}

	var wait time.Duration
	for _, r := range l.Rates {
		wait = max(wait, retryAfter(all, r, now))
	}
	if l.Streak != nil {
		if l.Streak.Forget > 0 && s.streak > 0 && !l.Streak.locks(s.streak) && now.Sub(unixMilli(s.last)) > l.Streak.Forget {
			s.streak = 0
		}
		wait = max(wait, l.Streak.wait(s, now))
	}
	if wait > 0 {
		return Spent{}, &Error{RetryAfter: max(wait, time.Millisecond), Keys: []Key{l.Key}}
	}

	ms := now.UnixMilli()
	before := count(all, l.Alarm.Per, now)
	s.add(l.tick(ms))
	spent := Spent{Key: l.Key, Shard: l.Shard, ExpiresAt: unixMilli(s.ticks[len(s.ticks)-1].at).Add(l.longest())}
	if l.Alarm.Limit > 0 {
		spent.Alarm = before < int64(l.Alarm.Limit) && before+1 >= int64(l.Alarm.Limit)
	}
	if l.Streak != nil {
		s.streak++
		s.last = max(ms, s.last)
		spent.Locked = l.Streak.locks(s.streak - 1)
		switch forget := now.Add(l.Streak.Forget + l.Streak.longestWait()); {
		case l.Streak.locks(s.streak):
			spent.ExpiresAt = noExpiry
		case forget.After(spent.ExpiresAt):
			spent.ExpiresAt = forget
		}
	}
	spent.State = s.bytes()
	return spent, nil
}

// Refund takes the newest event of the instant spentAt out of a state, and one
// failure from its streak. A state that has no such event comes back as it is.
func (l Limit) Refund(state []byte, spentAt time.Time) ([]byte, error) {
	s, err := parseLimitState(state)
	if err != nil {
		return nil, err
	}
	at := l.tick(spentAt.UnixMilli())
	for i := len(s.ticks) - 1; i >= 0; i-- {
		if s.ticks[i].at != at {
			continue
		}
		if s.ticks[i].n--; s.ticks[i].n == 0 {
			s.ticks = append(s.ticks[:i], s.ticks[i+1:]...)
		}
		s.streak = max(s.streak-1, 0)
		return s.bytes(), nil
	}
	return state, nil
}

// refundable is for how long an event of a limit that has only a streak can be
// refunded: longer than any call takes.
const refundable = time.Minute

// noExpiry is the ExpiresAt of a state that only clearing ends: the largest
// date that every database can hold, 9999-12-31.
var noExpiry = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

func (l Limit) longest() time.Duration {
	d := l.Alarm.Per
	if l.Streak != nil {
		d = max(d, refundable)
	}
	for _, r := range l.Rates {
		d = max(d, r.Per)
	}
	return d
}

func (l Limit) granularity() time.Duration {
	g := time.Millisecond
	for _, r := range append(l.Rates[:len(l.Rates):len(l.Rates)], l.Alarm) {
		if r.Limit > exactLimit {
			g = max(g, r.Per/coarseParts)
		}
	}
	return g
}

// tick rounds an instant up to the limit's granularity: up, so that an event is
// never counted for less than its window.
func (l Limit) tick(ms int64) int64 {
	g := max(l.granularity().Milliseconds(), 1)
	return (ms + g - 1) / g * g
}

func (st *Streak) locks(n int64) bool { return st.LockAfter > 0 && n >= int64(st.LockAfter) }

func (st *Streak) wait(s limitState, now time.Time) time.Duration {
	if s.streak == 0 || len(st.Backoff) == 0 {
		return 0
	}
	i := min(s.streak, int64(len(st.Backoff))) - 1
	return max(unixMilli(s.last).Add(st.Backoff[i]).Sub(now), 0)
}

func (st *Streak) longestWait() time.Duration {
	var d time.Duration
	for _, w := range st.Backoff {
		d = max(d, w)
	}
	return d
}

type tick struct{ at, n int64 }

type limitState struct {
	streak, last int64
	ticks        []tick // by time, oldest first
}

// drop forgets what no window reaches any more.
func (s *limitState) drop(now time.Time, longest time.Duration) {
	i := 0
	for i < len(s.ticks) && s.ticks[i].at <= now.Add(-longest).UnixMilli() {
		i++
	}
	s.ticks = s.ticks[i:]
}

func (s *limitState) add(at int64) {
	i := len(s.ticks)
	for i > 0 && s.ticks[i-1].at > at {
		i-- // the clock stepped back: keep the order
	}
	if i > 0 && s.ticks[i-1].at == at {
		s.ticks[i-1].n++
		return
	}
	s.ticks = append(s.ticks[:i], append([]tick{{at, 1}}, s.ticks[i:]...)...)
}

func count(all []*limitState, per time.Duration, now time.Time) (n int64) {
	from := now.Add(-per).UnixMilli()
	for _, s := range all {
		for _, t := range s.ticks {
			if t.at > from {
				n += t.n
			}
		}
	}
	return n
}

// retryAfter is how long until one more event fits into the rate; 0 if it fits.
func retryAfter(all []*limitState, r Rate, now time.Time) time.Duration {
	excess := count(all, r.Per, now) + 1 - int64(r.Limit)
	if excess <= 0 {
		return 0
	}
	// The excess-th oldest event has to leave the window. A k-way merge: shards
	// are few and sorted.
	from := now.Add(-r.Per).UnixMilli()
	next := make([]int, len(all))
	for {
		oldest := -1
		for i, s := range all {
			for next[i] < len(s.ticks) && s.ticks[next[i]].at <= from {
				next[i]++
			}
			if next[i] < len(s.ticks) && (oldest < 0 || s.ticks[next[i]].at < all[oldest].ticks[next[oldest]].at) {
				oldest = i
			}
		}
		if oldest < 0 {
			return r.Per // a limit below 1 never lets anything pass
		}
		t := all[oldest].ticks[next[oldest]]
		if excess -= t.n; excess <= 0 {
			return unixMilli(t.at).Add(r.Per).Sub(now)
		}
		next[oldest]++
	}
}

// The stored form: version, streak, last failure, then pairs of time (as the
// difference to the one before) and count, all as varints.
const limitStateVersion = 1

func (s *limitState) bytes() []byte {
	b := []byte{limitStateVersion}
	b = binary.AppendVarint(b, s.streak)
	b = binary.AppendVarint(b, s.last)
	prev := int64(0)
	for _, t := range s.ticks {
		b = binary.AppendVarint(b, t.at-prev)
		b = binary.AppendVarint(b, t.n)
		prev = t.at
	}
	return b
}

func parseLimitState(b []byte) (s limitState, err error) {
	if len(b) == 0 {
		return s, nil
	}
	if b[0] != limitStateVersion {
		return limitState{}, errLimitState
	}
	b = b[1:]
	next := func() (v int64) {
		v, n := binary.Varint(b)
		if n <= 0 {
			err = errLimitState
			b = nil
			return 0
		}
		b = b[n:]
		return v
	}
	s.streak, s.last = next(), next()
	prev := int64(0)
	for err == nil && len(b) > 0 {
		t := tick{at: prev + next(), n: next()}
		if t.n < 1 || t.at < prev {
			err = errLimitState
		}
		prev = t.at
		s.ticks = append(s.ticks, t)
	}
	if err != nil || s.streak < 0 {
		return limitState{}, errLimitState
	}
	return s, nil
}

func unixMilli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
