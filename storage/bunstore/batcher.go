package bunstore

import (
	"context"
	"errors"
	"math/bits"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

const (
	// mostBatched bounds a batch.
	mostBatched = 32
	// batches is how many batches may be under way at the same time: while one waits for
	// the disk, another one does its work.
	batches = 2
)

// batchers carry out the calls of a store that wait for each other. All are nil for engines
// other than PostgreSQL.
type batchers struct {
	charges *batcher[identity.Attempt, charge]
	issues  *batcher[identity.CodeIssue, spendResult]
	spends  *batcher[spending, spendResult]
	appends *batcher[appended, struct{}]
	looks   *batcher[[]limit.Key, map[limit.Key][][]byte]
	clients *batcher[string, []clientRow]
	people  *batcher[person, []userRow]
}

func newBatchers(timeout time.Duration) batchers {
	return batchers{
		charges: &batcher[identity.Attempt, charge]{timeout: timeout},
		issues:  &batcher[identity.CodeIssue, spendResult]{timeout: timeout},
		spends:  &batcher[spending, spendResult]{timeout: timeout},
		appends: &batcher[appended, struct{}]{timeout: timeout},
		looks:   &batcher[[]limit.Key, map[limit.Key][][]byte]{timeout: timeout},
		clients: &batcher[string, []clientRow]{timeout: timeout},
		people:  &batcher[person, []userRow]{timeout: timeout},
	}
}

// batcher carries out calls that wait for each other in one transaction, which takes fewer
// round trips and commits than one transaction for each call. A call that finds fewer than
// batches transactions under way runs alone and immediately. Other calls wait, and the next
// transaction carries out all of them.
type batcher[In, Out any] struct {
	timeout time.Duration

	mu      sync.Mutex
	waiting []*entry[In, Out]
	running int
}

type entry[In, Out any] struct {
	in       In
	deadline time.Time
	done     chan struct{}
	out      Out
	err      error
}

// together carries out several calls in one transaction, all or none, and returns their
// results.
type together[In, Out any] func(context.Context, []In) ([]Out, error)

// errAlone says that a batch failed before its commit, and that each call is to run alone:
// the fault of one call must not harm the others.
var errAlone = errors.New("run alone")

// batched carries out one call by b, or alone if b is nil.
func batched[In, Out any](ctx context.Context, b *batcher[In, Out], run together[In, Out], in In) (Out, error) {
	if b == nil {
		return alone(ctx, run, in)
	}
	return b.do(ctx, run, in)
}

// do carries out one call. If ctx ends before a transaction has begun, nothing is done.
// If ctx ends later, do waits for the transaction. The call takes at most b.timeout.
func (b *batcher[In, Out]) do(ctx context.Context, run together[In, Out], in In) (Out, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	b.mu.Lock()
	if b.running < batches {
		b.running++
		b.mu.Unlock()
		defer b.next(run)
		return alone(ctx, run, in)
	}
	e := &entry[In, Out]{in: in, deadline: time.Now().Add(b.timeout), done: make(chan struct{})}
	b.waiting = append(b.waiting, e)
	b.mu.Unlock()
	select {
	case <-e.done:
	case <-ctx.Done():
		if b.leave(e) {
			return e.out, ctx.Err()
		}
		<-e.done
	}
	if errors.Is(e.err, errAlone) {
		return alone(ctx, run, in)
	}
	return e.out, e.err
}

// alone carries out one call in a transaction of its own.
func alone[In, Out any](ctx context.Context, run together[In, Out], in In) (out Out, err error) {
	outs, err := run(ctx, []In{in})
	if err != nil {
		return out, err
	}
	return outs[0], nil
}

// leave gives up a call that waits, and reports whether it did wait.
func (b *batcher[In, Out]) leave(e *entry[In, Out]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range b.waiting {
		if w == e {
			b.waiting = append(b.waiting[:i:i], b.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// next ends a transaction, and begins the next one if calls wait.
func (b *batcher[In, Out]) next(run together[In, Out]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.running--
		return
	}
	// A power of two, so that there are few different statements to prepare.
	n := 1 << (bits.Len(uint(min(len(b.waiting), mostBatched))) - 1)
	entries := b.waiting[:n:n]
	b.waiting = b.waiting[n:]
	go func() {
		defer b.next(run)
		b.runTogether(run, entries)
	}()
}

// runTogether carries out calls in one transaction. No caller's context ends it.
func (b *batcher[In, Out]) runTogether(run together[In, Out], entries []*entry[In, Out]) {
	in, deadline := make([]In, len(entries)), time.Now().Add(b.timeout)
	for i, e := range entries {
		if in[i] = e.in; e.deadline.Before(deadline) {
			deadline = e.deadline
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	outs, err := run(ctx, in)
	if _, committing := errors.AsType[*commitError](err); err != nil && !committing {
		err = errAlone
	}
	for i, e := range entries {
		if e.err = err; err == nil {
			e.out = outs[i]
		}
		close(e.done)
	}
}
