package server

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

const (
	drainTime = 2 * time.Second
	batch     = 500
	// No code lives longer. Anything older is a notice, which can wait.
	drainReach = 10 * time.Minute
)

// drain waits a moment, so that the messages that the last requests queued are started.
// If no other process serves the database, these messages would otherwise wait for a
// restart while their codes expire. A message that is not started stays queued.
func drain(ctx context.Context, service *identity.Service) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for waiting(ctx, service, time.Now()) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// waiting reports whether a code is due and no process is delivering it.
func waiting(ctx context.Context, service *identity.Service, now time.Time) bool {
	for after := idBefore(now.Add(-drainReach)); ; {
		messages, err := service.Messages(ctx, after, batch)
		if err != nil {
			return false
		}
		for _, m := range messages {
			if m.Lane == outbox.LaneCode && m.State == outbox.Pending && !m.NextAt.After(now) && !m.LeaseUntil.After(now) {
				return true
			}
			after = m.ID
		}
		if len(messages) < batch {
			return false
		}
	}
}

// idBefore returns the smallest UUIDv7 of an instant (RFC 9562, 5.7). Ids sort by it.
func idBefore(t time.Time) string {
	ms := fmt.Sprintf("%012x", t.UnixMilli())
	return ms[:8] + "-" + ms[8:] + "-7000-8000-000000000000"
}
