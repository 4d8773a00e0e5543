package gate_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/gate"
)

func TestGateBoundsAndSheds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const concurrency, queue, callers = 2, 3, 50
		g := gate.New(gate.Config{Concurrency: concurrency, Queue: queue})
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
				case errors.Is(err, gate.ErrFull):
					full.Add(1)
				default:
					t.Errorf("Do: %v", err)
				}
			})
		}
		wg.Wait()
		if peak.Load() != concurrency {
			t.Errorf("%d at the same time, want %d", peak.Load(), concurrency)
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
		g := gate.New(gate.Config{Concurrency: 1, Queue: 1})
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
	g := gate.New(gate.Config{Concurrency: 1})
	func() {
		defer func() { _ = recover() }()
		_ = g.Do(t.Context(), func() { panic("x") })
	}()
	if err := g.Do(t.Context(), func() {}); err != nil {
		t.Errorf("Do after a panic: %v", err)
	}
}

// Pace lets in as many as calls end, and after a pause not all whom it missed.
func TestPaceIsThatOfTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(gate.Config{Concurrency: 2, Usual: time.Second})
		for pause := range 3 {
			time.Sleep(time.Duration(pause) * time.Hour)
			in := 0
			for range 1000 {
				if g.Pace() {
					in++
				}
				time.Sleep(10 * time.Millisecond)
			}
			if in < 20 || in > 22 {
				t.Errorf("%d let in within 10 s of two calls a second", in)
			}
		}
	})
}

// A flood at the start, before any call has been timed, and a later flood both find a
// queue as long as the longest wait, and a part of the queue as long as that part of
// the wait.
func TestQueueIsAsLongAsTheLongestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const usual = 100 * time.Millisecond
		g := gate.New(gate.Config{Concurrency: 2, Queue: 1000, Longest: time.Second, Usual: usual})
		flood := func(takes time.Duration, want int) {
			t.Helper()
			var admitted atomic.Int64
			var wg sync.WaitGroup
			crowded := 0
			for i := range 100 {
				if g.Crowded(0.5) && crowded == 0 {
					crowded = i
				}
				leave, err := g.Reserve()
				if err != nil {
					continue
				}
				wg.Go(func() {
					defer leave()
					if err := g.Wait(t.Context(), func() { time.Sleep(takes) }); err != nil {
						t.Error(err)
					}
					admitted.Add(1)
				})
			}
			wg.Wait()
			if got := int(admitted.Load()); got != want {
				t.Errorf("%d admitted, want %d", got, want)
			}
			if half := 2 + (want-2)/2; crowded != half {
				t.Errorf("crowded after %d, want %d", crowded, half)
			}
		}
		flood(usual, 22) // 2 run, 20 wait up to a second
		for range 200 {
			if err := g.Do(t.Context(), func() { time.Sleep(usual / 2) }); err != nil {
				t.Fatal(err)
			}
		}
		flood(usual/2, 42) // calls are twice as quick now
	})
}
