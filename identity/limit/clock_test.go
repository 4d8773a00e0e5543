package limit_test

import (
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// A difference of seconds between the servers' clocks frees no place early.
func TestClockSteppingBackBySecondsFreesNothing(t *testing.T) {
	t.Parallel()
	for _, back := range []time.Duration{time.Millisecond, time.Second, 5 * time.Second} {
		for _, c := range []*counter{
			counterOf(limit.Rate{Limit: 3, Per: time.Hour}),
			counterOf(limit.Rate{Limit: 200, Per: time.Hour}),
			bucketCounter(3, time.Hour),
		} {
			n := c.room(t, epoch)
			for range n {
				c.spend(t, epoch)
			}
			c.wantRoom(t, "a clock that is "+back.String()+" behind", epoch.Add(-back), 0)
		}
	}
}

// wrongClock spends once, or for a minute, by a clock that is wrong, in the middle of a
// day in which the clock is right.
func wrongClock(t *testing.T, c *counter, off time.Duration, events int) {
	t.Helper()
	c.one.Device = 7
	c.change(t, limit.Change{Remember: true}, epoch)
	for i := range 2 {
		c.spend(t, epoch.Add(time.Duration(i)*time.Hour))
	}
	for i := range events {
		c.spend(t, epoch.Add(off+2*time.Hour+time.Duration(i)*20*time.Second))
	}
}

var offs = []time.Duration{
	-10 * 365 * 24 * time.Hour, -24 * time.Hour, -time.Hour, -time.Minute,
	time.Minute, 24 * time.Hour, 365 * 24 * time.Hour, 10 * 365 * 24 * time.Hour,
}

// Events that a right clock recorded are kept, even if a clock was wrong for a minute.
func TestWrongClockLosesNothing(t *testing.T) {
	t.Parallel()
	for _, off := range offs {
		for what, c := range map[string]*counter{
			"exact":  counterOf(limit.Rate{Limit: 10, Per: 24 * time.Hour}),
			"both":   counterOf(limit.Rate{Limit: 10, Per: 24 * time.Hour}, limit.Rate{Limit: 500, Per: 31 * 24 * time.Hour}),
			"coarse": counterOf(limit.Rate{Limit: 200, Per: 24 * time.Hour}),
			"bucket": bucketCounter(10, 24*time.Hour),
		} {
			all := c.room(t, epoch)
			wrongClock(t, c, off, 3)
			now := epoch.Add(3 * time.Hour)
			if room := c.room(t, now); room > all-2 {
				t.Errorf("%s, clock off by %s: room for %d of %d after two events", what, off, room, all)
			}
			ok, _, spent := c.spend(t, now)
			if !ok || !spent.Known {
				t.Errorf("%s, clock off by %s: passed %v, device known %v", what, off, ok, spent.Known)
			}
			if spent.ExpiresAt.Before(now.Add(c.one.Rules[0].Bucket.Every)) || spent.ExpiresAt.Before(now.Add(limit.KnownFor-4*time.Hour)) {
				t.Errorf("%s, clock off by %s: expires at %s", what, off, spent.ExpiresAt)
			}
		}
	}
}

// A right clock does not purge the state that a wrong clock left before the windows of
// its events are over.
func TestClockBehindShortensNoExpiry(t *testing.T) {
	t.Parallel()
	for _, off := range offs[:4] {
		c := counterOf(limit.Rate{Limit: 10, Per: 24 * time.Hour})
		c.spend(t, epoch)
		_, _, spent := c.spend(t, epoch.Add(off))
		if spent.ExpiresAt.Before(epoch.Add(24 * time.Hour)) {
			t.Errorf("clock off by %s: expires at %s", off, spent.ExpiresAt)
		}
		_, expires, err := limit.Change{Limit: c.one, SpentAt: epoch.Add(off)}.Apply(c.shards[0], epoch.Add(off))
		if err != nil || expires.Before(epoch.Add(24*time.Hour)) {
			t.Errorf("clock off by %s: after a refund expires at %s (error %v)", off, expires, err)
		}
	}
}

// A clock that was wrong locks out no caller: at no later time is a wait longer than
// the rule's window, and after two waits there is room.
func TestWrongClockLocksOutNoCaller(t *testing.T) {
	t.Parallel()
	for _, off := range offs {
		for what, c := range map[string]*counter{
			"exact":  counterOf(limit.Rate{Limit: 3, Per: 24 * time.Hour}, limit.Rate{Limit: 1, Per: 10 * time.Second}),
			"coarse": counterOf(limit.Rate{Limit: 130, Per: 24 * time.Hour}),
			"bucket": bucketCounter(2, time.Hour),
		} {
			wrongClock(t, c, off, 1)
			for _, later := range []time.Duration{2 * time.Hour, 25 * time.Hour, off + time.Hour, off + 2*time.Hour, off + 3*time.Hour, 20 * 365 * 24 * time.Hour} {
				now := epoch.Add(max(later, 2*time.Hour))
				probe := counter{one: c.one, shards: map[int][]byte{0: c.shards[0]}}
				for range 200 { // checks that each wait is at most the window
					if ok, _, _ := probe.spend(t, now); !ok {
						break
					}
				}
				end := now.Add(2 * 24 * time.Hour)
				for ok := false; !ok && now.Before(end); {
					var wait time.Duration
					ok, wait, _ = probe.spend(t, now)
					now = now.Add(wait)
				}
				if !now.Before(end) {
					t.Fatalf("%s, clock off by %s: refused for two days from %s on", what, off, later)
				}
			}
		}
	}
}

// A clock that is wrong again and again does not make a state grow without end.
func TestWrongClockDoesNotFillTheState(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 100, Per: time.Hour})
	for i := range 900 {
		c.spend(t, epoch.Add(time.Duration(i)*time.Minute))
		c.spend(t, epoch.AddDate(50, 0, -i))
	}
	t.Logf("state of %d bytes", len(c.shards[0]))
	if len(c.shards[0]) > 8192 {
		t.Errorf("state of %d bytes", len(c.shards[0]))
	}
}
