package storagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

func limitCases() []Case {
	return []Case{
		{"Spend/Cap", "a limit is that many events in a window, no more, and again that many when the window has passed", func(c *check) {
			l := perHour(anyKey, 3)
			c.wantRoom("at first", l, c.now, 3)
			_, err := c.Spend(c.ctx, []limit.Limit{l}, c.now.Add(20*time.Minute))
			refusal := c.refused("Spend", err, l.Key)
			c.equal("RetryAfter", refusal.RetryAfter, 40*time.Minute)
			c.wantRoom("1 ms before the window has passed", l, c.now.Add(time.Hour-time.Millisecond), 0)
			c.wantRoom("when the window has passed", l, c.now.Add(time.Hour), 3)
			c.wantRoom("another key", perHour("another", 3), c.now, 3)
		}},
		{"Spend/Result", "the service reads alarms and locks off the result, in the order in which it asked", func(c *check) {
			limits := []limit.Limit{perHour("z", 3), perHour("a", 3), perHour("m", 3)}
			limits[2].Shards, limits[2].Shard = 4, 3
			want := make([]limit.Spent, len(limits))
			for i, l := range limits {
				var err error
				want[i], err = l.Spend(nil, nil, c.now)
				c.ok("Limit.Spend", err)
			}
			c.equal("what was spent", c.spend(c.now, limits...), want)
			spent, err := c.Spend(c.ctx, nil, c.now)
			c.ok("Spend of nothing", err)
			c.equal("what was spent on nothing", len(spent), 0)
		}},
		{"Spend/AllOrNothing", "a refused request must not use up the limits that would have let it pass, and must say when all will", func(c *check) {
			free, short, long := perHour("free", 2), perHour("short", 1), perHour("long", 1)
			c.spend(c.now.Add(-50*time.Minute), short)
			c.spend(c.now, long)
			for _, limits := range [][]limit.Limit{{free, short, long}, {long, free, short}, {short, long, free}} {
				_, err := c.Spend(c.ctx, limits, c.now.Add(time.Minute))
				refusal := c.refused("Spend", err, short.Key, long.Key)
				c.equal("RetryAfter", refusal.RetryAfter, 59*time.Minute)
			}
			c.wantRoom("the limit that did not refuse", free, c.now.Add(time.Minute), 2)
		}},
		{"Spend/StreakAndAlarm", "failures in a row are counted in the stored state: a store that loses it never locks and never warns", func(c *check) {
			l := limit.Limit{
				Key: anyKey, Rates: []limit.Rate{{Limit: 100, Per: time.Hour}}, Alarm: limit.Rate{Limit: 3, Per: time.Hour},
				Streak: &limit.Streak{LockAfter: 3, Backoff: []time.Duration{0, time.Second}, Forget: time.Hour},
			}
			for i := range 5 {
				at := c.now.Add(time.Duration(i) * 10 * time.Second)
				spent := c.spend(at, l)
				c.equal(fmt.Sprintf("Alarm of event %d", i+1), spent[0].Alarm, i == 2)
				c.equal(fmt.Sprintf("Locked of event %d", i+1), spent[0].Locked, i >= 3)
				if i < 1 {
					continue
				}
				_, err := c.Spend(c.ctx, []limit.Limit{l}, at.Add(time.Second-time.Millisecond))
				c.refused("Spend while the row of failures waits", err, l.Key)
			}
		}},
		{"Spend/ExactKeys", "keys are base64: a store that ignores case makes strangers share a counter", func(c *check) {
			long := limit.Key(strings.Repeat("k", 79)) // 80 bytes is the longest
			keys := []limit.Key{"send.number:aB3_-x", "send.number:Ab3_-x", "send.number:ab3_-x", "send.number:ab3_-x_", long, long + "x", long + "X"}
			for _, key := range keys {
				c.wantRoom("a key of its own", perHour(key, 1), c.now, 1)
			}
			cleared, kept := keys[:1], keys[1:]
			c.ok("ClearLimits", c.ClearLimits(c.ctx, cleared))
			c.wantRoom("the key cleared", perHour(cleared[0], 1), c.now, 1)
			for _, key := range kept {
				c.wantRoom("a key like the one cleared", perHour(key, 1), c.now, 0)
			}
		}},
		{"Spend/NothingEvicts", "a flood of other keys must not push out the counter of the number under attack", func(c *check) {
			victim := perHour("victim", 1)
			c.spend(c.now, victim)
			for batch := range 20 {
				var flood []limit.Limit
				for i := range 100 {
					flood = append(flood, perHour(limit.Key(fmt.Sprintf("flood:%d:%d", batch, i)), 1))
				}
				c.spend(c.now.Add(time.Minute), flood...)
			}
			c.wantRoom("the victim's limit after the flood", victim, c.now.Add(time.Minute), 0)
		}},
		{"Spend/LargeState", "a limit above 128 keeps its state below a kilobyte: a column that cuts it off forgets events", func(c *check) {
			l := perHour(anyKey, 128)
			for i := range 128 {
				c.spend(c.now.Add(time.Duration(i)*17*time.Second), l)
			}
			c.wantRoom("after 128 events at different times", l, c.now.Add(40*time.Minute), 0)
		}},
		{"Spend/Concurrent", "200 requests at once on one key: reading before writing lets more than the limit through", func(c *check) {
			errs := together(200, func(int) error {
				_, err := c.Spend(c.ctx, []limit.Limit{perHour(anyKey, 10)}, c.now)
				return unlessLimited(err)
			})
			c.equal("the calls that passed a limit of 10", len(c.winners(errs, errLimited)), 10)
		}},
		{"Spend/ConcurrentOrder", "requests that name the same keys in different orders must neither deadlock nor lose an event", func(c *check) {
			a, b, shared := perHour("a", 100), perHour("b", 100), perHour("shared", 200)
			errs := together(100, func(i int) error {
				limits := [][]limit.Limit{{a, shared, b}, {b, a, shared}, {shared, b, a}}[i%3]
				_, err := c.Spend(c.ctx, limits, c.now)
				return err
			})
			c.equal("the calls that passed", len(c.winners(errs)), 100)
			c.wantRoom("after 100 of 100", a, c.now, 0)
			c.wantRoom("after 100 of 100", b, c.now, 0)
			c.wantRoom("after 100 of 200", shared, c.now, 100)
		}},
		{"ClearLimits/Forgets", "an operator who unbars a person must succeed, for that person alone", func(c *check) {
			cleared, locked := perHour("cleared", 1), limit.Limit{Key: "locked", Streak: &limit.Streak{LockAfter: 1, Forget: time.Hour}}
			kept := perHour("kept", 1)
			c.spend(c.now, cleared, locked, kept)
			c.equal("Locked of the second failure", c.spend(c.now, locked)[0].Locked, true)
			c.ok("ClearLimits", c.ClearLimits(c.ctx, []limit.Key{"missing", cleared.Key, locked.Key}))
			c.wantRoom("cleared", cleared, c.now, 1)
			c.wantRoom("kept", kept, c.now, 0)
			c.equal("Locked of the first failure after", c.spend(c.now, locked)[0].Locked, false)
			c.ok("ClearLimits of a missing key", c.ClearLimits(c.ctx, []limit.Key{"missing"}))
			c.ok("ClearLimits of nothing", c.ClearLimits(c.ctx, nil))
			c.wantRoom("kept still", kept, c.now, 0)
		}},
	}
}

