// Package hashgate bounds how many memory-hard hashes are computed at once.
// argon2id takes its memory by design: without a gate a flood of resets is a
// flood of 19 MiB blocks.
package hashgate

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrFull says that the queue has no place left.
var ErrFull = errors.New("hashing queue full")

// Gate lets a fixed number in and a fixed number wait. It is safe for
// concurrent use.
type Gate struct {
	slots   chan struct{}
	queue   int64
	waiting atomic.Int64
	mean    atomic.Int64 // ns a hash takes, moving average
}

// New returns a gate for concurrency hashes at once and queue waiting callers.
func New(concurrency, queue int) *Gate {
	return &Gate{slots: make(chan struct{}, concurrency), queue: int64(max(queue, 0))}
}

// Do runs f when a slot is free. It returns ErrFull at once when the queue is
// full, or ctx's error when ctx ends while waiting; f has not run then.
func (g *Gate) Do(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g.slots <- struct{}{}:
	default:
		if g.waiting.Add(1) > g.queue {
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

// Drain is about how long a full queue takes to empty: what a caller that was
// turned away should wait.
func (g *Gate) Drain() time.Duration {
	return time.Duration(g.mean.Load() * (g.queue + 1) / int64(cap(g.slots)))
}
