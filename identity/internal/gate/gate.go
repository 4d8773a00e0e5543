// Package gate bounds how many calls of one kind run at the same time. It refuses callers
// who would wait too long, before any work is done for them. argon2id needs 19 MiB for
// each hash by design, so a flood of resets would otherwise use all memory.
package gate

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrFull says that the queue has no place left, or that a place in it would have
// to wait too long.
var ErrFull = errors.New("queue full")

// Gate lets a fixed number of calls run and a bounded number wait. It is safe for
// concurrent use.
type Gate struct {
	slots    chan struct{}
	queue    int64
	longest  time.Duration
	waiting  atomic.Int64
	reserved atomic.Int64
	mean     atomic.Int64 // ns that a call takes, moving average
	began    time.Time
	paced    atomic.Int64 // ns after began at which Pace may return true again
}

// Config says what a gate lets through.
type Config struct {
	// Concurrency is how many calls run at the same time, at least 1.
	Concurrency int
	// Queue is how many callers may wait. Below 0 it counts as 0.
	Queue int
	// Longest is the longest estimated wait of a caller, by the duration of recent calls.
	// A caller that would wait longer is refused as if the queue were full. If it is not
	// above 0, there is no such bound.
	Longest time.Duration
	// Usual is the estimated duration of a call until one has been measured, so that a
	// flood at the start is bounded too.
	Usual time.Duration
}

// New returns a gate.
func New(c Config) *Gate {
	g := &Gate{slots: make(chan struct{}, c.Concurrency), queue: int64(max(c.Queue, 0)), longest: c.Longest, began: time.Now()}
	g.mean.Store(int64(c.Usual))
	return g
}

// Reserve admits a caller that will call [Gate.Wait] soon, or returns ErrFull
// immediately. The caller calls leave once, when it needs the gate no longer.
func (g *Gate) Reserve() (leave func(), err error) {
	if g.full(g.reserved.Add(1), 1) {
		g.reserved.Add(-1)
		return nil, ErrFull
	}
	return func() { g.reserved.Add(-1) }, nil
}

// Crowded reports whether another caller would need more than the given share of the
// queue: of its places, or of the longest wait.
func (g *Gate) Crowded(share float64) bool { return g.full(g.reserved.Load()+1, share) }

// full reports whether the last of that many callers would wait too long.
func (g *Gate) full(callers int64, share float64) bool {
	ahead := float64(callers - int64(cap(g.slots)))
	if ahead <= 0 {
		return false
	}
	wait := float64(g.mean.Load()) * ahead / float64(cap(g.slots))
	return ahead > share*float64(g.queue) || g.longest > 0 && wait > share*float64(g.longest)
}

// Pace returns true as often as calls end while all slots are taken. If only callers who
// get true are let in, and each of them calls [Gate.Reserve] later, the queue does not grow.
func (g *Gate) Pace() bool {
	each := g.mean.Load() / int64(cap(g.slots))
	now := int64(time.Since(g.began))
	paced := g.paced.Load()
	return paced <= now && g.paced.CompareAndSwap(paced, max(paced, now-each)+each)
}

// Wait runs f, for a caller that has reserved a place, when a slot is free. It
// returns ctx's error when ctx ends while waiting; f has not run then.
func (g *Gate) Wait(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g.slots <- struct{}{}:
	default:
		g.waiting.Add(1)
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

// Do reserves a place, and waits. It returns ErrFull, or the error of [Gate.Wait].
func (g *Gate) Do(ctx context.Context, f func()) error {
	leave, err := g.Reserve()
	if err != nil {
		return err
	}
	defer leave()
	return g.Wait(ctx, f)
}

// Drain estimates how long the queue takes to empty, which a refused caller should wait.
func (g *Gate) Drain() time.Duration {
	ahead := max(g.waiting.Load(), g.reserved.Load()) + 1
	return time.Duration(g.mean.Load() * ahead / int64(cap(g.slots)))
}

// Waiting is how many callers wait for a slot.
func (g *Gate) Waiting() int { return int(g.waiting.Load()) }
