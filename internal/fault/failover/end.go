package main

import (
	"context"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

// end asks all spent limits again, waits for outstanding deliveries, and compares what the
// people know with what is stored.
func (w *world) end(ctx context.Context) error {
	for n := range w.spender.spent {
		w.again(ctx, n)
	}
	for _, p := range w.people {
		w.replay(ctx, p, 0)
	}
	store := w.stores[0]
	events, err := workload.RecordedResets(ctx, store)
	if err != nil {
		return err
	}
	total := 0
	for _, p := range w.people {
		u, err := store.UserByMobile(ctx, "", "+86"+p.number)
		if err != nil {
			return err
		}
		w.settle(p, u)
		if events[u.ID] != p.resets {
			w.count(&w.counts.half)
		}
		total += events[u.ID]
	}
	var used int
	if err := store.DB().DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM rekey_codes WHERE used_at > 0").Scan(&used); err != nil {
		return err
	}
	if used > total {
		w.count(&w.counts.half) // fewer: the purge takes old codes
	}
	w.arrived(ctx)
	return nil
}

// arrived waits longer than a lease that a failure has left, and counts the
// notices: each reset has one.
func (w *world) arrived(ctx context.Context) {
	missing := func() (n int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.counts.notices = 0
		for _, p := range w.people {
			arrived := len(w.notices[p.number])
			w.counts.notices += arrived
			n += max(p.resets-arrived, arrived-p.resets)
		}
		return n
	}
	for deadline := time.Now().Add(2 * time.Minute); missing() > 0 && time.Now().Before(deadline) && ctx.Err() == nil; {
		time.Sleep(100 * time.Millisecond)
	}
	w.counts.undelivered = missing()
}
