// Package hashgate bounds how many memory-hard hashes are computed at the same
// time. argon2id uses its memory by design: without a gate, a flood of resets is
// a flood of 19 MiB blocks.
package hashgate

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrFull says that the queue has no place left, or that a place in it would have
// to wait too long.
var ErrFull = errors.New("hashing queue full")

// Gate lets a fixed number of calls run and a bounded number wait. It is safe for
// concurrent use.
type Gate struct {
	slots    chan struct{}
	queue    int64
	longest  time.Duration
	waiting  atomic.Int64
	reserved atomic.Int64
	mean     atomic.Int64 // ns that a hash takes, moving average
}

// New returns a gate for concurrency hashes at the same time and queue waiting
// callers. A caller that would have to wait longer than longest, going by how long
// hashes take, is turned away as if the queue were full; 0 for no such bound.
func New(concurrency, queue int, longest time.Duration) *Gate {
	return &Gate{slots: make(chan struct{}, concurrency), queue: int64(max(queue, 0)), longest: longest}
}

// full reports whether n callers ahead are too many.
func (g *Gate) full(n int64) bool {
	if n > g.queue {
		return true
	}
	return g.longest > 0 && time.Duration(g.mean.Load()*n/int64(cap(g.slots))) > g.longest
}

// Reserve admits a caller that will need a hash soon, or returns ErrFull. The
// caller calls leave once, when it has had its hash or needs none.
func (g *Gate) Reserve() (leave func(), err error) {
	if n := g.reserved.Add(1); g.full(n - int64(cap(g.slots))) {
		g.reserved.Add(-1)
		return nil, ErrFull
	}
	return func() { g.reserved.Add(-1) }, nil
}

// Do runs f when a slot is free. It returns ErrFull immediately when the queue is
// full, or ctx's error when ctx ends while waiting; f has not run then.
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

// Drain is about how long the queue takes to empty: what a caller that was turned
// away should wait.
func (g *Gate) Drain() time.Duration {
	ahead := max(g.waiting.Load(), g.reserved.Load()) + 1
	return time.Duration(g.mean.Load() * ahead / int64(cap(g.slots)))
}

// Waiting is how many callers wait for a slot.
func (g *Gate) Waiting() int { return int(g.waiting.Load()) }
