package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

const allowance = 3

// spender spends its own limits, one after the other, until they refuse.
type spender struct {
	spent int       // limits that have refused
	began time.Time // of the last one; guarded by the world's mutex
}

func allowed(n int) []limit.Limit {
	return []limit.Limit{{Key: limit.Key(fmt.Sprintf("failover-%d", n)), Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: allowance, Per: 24 * time.Hour}}}}}}
}

// spend asks each limit until it refuses, and some of the spent ones again.
func (w *world) spend(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		if !w.exhaust(ctx, w.spender.spent) {
			continue // the same again: what was not answered may have been charged
		}
		w.spender.spent++
		w.again(ctx, rand.IntN(w.spender.spent))
		w.again(ctx, max(0, w.spender.spent-rand.IntN(30)-1))
		w.mu.Lock()
		w.spender.began = began
		w.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// exhaust charges a limit until it refuses. An error other than a refusal may
// have charged it or not.
func (w *world) exhaust(ctx context.Context, n int) bool {
	for charged := 0; ; charged++ {
		_, err := w.stores[rand.IntN(ours)].Spend(ctx, allowed(n), time.Now())
		if _, refused := errors.AsType[*limit.Error](err); refused {
			return true
		}
		if err != nil {
			w.count(&w.counts.failed)
			return false
		}
		if charged == allowance {
			w.count(&w.counts.forgotten)
			return true
		}
	}
}

// again asks a limit that has refused.
func (w *world) again(ctx context.Context, n int) {
	_, err := w.stores[rand.IntN(ours)].Spend(ctx, allowed(n), time.Now())
	_, refused := errors.AsType[*limit.Error](err)
	switch {
	case err == nil:
		w.count(&w.counts.forgotten)
	case refused:
		w.count(&w.counts.refused)
	}
}
