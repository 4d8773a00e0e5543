package storagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

func limitCases() []Case {
	return []Case{
		{"Spend/Cap", "a limit allows that many events in a window and no more, and the same number again after the window has passed", func(c *check) {
			l := perHour(anyKey, 3)
			c.wantRoom("at first", l, c.now, 3)
			_, err := c.Spend(c.ctx, []limit.Limit{l}, c.now.Add(20*time.Minute))
			refusal := c.refused("Spend", err, l.Key)
			c.equal("RetryAfter", refusal.RetryAfter, 40*time.Minute)
			c.wantRoom("1 ms before the window has passed", l, c.now.Add(time.Hour-time.Millisecond), 0)
			c.wantRoom("when the window has passed", l, c.now.Add(time.Hour), 3)
			c.wantRoom("another key", perHour("another", 3), c.now, 3)
		}},
		{"Spend/Result", "the service reads alarms and locks from the result, in the order of its request", func(c *check) {
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
		{"Spend/AllOrNothing", "a refused request must not use up the limits that have room, and must report when all limits will have room", func(c *check) {
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
		{"Spend/Alarm", "the alarm is computed from the stored state: a store that loses the state never warns", func(c *check) {
			l := perHour(anyKey, 100)
			l.Alarm = limit.Rate{Limit: 3, Per: time.Hour}
			for i := range 5 {
				spent := c.spend(c.now.Add(time.Duration(i)*10*time.Second), l)
				c.equal(fmt.Sprintf("Alarm of event %d", i+1), spent[0].Alarm, i >= 2)
			}
		}},
		{"Spend/Marks", "one state counts each network and each device separately: a store that keeps only a part limits the wrong ones", func(c *check) {
			from := func(mark, submark uint32, kind limit.Kind) limit.Limit {
				l := perHour(anyKey, 4)
				l.Mark, l.Submark, l.Kind, l.Retain = mark, submark, kind, time.Hour
				l.Rules = append(l.Rules,
					limit.Rule{Name: "network", Scope: limit.SameMark, Rates: []limit.Rate{{Limit: 2, Per: time.Hour}}},
					limit.Rule{Name: "device", Scope: limit.SameSubmark, Bucket: limit.Bucket{Burst: 1, Every: time.Hour}})
				return l
			}
			c.spend(c.now, from(1, 1, 0))
			c.spend(c.now.Add(time.Second), from(1, 2, 0))
			now := c.now.Add(time.Minute)
			c.wantRoom("the network used up", from(1, 3, 0), now, 0)
			c.wantRoom("the device used up", from(2, 2, 0), now, 0)
			c.wantRoom("another kind", from(1, 1, 1), now, 1)
			c.wantRoom("another network and device", from(2, 3, 0), now, 1)
		}},
		{"Spend/ExactKeys", "keys are base64: a store that ignores case makes strangers share a counter", func(c *check) {
			long := limit.Key(strings.Repeat("k", 79)) // 80 bytes is the longest
			keys := []limit.Key{"send.number:aB3_-x", "send.number:Ab3_-x", "send.number:ab3_-x", "send.number:ab3_-x_", long, long + "x", long + "X"}
			for _, key := range keys {
				c.wantRoom("a key of its own", perHour(key, 1), c.now, 1)
			}
			states, err := c.LimitStates(c.ctx, keys[:2])
			c.ok("LimitStates", err)
			c.equal("the keys with a state, of two like all others", len(states), 2)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, clears(perHour(keys[0], 1)), c.now))
			c.wantRoom("the key cleared", perHour(keys[0], 1), c.now, 1)
			for _, key := range keys[1:] {
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
		{"Spend/LargeState", "a busy number's state has some kilobytes: a column that truncates it loses events", func(c *check) {
			l := perHour(anyKey, 128)
			for i := range 128 {
				l.Mark, l.Submark = uint32(i+1)<<24, ^uint32(i)
				c.spend(c.now.Add(time.Duration(i)*17*time.Second), l)
			}
			c.wantRoom("after 128 events at different times", l, c.now.Add(40*time.Minute), 0)
		}},
		{"Spend/Concurrent", "200 requests use one key at the same time: a store that reads before it writes lets more requests through than the limit", func(c *check) {
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
	}
}