func shardCases() []Case {
	sharded := func(shard, n int) limit.Limit {
		l := perHour("shared", n)
		l.Shards, l.Shard = 4, shard
		return l
	}
	return []Case{
		{"Shards/SumIsCapped", "a counter spread over rows is one counter: a cap for each row would be the cap times the rows", func(c *check) {
			for i := range 6 {
				spent := c.spend(c.now.Add(time.Duration(i)*time.Second), sharded(i%4, 6))
				c.equal("the shard written", spent[0].Shard, i%4)
			}
			for shard := range 4 {
				_, err := c.Spend(c.ctx, []limit.Limit{sharded(shard, 6)}, c.now.Add(time.Minute))
				refusal := c.refused("Spend", err, "shared")
				c.equal("RetryAfter", refusal.RetryAfter, 59*time.Minute)
			}
			c.wantRoom("with the cap raised by one", sharded(1, 7), c.now.Add(time.Minute), 1)
		}},
		{"Shards/Alarm", "the alarm is about the sum: the one event that reaches the level must raise it, once", func(c *check) {
			raised := 0
			for i := range 8 {
				l := sharded(i%4, 100)
				l.Alarm = limit.Rate{Limit: 5, Per: time.Hour}
				if c.spend(c.now, l)[0].Alarm {
					raised++
					c.equal("the event that raised the alarm", i+1, 5)
				}
			}
			c.equal("the alarms", raised, 1)
		}},
		{"Shards/RefundAndClear", "a refund goes to the row that was charged, and a clear to all of them", func(c *check) {
			code := c.issue(c.code(number, phone))
			for shard := range 4 {
				c.spend(c.now.Add(time.Duration(shard)*time.Second), sharded(shard, 4))
			}
			for range 2 {
				release := identity.Release{SpentAt: c.now.Add(2 * time.Second), Refunds: []limit.Limit{sharded(2, 4)}}
				c.ok("ReleaseAttempt", c.ReleaseAttempt(c.ctx, release))
			}
			c.wantRoom("one of four given back", sharded(0, 4), c.now.Add(time.Minute), 1)
			c.ok("ClearLimits", c.ClearLimits(c.ctx, []limit.Key{"shared"}))
			for shard := range 4 {
				c.spend(c.now, sharded(shard, 4))
			}
			r := c.redemption(code, identity.User{}, "")
			r.Password, r.Clear = nil, []limit.Key{"shared"}
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			c.wantRoom("cleared by a reset", sharded(1, 4), c.now, 4)
		}},
		{"Shards/Concurrent", "spread over rows, calls at once may pass the cap by those in flight, but no event may be lost", func(c *check) {
			const calls = 64
			errs := together(calls, func(i int) error {
				_, err := c.Spend(c.ctx, []limit.Limit{sharded(i%4, 1000)}, c.now)
				return err
			})
			c.equal("the calls that passed", len(c.winners(errs)), calls)
			c.wantRoom("after 64 events", sharded(0, calls+10), c.now, 10)
		}},
	}
}
