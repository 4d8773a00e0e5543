package storagetest

import (
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// deviceLimit is a limit of 3 in an hour for strangers and of 5 for devices that
// it knows.
func deviceLimit(device uint64) limit.Limit {
	return limit.Limit{Key: "devices", Device: device, Rules: []limit.Rule{
		{Name: "strangers", For: limit.Strangers, Rates: []limit.Rate{{Limit: 3, Per: time.Hour}}},
		{Name: "known", For: limit.KnownDevices, Rates: []limit.Rate{{Limit: 5, Per: time.Hour}}},
	}}
}

func lookCases() []Case {
	return []Case{
		{"LimitStates/States", "the state that is read before a costly step must be the state that Spend will see", func(c *check) {
			one, two := perHour("one", 2), perHour("two", 2)
			spent := c.spend(c.now, one, two)
			spent[0] = c.spend(c.now.Add(time.Second), one)[0]
			states, err := c.LimitStates(c.ctx, []limit.Key{"one", "missing", "two", "one", "ONE"})
			c.ok("LimitStates", err)
			c.equal("the keys with a state", len(states), 2)
			c.equal("the states of one", states["one"], [][]byte{spent[0].State})
			c.equal("the states of two", states["two"], [][]byte{spent[1].State})
			_, err = one.Look(states["one"], c.now.Add(time.Minute))
			c.refused("Limit.Look at a limit used up", err, "one")
			_, err = two.Look(states["two"], c.now.Add(time.Minute))
			c.ok("Limit.Look at a limit with room", err)
			states, err = c.LimitStates(c.ctx, nil)
			c.ok("LimitStates of nothing", err)
			c.equal("the keys with a state", len(states), 0)
		}},
		{"LimitStates/SpendsNothing", "reading a state must not use up a limit, however often a page does it", func(c *check) {
			l := perHour(anyKey, 2)
			c.spend(c.now, l)
			for range 5 {
				_, err := c.LimitStates(c.ctx, []limit.Key{l.Key, "missing"})
				c.ok("LimitStates", err)
			}
			c.wantRoom("after five looks", l, c.now, 1)
		}},
	}
}

func changeCases() []Case {
	return []Case{
		{"ChangeLimits/Clears", "an operator who unlocks a person must succeed, and unlock only that person", func(c *check) {
			cleared, again, kept := perHour("cleared", 1), perHour("again", 1), perHour("kept", 1)
			c.spend(c.now, cleared, again, kept)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, clears(perHour("missing", 1), cleared, again), c.now))
			c.wantRoom("cleared", cleared, c.now, 1)
			c.wantRoom("cleared", again, c.now, 1)
			c.wantRoom("kept", kept, c.now, 0)
			c.wantRoom("cleared before it was spent", perHour("missing", 1), c.now, 1)
			c.ok("ChangeLimits of nothing", c.ChangeLimits(c.ctx, nil, c.now))
			c.wantRoom("kept still", kept, c.now, 0)
		}},
		{"ChangeLimits/Refunds", "a refund removes the event that it names, even if other events were charged since", func(c *check) {
			one, other := perHour("one", 3), perHour("other", 1)
			for i := range 3 {
				c.spend(c.now.Add(time.Duration(i)*time.Minute), one)
			}
			c.spend(c.now, other)
			now := c.now.Add(3 * time.Minute)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, refunds(c.now.Add(time.Minute), one, perHour("missing", 1)), now))
			c.wantRoom("one of three given back", one, now, 1)
			c.wantRoom("the other key", other, now, 0)
			c.wantRoom("never spent", perHour("missing", 1), now, 1)
			// The first event leaves an hour after it was spent, not later.
			c.wantRoom("an hour after the first event", one, c.now.Add(time.Hour), 1)
		}},
		{"ChangeLimits/Remembers", "a device that was used for a reset stays known: a store that forgets it makes the owner compete with strangers", func(c *check) {
			owner, stranger := deviceLimit(7), deviceLimit(8)
			c.equal("an unknown device", c.spend(c.now, owner)[0].Known, false)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, remembers(owner), c.now))
			c.wantRoom("strangers", stranger, c.now, 2)
			c.equal("the owner's device is known", c.spend(c.now, owner)[0].Known, true)
			c.wantRoom("the owner after one more", owner, c.now, 4)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, clears(stranger), c.now))
			c.equal("the owner's device is known after a clear", c.spend(c.now, owner)[0].Known, true)
			// Remembered before anything was spent.
			fresh := deviceLimit(7)
			fresh.Key = "fresh"
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, remembers(fresh), c.now))
			c.wantRoom("a key that only remembers", fresh, c.now, 5)
		}},
		{"ChangeLimits/OneKeyTwice", "a reset clears a number's failures and remembers its device: the second change must not undo the first", func(c *check) {
			owner, other := deviceLimit(7), perHour("other", 2)
			c.spend(c.now, owner, other)
			changes := append(clears(owner, other), remembers(owner)...)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, changes, c.now))
			c.equal("the device is known", c.spend(c.now, owner)[0].Known, true)
			c.wantRoom("strangers", deviceLimit(8), c.now, 3)
			c.wantRoom("the other key", other, c.now, 2)
			twice, later := perHour("twice", 3), c.now.Add(time.Second)
			c.spend(c.now, twice)
			c.spend(later, twice)
			changes = append(refunds(c.now, twice), refunds(later, twice)...)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, changes, later))
			c.wantRoom("both given back", twice, later, 3)
		}},
		{"ChangeLimits/ConcurrentWithSpend", "a refund that writes a state which it read before a spend undoes the spend too: no event may be lost or come back", func(c *check) {
			l := perHour(anyKey, 100)
			for range 20 {
				c.spend(c.now, l)
			}
			errs := together(60, func(i int) error {
				switch i % 3 {
				case 0:
					return c.ChangeLimits(c.ctx, refunds(c.now, l), c.now)
				case 1:
					device := l
					device.Device = uint64(1 + i/30)
					return c.ChangeLimits(c.ctx, remembers(device), c.now)
				default:
					_, err := c.Spend(c.ctx, []limit.Limit{l}, c.now)
					return err
				}
			})
			c.equal("the calls that passed", len(c.winners(errs)), 60)
			for device := range uint64(2) {
				l.Device = device + 1
				c.equal(fmt.Sprintf("device %d is known", device+1), c.spend(c.now, l)[0].Known, true)
			}
			c.wantRoom("22 events, 20 more and 20 given back", l, c.now, 78)
		}},
		{"ChangeLimits/ConcurrentOrder", "changes that name the same keys in different orders must neither deadlock nor lose a change", func(c *check) {
			a, b := perHour("a", 100), perHour("b", 100)
			for range 40 {
				c.spend(c.now, a, b)
			}
			errs := together(40, func(i int) error {
				if i%2 == 0 {
					return c.ChangeLimits(c.ctx, refunds(c.now, a, b), c.now)
				}
				return c.ChangeLimits(c.ctx, refunds(c.now, b, a), c.now)
			})
			c.equal("the calls that passed", len(c.winners(errs)), 40)
			c.wantRoom("40 of 40 given back", a, c.now, 100)
			c.wantRoom("40 of 40 given back", b, c.now, 100)
		}},
		{"ChangeLimits/ConcurrentClear", "an unlock must work while guesses arrive, and must not let more guesses through than the limit afterwards", func(c *check) {
			l := perHour(anyKey, 5)
			c.wantRoom("before", l, c.now, 5)
			errs := together(60, func(i int) error {
				if i == 30 {
					return c.ChangeLimits(c.ctx, clears(l), c.now)
				}
				_, err := c.Spend(c.ctx, []limit.Limit{l}, c.now)
				return unlessLimited(err)
			})
			won := len(c.winners(errs, errLimited))
			c.ok("the clear", errs[30])
			if won > 6 {
				c.Fatalf("%d spends passed a cleared limit of 5", won-1)
			}
			c.wantRoom("after the clear", l, c.now, 5-(won-1))
		}},
	}
}
