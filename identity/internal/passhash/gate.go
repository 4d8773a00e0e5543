package passhash

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrFull says that the queue is full, or that a new caller would wait too long.
var ErrFull = errors.New("hashing queue full")

// Gate bounds how many hashes are computed at the same time, and how many callers wait.
// argon2id needs its memory by design. Without a gate, each reset of a flood would take
// 19 MiB at the same time. A Gate is safe for concurrent use.
type Gate struct {
	slots    chan struct{}
	queue    int64
	longest  time.Duration
	waiting  atomic.Int64
	reserved atomic.Int64
	mean     atomic.Int64 // ns that a hash takes, moving average
}

// NewGate returns a gate for concurrency hashes at the same time and queue waiting
// callers. A caller that would have to wait longer than longest, judged by the duration of
// recent hashes, is refused as if the queue were full; 0 means no such bound.
func NewGate(concurrency, queue int, longest time.Duration) *Gate {
	return &Gate{slots: make(chan struct{}, concurrency), queue: int64(max(queue, 0)), longest: longest}
}

// full reports whether n callers ahead are too many.
func (g *Gate) full(n int64) bool {
	if n > g.queue {
		return true
	}
	return g.longest > 0 && time.Duration(g.mean.Load()*n/int64(cap(g.slots))) > g.longest
}

// Reserve admits a caller that will need a hash soon, or returns ErrFull. The caller must
// call leave once, after its hash or when it needs none.
func (g *Gate) Reserve() (leave func(), err error) {
	if n := g.reserved.Add(1); g.full(n - int64(cap(g.slots))) {
		g.reserved.Add(-1)
		return nil, ErrFull
	}
	return func() { g.reserved.Add(-1) }, nil
}

// Do runs f when a slot is free. It returns ErrFull immediately if the queue is full, or
// the error of ctx if ctx ends while waiting. In both cases f has not run.
func (g *Gate) Do(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g.slots <- struct{}{}:
	default:
		if g.full(g.waiting.Add(1)) {
			g.waiting.Add(-1)
			return ErrFull
		}
		defer g.waiting.Add(-1)
		select {
		case g.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-g.slots }()
	start := time.Now()
	f()
	g.mean.Store((7*g.mean.Load() + int64(time.Since(start))) / 8)
	return nil
}

// Drain returns about how long the queue takes to empty, which a refused caller should
// wait.
func (g *Gate) Drain() time.Duration {
	ahead := max(g.waiting.Load(), g.reserved.Load()) + 1
	return time.Duration(g.mean.Load() * ahead / int64(cap(g.slots)))
}

// Waiting returns how many callers wait for a slot.
func (g *Gate) Waiting() int { return int(g.waiting.Load()) }
