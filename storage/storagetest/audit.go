package storagetest

import (
	"fmt"

	"github.com/seed-16109ab2/rekey/identity"
)

func auditCases() []Case {
	return []Case{
		{"AppendEvent/RoundTrip", "an audit line that lost a field answers no question about the reset it records", func(c *check) {
			full := c.event()
			full.UserID = c.id()
			bare := identity.Event{ID: c.id(), At: c.now, Type: identity.EventAlarm}
			for _, e := range []identity.Event{full, bare} {
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e))
			}
			c.equal("the events", c.events(), []identity.Event{full, bare})
		}},
		{"AppendEvent/Duplicate", "an audit line that can be written over proves nothing", func(c *check) {
			e := c.event()
			c.ok("AppendEvent", c.AppendEvent(c.ctx, e))
			dup := c.event()
			dup.ID, dup.Outcome = e.ID, "forged"
			c.is("AppendEvent again", c.AppendEvent(c.ctx, dup), identity.ErrAlreadyExists)
			c.equal("the events", c.events(), []identity.Event{e})
		}},
		{"Events/Pages", "whoever exports the trail by id must get each line once, in order", func(c *check) {
			var events []identity.Event
			for range 5 {
				events = append(events, c.event())
			}
			for _, i := range []int{3, 0, 4, 2, 1} {
				c.ok("AppendEvent", c.AppendEvent(c.ctx, events[i]))
			}
			page := func(after string, limit int, want ...identity.Event) {
				c.TB.Helper()
				got, err := c.Events(c.ctx, after, limit)
				c.ok("Events", err)
				c.equal(fmt.Sprintf("at most %d after %q", limit, after), got, want)
			}
			page("", 10, events...)
			page("", 2, events[:2]...)
			page(events[1].ID, 2, events[2:4]...)
			page(events[3].ID, 10, events[4])
			page(events[4].ID, 10)
			page("", 0)
			page("", -1)
		}},
	}
}
