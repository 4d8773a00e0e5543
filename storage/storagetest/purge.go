package storagetest

import (
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func purgeCases() []Case {
	purge := func(c *check, p identity.Purge, want int) {
		c.TB.Helper()
		got, err := c.Purge(c.ctx, p)
		c.ok("Purge", err)
		c.equal(fmt.Sprintf("what Purge removed, at most %d of a kind", p.Max), got, want)
	}
	// finished stores a message that was delivered at the given time, and an event.
	finished := func(c *check, at time.Time) outbox.Message {
		c.TB.Helper()
		m := c.message()
		c.enqueue(m)
		c.equal("the messages leased", messageIDs(c.lease("token", c.now)), []string{m.ID})
		c.finish(outbox.Result{ID: m.ID, LeaseToken: "token", State: outbox.Delivered, Now: at})
		return m
	}
	return []Case{
		{"Purge/Codes", "a purge that removes a live code leaves its owner without a reset, and a purge that removes nothing fills the disk", func(c *check) {
			c.issue(c.code(number, phone))
			used := c.issue(c.code(number, tablet))
			later := c.code(otherNumber, phone)
			later.ExpiresAt = later.ExpiresAt.Add(time.Hour)
			c.issue(later)
			r := c.redemption(used, identity.User{}, "")
			r.Password, r.Messages = nil, nil
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			purge(c, identity.Purge{Now: used.ExpiresAt.Add(-time.Millisecond), Max: 10}, 0)
			c.is("RedeemCode of a used code", c.RedeemCode(c.ctx, r), identity.ErrCodeSpent)
			purge(c, identity.Purge{Now: used.ExpiresAt.Add(time.Millisecond), Max: 10}, 2)
			c.is("RedeemCode of a purged code", c.RedeemCode(c.ctx, r), identity.ErrCodeSpent)
			c.wantLive("the live code", later, used.ExpiresAt.Add(time.Millisecond), later)
		}},
		{"Purge/Limits", "a counter removed too early lifts a limit for an attacker who waits for the purge", func(c *check) {
			hour, day := perHour("hour", 1), perHour("day", 1)
			day.Rules[0].Rates[0].Per = 24 * time.Hour
			var latest time.Time
			for _, spent := range c.spend(c.now, hour, day) {
				if spent.Key == hour.Key {
					latest = spent.ExpiresAt
				}
			}
			purge(c, identity.Purge{Now: latest.Add(-time.Millisecond), Max: 10}, 0)
			c.wantRoom("before its time", hour, c.now.Add(time.Hour-time.Millisecond), 0)
			purge(c, identity.Purge{Now: latest.Add(time.Millisecond), Max: 10}, 1)
			c.wantRoom("the limit whose time has not come", day, latest.Add(time.Millisecond), 0)
			c.wantRoom("the limit whose time has come", hour, c.now, 1)
		}},
		{"Purge/SpendRenews", "each event extends the expiry: a store that keeps the first expiry purges a counter in use", func(c *check) {
			l := perHour(anyKey, 2)
			c.spend(c.now, l)
			c.spend(c.now.Add(50*time.Minute), l)
			purge(c, identity.Purge{Now: c.now.Add(70 * time.Minute), Max: 10}, 0)
			c.wantRoom("one event within the hour", l, c.now.Add(70*time.Minute), 1)
		}},
		{"Purge/AfterRefund", "after a refund the rest of a counter lasts as long as before", func(c *check) {
			l := perHour(anyKey, 2)
			c.spend(c.now, l)
			c.spend(c.now.Add(time.Minute), l)
			release := identity.Release{Now: c.now.Add(time.Minute), Changes: refunds(c.now.Add(time.Minute), l)}
			c.ok("ReleaseAttempt", c.ReleaseAttempt(c.ctx, release))
			purge(c, identity.Purge{Now: c.now.Add(30 * time.Minute), Max: 10}, 0)
			c.wantRoom("one event within the hour", l, c.now.Add(30*time.Minute), 1)
		}},
		{"Purge/KnownDevicesStay", "a device stays known for months: a purge at the end of the last window makes the owner a stranger", func(c *check) {
			owner := deviceLimit(7)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, remembers(owner), c.now))
			purge(c, identity.Purge{Now: c.now.AddDate(0, 1, 0), Max: 10}, 0)
			c.spend(c.now.AddDate(0, 1, 0), deviceLimit(8))
			purge(c, identity.Purge{Now: c.now.AddDate(0, 2, 0), Max: 10}, 0)
			c.equal("the device is known two months later", c.spend(c.now.AddDate(0, 2, 0), owner)[0].Known, true)
			purge(c, identity.Purge{Now: c.now.AddDate(2, 0, 0), Max: 10}, 1)
			c.equal("the device is known two years later", c.spend(c.now.AddDate(2, 0, 0), owner)[0].Known, false)
		}},
		{"Purge/AfterChange", "a change may extend the expiry: a store that keeps the old expiry purges remembered devices", func(c *check) {
			owner := deviceLimit(7)
			c.spend(c.now, owner)
			c.ok("ChangeLimits", c.ChangeLimits(c.ctx, remembers(owner), c.now))
			purge(c, identity.Purge{Now: c.now.AddDate(0, 1, 0), Max: 10}, 0)
			c.equal("the device is known a month later", c.spend(c.now.AddDate(0, 1, 0), owner)[0].Known, true)
		}},
		{"Purge/Shards", "if a counter is spread over several rows, each row is purged at its own time", func(c *check) {
			l := perHour(anyKey, 2)
			l.Shards = 2
			c.spend(c.now, l)
			l.Shard = 1
			c.spend(c.now.Add(30*time.Minute), l)
			purge(c, identity.Purge{Now: c.now.Add(time.Hour + time.Second), Max: 10}, 1)
			c.wantRoom("one event within the hour", l, c.now.Add(time.Hour+time.Second), 1)
		}},
		{"Purge/Messages", "an unfinished message is a person's code or notice, no matter how old it is", func(c *check) {
			before := c.now.Add(time.Hour)
			finished(c, before.Add(-time.Millisecond))
			kept := []string{finished(c, before).ID, finished(c, before.Add(time.Hour)).ID}
			old := c.message()
			old.CreatedAt, old.NextAt, old.ExpiresAt = c.now.AddDate(-1, 0, 0), c.now.AddDate(-1, 0, 0), c.now.AddDate(-1, 0, 1)
			c.enqueue(old)
			purge(c, identity.Purge{Now: c.now.AddDate(0, 0, 1), Max: 10}, 0)
			purge(c, identity.Purge{Now: c.now.AddDate(0, 0, 1), MessagesBefore: before, Max: 10}, 1)
			c.equal("the messages left", messageIDs(c.messages()), append(kept, old.ID))
			c.equal("the messages due", messageIDs(c.lease("token", c.now)), []string{old.ID})
			purge(c, identity.Purge{Now: c.now.AddDate(1, 0, 1), MessagesBefore: c.now.AddDate(1, 0, 1), Max: 10}, 2)
			c.equal("the messages left", messageIDs(c.messages()), []string{old.ID})
		}},
		{"Purge/Events", "the audit trail is kept for exactly the configured time, to the millisecond", func(c *check) {
			var ids []string
			for _, age := range []time.Duration{time.Hour, time.Millisecond, 0, -time.Hour} {
				e := c.event()
				e.At = c.now.Add(-age)
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e, nil))
				ids = append(ids, e.ID)
			}
			purge(c, identity.Purge{Now: c.now.AddDate(50, 0, 0), Max: 10}, 0)
			purge(c, identity.Purge{Now: c.now.AddDate(50, 0, 0), EventsBefore: c.now, Max: 10}, 2)
			c.equal("the events left", eventIDs(c.events()), ids[2:])
		}},
		{"Purge/Bounded", "an unbounded delete holds locks for a time that grows with the backlog, and a wrong count stops the purge early", func(c *check) {
			for i := range 5 {
				e := c.event()
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e, nil))
				finished(c, c.now)
				issue := c.issueOf(c.code(number, phone))
				issue.Charges = []limit.Limit{perHour(limit.Key(fmt.Sprint("key ", i)), 1)}
				issue.Messages[0].NextAt = c.now.AddDate(2, 0, 0)
				_, err := c.IssueCode(c.ctx, issue)
				c.ok("IssueCode", err)
			}
			// 5 codes, 5 limits, 5 finished messages, 15 events.
			later := c.now.AddDate(1, 0, 0)
			p := identity.Purge{Now: later, MessagesBefore: later, EventsBefore: later, Max: 3}
			purge(c, p, 4*3)
			purge(c, p, 2+2+2+3)
			for range 3 {
				purge(c, p, 3)
			}
			purge(c, p, 0)
			c.equal("the events left", len(c.events()), 0)
			c.equal("the messages left", len(c.messages()), 5)
		}},
	}
}
