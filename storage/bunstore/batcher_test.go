package bunstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// doubled carries out calls: the result of n is 2n. It remembers the size of each batch and
// fails as fails says. Batches wait until release is closed.
type doubled struct {
	mu      sync.Mutex
	sizes   []int
	fails   func(in []int) error
	release chan struct{}
}

func (d *doubled) run(ctx context.Context, in []int) ([]int, error) {
	d.mu.Lock()
	d.sizes = append(d.sizes, len(in))
	d.mu.Unlock()
	select {
	case <-d.release:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if d.fails != nil {
		if err := d.fails(in); err != nil {
			return nil, err
		}
	}
	out := make([]int, len(in))
	for i, n := range in {
		out[i] = 2 * n
	}
	return out, nil
}

// call makes calls 1 to n at the same time, releases the batches when all calls wait, and
// returns the results.
func (d *doubled) call(t *testing.T, n int) (outs []int, errs []error) {
	t.Helper()
	b := &batcher[int, int]{timeout: time.Minute}
	d.release = make(chan struct{})
	outs, errs = make([]int, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { outs[i], errs[i] = b.do(t.Context(), d.run, i+1) })
		synctest.Wait()
	}
	close(d.release)
	wg.Wait()
	synctest.Wait()
	if b.running != 0 || len(b.waiting) != 0 {
		t.Errorf("%d batches and %d calls are left", b.running, len(b.waiting))
	}
	return outs, errs
}

func TestCallsThatWaitShareABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &doubled{}
		outs, errs := d.call(t, batches+mostBatched+5)
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		for i, out := range outs {
			if out != 2*(i+1) {
				t.Errorf("call %d got the result %d", i+1, out)
			}
		}
		slices.Sort(d.sizes)
		if want := []int{1, 1, 1, 4, mostBatched}; !slices.Equal(d.sizes, want) {
			t.Errorf("batches of %v calls, want %v", d.sizes, want)
		}
	})
}

// One call with a fault runs alone, and so do the calls of its batch.
func TestOneCallsFaultHarmsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fault := errors.New("a value that the engine refuses")
		d := &doubled{fails: func(in []int) error {
			if slices.Contains(in, 5) {
				return fault
			}
			return nil
		}}
		_, errs := d.call(t, batches+8)
		for i, err := range errs {
			if i+1 == 5 && !errors.Is(err, fault) || i+1 != 5 && err != nil {
				t.Errorf("call %d: %v", i+1, err)
			}
		}
	})
}

// After a failed commit the calls may have taken effect. They are not run again.
func TestFailedCommitIsNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost := errors.New("connection lost")
		d := &doubled{fails: func(in []int) error {
			if len(in) > 1 {
				return &commitError{lost}
			}
			return nil
		}}
		_, errs := d.call(t, batches+8)
		for i, err := range errs {
			if shared := i >= batches; shared != errors.Is(err, lost) {
				t.Errorf("call %d: %v", i+1, err)
			}
		}
		if n := len(d.sizes); n != batches+1 {
			t.Errorf("%d batches, want %d", n, batches+1)
		}
	})
}

// A caller who leaves while the call waits has done nothing. A caller who leaves later
// gets the result.
func TestCallersLeaveABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := &doubled{release: make(chan struct{})}, &batcher[int, int]{timeout: time.Minute}
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range batches {
			wg.Go(func() { _, _ = b.do(t.Context(), d.run, i) })
		}
		synctest.Wait()
		var early, stays error
		wg.Go(func() { _, early = b.do(ctx, d.run, 100) })
		wg.Go(func() { _, stays = b.do(t.Context(), d.run, 101) })
		synctest.Wait()
		leave()
		synctest.Wait()
		close(d.release)
		wg.Wait()
		if !errors.Is(early, context.Canceled) || stays != nil {
			t.Errorf("the caller who left: %v; the one who stayed: %v", early, stays)
		}
		if n := len(d.sizes); n != batches+1 {
			t.Errorf("%d batches ran, want %d", n, batches+1)
		}
	})
}
