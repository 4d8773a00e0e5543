package storagetest

import (
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

func shardCases() []Case {
	sharded := func(shard, n int) limit.Limit {
		l := perHour("shared", n)
		l.Shards, l.Shard = 4, shard
		return l
	}
	return []Case{
		{"Shards/SumIsCapped", "a counter spread over rows is one counter: a cap for each row would multiply the cap by the number of rows", func(c *check) {
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
		{"Shards/Alarm", "the alarm depends on the sum: a level for each row would be reached late or never", func(c *check) {
			for i := range 8 {
				l := sharded(i%4, 100)
				l.Alarm = limit.Rate{Limit: 5, Per: time.Hour}
				c.equal(fmt.Sprintf("Alarm of event %d", i+1), c.spend(c.now, l)[0].Alarm, i >= 4)
			}
		}},
		{"Shards/RefundAndClear", "a refund changes the row that was charged, and a clear changes all rows", func(c *check) {
			code := c.issue(c.code(number, phone))
			for shard := range 4 {
				c.spend(c.now.Add(time.Duration(shard)*time.Second), sharded(shard, 4))
			}
			for range 2 {
				release := identity.Release{Now: c.now.Add(2 * time.Second), Changes: refunds(c.now.Add(2*time.Second), sharded(2, 4))}
				c.ok("ReleaseAttempt", c.ReleaseAttempt(c.ctx, release))
			}
			c.wantRoom("one of four given back", sharded(0, 4), c.now.Add(time.Minute), 1)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, clears(sharded(3, 4)), c.now))
			c.wantRoom("cleared", sharded(0, 4), c.now, 4)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, clears(sharded(3, 4)), c.now))
			for shard := range 4 {
				c.spend(c.now, sharded(shard, 4))
			}
			r := c.redemption(code, identity.User{}, "")
			r.Password, r.Changes = nil, clears(sharded(2, 4))
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			c.wantRoom("cleared by a reset", sharded(1, 4), c.now, 4)
		}},
		{"Shards/States", "reading a counter that is spread over rows must return all of them", func(c *check) {
			for i := range 5 {
				c.spend(c.now, sharded(i%3, 5))
			}
			states, err := c.LimitStates(c.ctx, []limit.Key{"shared"})
			c.ok("LimitStates", err)
			c.equal("the rows", len(states["shared"]), 3)
			_, err = sharded(3, 5).Look(states["shared"], c.now)
			c.refused("Limit.Look at the states", err, "shared")
			usage, err := sharded(3, 10).Look(states["shared"], c.now)
			c.ok("Limit.Look at the states", err)
			c.equal("how full it is", usage, 0.5)
		}},
		{"Shards/Concurrent", "calls at the same time may exceed the cap of a sharded counter by the calls in flight, but no event may be lost", func(c *check) {
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
