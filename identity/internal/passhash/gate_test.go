package passhash_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
)

func TestGateBoundsAndSheds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const concurrency, queue, callers = 2, 3, 50
		g := passhash.NewGate(concurrency, queue, 0)
		var running, peak, done, full atomic.Int64
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				err := g.Do(t.Context(), func() {
					n := running.Add(1)
					for {
						p := peak.Load()
						if n <= p || peak.CompareAndSwap(p, n) {
							break
						}
					}
					time.Sleep(time.Second)
					running.Add(-1)
				})
				switch {
				case err == nil:
					done.Add(1)
				case errors.Is(err, passhash.ErrFull):
					full.Add(1)
				default:
					t.Errorf("Do: %v", err)
				}
			})
		}
		wg.Wait()
		if peak.Load() != concurrency {
			t.Errorf("%d at once, want %d", peak.Load(), concurrency)
		}
		if done.Load() != concurrency+queue || full.Load() != callers-concurrency-queue {
			t.Errorf("%d done and %d turned away, want %d and %d", done.Load(), full.Load(), concurrency+queue, callers-concurrency-queue)
		}
		if d := g.Drain(); d <= 0 {
			t.Errorf("Drain = %s after hashes were computed", d)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := passhash.NewGate(1, 1, 0)
		release := make(chan struct{})
		go func() { _ = g.Do(context.Background(), func() { <-release }) }()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ran := false
		if err := g.Do(ctx, func() { ran = true }); !errors.Is(err, context.DeadlineExceeded) || ran {
			t.Errorf("Do = %v, ran %v; want the deadline and not run", err, ran)
		}
		close(release)
		synctest.Wait()
		if err := g.Do(t.Context(), func() { ran = true }); err != nil || !ran {
			t.Errorf("a place left by a caller that gave up stays taken: %v", err)
		}
	})
}

func TestPanicLeavesNoSlotTaken(t *testing.T) {
	t.Parallel()
	g := passhash.NewGate(1, 0, 0)
	func() {
		defer func() { _ = recover() }()
		_ = g.Do(t.Context(), func() { panic("x") })
	}()
	if err := g.Do(t.Context(), func() {}); err != nil {
		t.Errorf("Do after a panic: %v", err)
	}
}
