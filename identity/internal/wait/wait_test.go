package wait_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/wait"
)

// A wait never ends early, no matter how much of it the precise timer does.
func TestUntilIsNeverEarly(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			for _, d := range []time.Duration{0, time.Microsecond, 700 * time.Microsecond, 2 * time.Millisecond, 5*time.Millisecond + time.Duration(i)*time.Microsecond} {
				deadline := time.Now().Add(d)
				wait.Until(t.Context(), deadline)
				if early := time.Until(deadline); early > 0 {
					t.Errorf("a wait of %s ended %s early", d, early)
				}
			}
		})
	}
	wg.Wait()
	wait.Until(t.Context(), time.Now().Add(-time.Hour))
}

func TestUntilEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	wait.Until(ctx, time.Now().Add(time.Hour))
	if ctx.Err() == nil {
		t.Error("the wait ended before its context")
	}
}

// BenchmarkUntil prints how late waits end after different amounts of work. The figures
// should be alike.
func BenchmarkUntil(b *testing.B) {
	for _, work := range []time.Duration{200 * time.Microsecond, 500 * time.Microsecond, 800 * time.Microsecond} {
		b.Run(work.String(), func(b *testing.B) {
			var late time.Duration
			for b.Loop() {
				start := time.Now()
				for time.Since(start) < work {
				}
				wait.Until(b.Context(), start.Add(10*time.Millisecond))
				late += time.Since(start) - 10*time.Millisecond
			}
			b.ReportMetric(float64(late.Microseconds())/float64(b.N), "µs-late/op")
		})
	}
}
