// Package wait waits until a moment, more precisely than Go's timers do.
//
// On Linux, a timer of an idle Go process ends up to a millisecond late, because the
// runtime sleeps for whole milliseconds, counted from when the process becomes idle. How
// late it ends therefore tells how long the work before took. A caller that rounds the
// time of an answer up, in order to hide that work, needs a wait that ends on time.
package wait

import (
	"context"
	"time"
)

// fine is how long before the end the precise wait begins: longer than a timer is late.
const fine = 2 * time.Millisecond

// Until waits until the deadline, or until ctx ends. It may notice the end of ctx up to
// 2 ms late.
func Until(ctx context.Context, deadline time.Time) {
	if d := time.Until(deadline) - fine; d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
	if ctx.Err() == nil {
		precisely(deadline)
	}
}
