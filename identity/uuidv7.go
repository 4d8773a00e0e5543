package identity

import (
	"encoding/hex"
	"io"
	"sync"
	"time"
)

// uuidGenerator makes UUIDs that sort by time (RFC 9562, section 5.7). Each UUID of a
// generator sorts after the one before, also within a millisecond and when the clock
// steps back. It is safe for concurrent use.
//
// The libraries for UUIDs compile net and database/sql/driver into every program that
// imports them, for versions and uses that are not needed here.
type uuidGenerator struct {
	random io.Reader

	mu   sync.Mutex
	last uint64 // milliseconds since the Unix epoch and a fraction of 12 bits (section 6.2, method 3)
}

// next returns the text of a new UUID. The only error is that of random.
func (g *uuidGenerator) next(now time.Time) (string, error) {
	var bits [8]byte
	if _, err := io.ReadFull(g.random, bits[:]); err != nil {
		return "", err
	}
	ns := now.UnixNano()
	stamp := uint64(ns/1e6)<<12 | uint64(ns%1e6)*4096/1e6
	g.mu.Lock()
	stamp = max(stamp, g.last+1)
	g.last = stamp
	g.mu.Unlock()

	ms := stamp >> 12
	b := []byte{
		byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms),
		0x70 | byte(stamp>>8)&0x0f, byte(stamp),
		0x80 | bits[0]&0x3f, bits[1], bits[2], bits[3], bits[4], bits[5], bits[6], bits[7],
	}
	text := make([]byte, 36)
	hex.Encode(text, b[:4])
	for i, at := range []int{9, 14, 19, 24} {
		text[at-1] = '-'
		end := []int{6, 8, 10, 16}[i]
		start := []int{4, 6, 8, 10}[i]
		hex.Encode(text[at:], b[start:end])
	}
	return string(text), nil
}
