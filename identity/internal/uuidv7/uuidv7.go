// Package uuidv7 makes UUIDs that sort by time (RFC 9562, section 5.7). The
// packages for UUIDs compile net and database/sql/driver into every program that
// imports them, for versions and uses that are not needed here.
package uuidv7

import (
	"encoding/hex"
	"io"
	"sync"
	"time"
)

// Generator makes UUIDs of one process. Each sorts after the one before, also
// within a millisecond and when the clock steps back. It is safe for concurrent use.
type Generator struct {
	// Random is where the random bits come from.
	Random io.Reader

	mu   sync.Mutex
	last uint64 // milliseconds since the Unix epoch and a fraction of 12 bits (section 6.2, method 3)
}

// New returns the text of a new UUID. The only error is Random's.
func (g *Generator) New(now time.Time) (string, error) {
	var random [8]byte
	if _, err := io.ReadFull(g.Random, random[:]); err != nil {
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
		0x80 | random[0]&0x3f, random[1], random[2], random[3], random[4], random[5], random[6], random[7],
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
