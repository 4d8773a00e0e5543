package limit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrState says that this package did not write a stored state.
var ErrState = errors.New("limit: malformed state")

// log is a parsed state.
type log struct {
	known  []knownDevice
	events []event // by time, oldest first
}

type event struct {
	at, n         int64 // milliseconds; how many
	kind          Kind
	known         bool // from a device that was known
	rounded       bool // at is rounded up to a step
	mark, submark uint32
	carry         []int64 // milliseconds, by bucket of the limit, see bucket.go
}

func byTime(a, b event) int { return cmp.Compare(a.at, b.at) }

type knownDevice struct {
	id   uint64
	seen int64 // milliseconds
}

const (
	// KnownFor is how long a device stays known after it was last remembered.
	KnownFor = 180 * 24 * time.Hour
	// knownMax is how many devices one key remembers. A new device replaces the device
	// that was seen longest ago.
	knownMax = 8
)

func (s *log) knows(id uint64, now time.Time) bool {
	return id != 0 && slices.ContainsFunc(s.known, func(d knownDevice) bool {
		return d.id == id && now.UnixMilli()-d.seen < KnownFor.Milliseconds()
	})
}

func (s *log) remember(id uint64, now time.Time) {
	if id == 0 {
		return
	}
	seen := now.UnixMilli()
	s.known = slices.DeleteFunc(s.known, func(d knownDevice) bool {
		if d.id == id {
			seen = max(seen, d.seen) // the clock may be behind
		}
		return d.id == id
	})
	s.known = append(s.known, knownDevice{id: id, seen: seen})
	slices.SortStableFunc(s.known, func(a, b knownDevice) int { return cmp.Compare(a.seen, b.seen) })
	s.known = s.known[max(len(s.known)-knownMax, 0):]
}

func (s *log) forgetDevices(ms int64) {
	s.known = slices.DeleteFunc(s.known, func(d knownDevice) bool { return ms-d.seen >= KnownFor.Milliseconds() })
}

// add inserts an event. The clock may have stepped back, so it may not be the last.
func (s *log) add(e event) {
	i := len(s.events)
	for i > 0 && s.events[i-1].at > e.at {
		i--
	}
	s.events = slices.Insert(s.events, i, e)
}

// merge combines equal events of one instant into one entry with a count.
func (s *log) merge() {
	for i := 1; i < len(s.events); i++ {
		if s.events[i-1].at > s.events[i].at { // rounding up passed an event by
			slices.SortStableFunc(s.events, byTime)
			break
		}
	}
	merged := s.events[:0]
	for i := range s.events {
		e := s.events[i]
		same := len(merged) - 1
		for same >= 0 && merged[same].at == e.at && !merged[same].like(&s.events[i]) {
			same--
		}
		if same < 0 || merged[same].at != e.at {
			merged = append(merged, e)
			continue
		}
		m := &merged[same]
		m.n += e.n
		for bucket, ms := range e.carry {
			m.setCarry(bucket, time.Duration(ms)*time.Millisecond)
		}
	}
	s.events = merged
}

// like reports whether two events of one instant can share an entry.
func (e *event) like(o *event) bool {
	return e.kind == o.kind && e.known == o.known && e.rounded == o.rounded && e.mark == o.mark && e.submark == o.submark
}

// The stored form is: the version; the number of known devices, and the id and
// milliseconds of each; then the events. An event is its time (the difference to the event
// before), twice its count (plus one if it carries a debt), one byte of flags and kind,
// its marks if it has any, and the number of its debts and each debt.
const stateVersion = 2

const (
	flagKnown = 1 << iota
	flagRounded
	flagMarks
	kindShift = 3
)

func (s *log) bytes() []byte {
	b := make([]byte, 0, 2+16*len(s.known)+20*len(s.events))
	b = append(b, stateVersion)
	b = binary.AppendUvarint(b, uint64(len(s.known)))
	for _, d := range s.known {
		b = binary.BigEndian.AppendUint64(b, d.id)
		b = binary.AppendVarint(b, d.seen)
	}
	prev := int64(0)
	for i := range s.events {
		e := &s.events[i]
		b = binary.AppendVarint(b, e.at-prev)
		b = binary.AppendUvarint(b, uint64(e.n)<<1|uint64(min(len(e.carry), 1)))
		prev = e.at
		flags := byte(e.kind) << kindShift
		if e.known {
			flags |= flagKnown
		}
		if e.rounded {
			flags |= flagRounded
		}
		if e.mark == 0 && e.submark == 0 {
			b = append(b, flags)
		} else {
			b = append(b, flags|flagMarks)
			b = binary.BigEndian.AppendUint32(b, e.mark)
			b = binary.BigEndian.AppendUint32(b, e.submark)
		}
		if len(e.carry) > 0 {
			b = binary.AppendUvarint(b, uint64(len(e.carry)))
			for _, ms := range e.carry {
				b = binary.AppendUvarint(b, uint64(ms))
			}
		}
	}
	return b
}

func parse(state []byte) (*log, error) {
	if len(state) == 0 {
		return &log{}, nil
	}
	if state[0] != stateVersion {
		return nil, fmt.Errorf("%w: version %d", ErrState, state[0])
	}
	r := reader{b: state[1:]}
	s := &log{}
	n := r.uvarint()
	if n > knownMax {
		return nil, ErrState
	}
	for range n {
		s.known = append(s.known, knownDevice{id: r.uint64(), seen: r.time(0)})
	}
	s.events = make([]event, 0, len(r.b)/4+1)
	prev := int64(0)
	for !r.bad && len(r.b) > 0 {
		e := r.event(prev)
		r.bad = r.bad || e.at < prev && len(s.events) > 0
		prev = e.at
		s.events = append(s.events, e)
	}
	if r.bad {
		return nil, ErrState
	}
	return s, nil
}

// reader decodes a state. It becomes bad when something is missing.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 1 || n > len(r.b) {
		r.bad, r.b = true, nil
		return make([]byte, 8)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte     { return r.take(1)[0] }
func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.take(n)
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.take(n)
	return v
}

func unixMilli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

const (
	countMax   = 1 << 40 // no key sees more events
	timeMax    = 1 << 52 // no clock shows a later millisecond, nor an earlier one than its negative
	bucketsMax = 64      // no limit has more buckets
)

// time reads a time as its difference to prev.
func (r *reader) time(prev int64) int64 {
	d := r.varint()
	if d < -2*timeMax || d > 2*timeMax || max(prev+d, -prev-d) > timeMax {
		r.bad = true
		return 0
	}
	return prev + d
}

// event reads an event, prev being the time of the one before.
func (r *reader) event(prev int64) event {
	e := event{at: r.time(prev)}
	n := r.uvarint()
	flags := r.byte()
	e.n, e.kind = int64(n>>1), Kind(flags>>kindShift)
	e.known, e.rounded = flags&flagKnown != 0, flags&flagRounded != 0
	if flags&flagMarks != 0 {
		e.mark, e.submark = r.uint32(), r.uint32()
	}
	carries := n&1 != 0
	if carries {
		buckets := r.uvarint()
		r.bad = r.bad || buckets < 1 || buckets > bucketsMax
		for range min(buckets, bucketsMax) {
			ms := r.uvarint()
			r.bad = r.bad || ms > uint64(Longest.Milliseconds())
			e.carry = append(e.carry, int64(ms))
		}
	}
	r.bad = r.bad || e.n > countMax || e.n < 1 && !carries
	return e
}
