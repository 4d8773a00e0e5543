package limit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrState is a stored state that this package did not write.
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
}

type knownDevice struct {
	id   uint64
	seen int64 // milliseconds
}

const (
	// KnownFor is how long a device stays known after it was last remembered.
	KnownFor = 180 * 24 * time.Hour
	// knownMax is how many devices one key remembers. The one seen longest ago
	// makes room.
	knownMax = 8
)

func (s *log) knows(id uint64) bool {
	return id != 0 && slices.ContainsFunc(s.known, func(d knownDevice) bool { return d.id == id })
}

func (s *log) remember(id uint64, now time.Time) {
	if id == 0 {
		return
	}
	s.known = slices.DeleteFunc(s.known, func(d knownDevice) bool { return d.id == id })
	s.known = append(s.known, knownDevice{id: id, seen: now.UnixMilli()})
	slices.SortStableFunc(s.known, func(a, b knownDevice) int { return cmp.Compare(a.seen, b.seen) })
	s.known = s.known[max(len(s.known)-knownMax, 0):]
}

func (s *log) forgetDevices(now time.Time) {
	s.known = slices.DeleteFunc(s.known, func(d knownDevice) bool {
		return d.seen <= now.Add(-KnownFor).UnixMilli()
	})
}

// add inserts an event. The clock may have stepped back, so it may not be the last.
func (s *log) add(e event) {
	i := len(s.events)
	for i > 0 && s.events[i-1].at > e.at {
		i--
	}
	s.events = slices.Insert(s.events, i, e)
}

// merge puts equal events into one.
func (s *log) merge() {
	slices.SortStableFunc(s.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	var merged []event
	for _, e := range s.events {
		same := -1
		for i := len(merged) - 1; i >= 0 && merged[i].at == e.at; i-- {
			if m := merged[i]; m.kind == e.kind && m.known == e.known && m.rounded == e.rounded && m.mark == e.mark && m.submark == e.submark {
				same = i
				break
			}
		}
		if same >= 0 {
			merged[same].n += e.n
		} else {
			merged = append(merged, e)
		}
	}
	s.events = merged
}

// The stored form: the version; the known devices as their number and pairs of
// id and seconds; then events as time (the difference to the event before),
// count, flags and kind in one byte, and the marks if there are any.
const stateVersion = 2

const (
	flagKnown = 1 << iota
	flagRounded
	flagMarks
	kindShift = 3
)

func (s *log) bytes() []byte {
	b := []byte{stateVersion}
	b = binary.AppendUvarint(b, uint64(len(s.known)))
	for _, d := range s.known {
		b = binary.BigEndian.AppendUint64(b, d.id)
		b = binary.AppendVarint(b, d.seen)
	}
	prev := int64(0)
	for _, e := range s.events {
		b = binary.AppendVarint(b, e.at-prev)
		b = binary.AppendVarint(b, e.n)
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
			continue
		}
		b = append(b, flags|flagMarks)
		b = binary.BigEndian.AppendUint32(b, e.mark)
		b = binary.BigEndian.AppendUint32(b, e.submark)
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
		s.known = append(s.known, knownDevice{id: r.uint64(), seen: r.varint()})
	}
	prev := int64(0)
	for !r.bad && len(r.b) > 0 {
		e := event{at: prev + r.varint(), n: r.varint()}
		flags := r.byte()
		e.kind, e.known, e.rounded = Kind(flags>>kindShift), flags&flagKnown != 0, flags&flagRounded != 0
		if flags&flagMarks != 0 {
			e.mark, e.submark = r.uint32(), r.uint32()
		}
		if e.n < 1 || e.at < prev {
			r.bad = true
		}
		prev = e.at
		s.events = append(s.events, e)
	}
	if r.bad {
		return nil, ErrState
	}
	return s, nil
}

// reader takes a state apart. It is bad once something was missing.
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
