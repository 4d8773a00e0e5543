package storagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func auditCases() []Case {
	return []Case{
		{"AppendEvent/RoundTrip", "an audit event that lost a field cannot answer questions about the reset it records", func(c *check) {
			full := c.event()
			full.UserID = c.id()
			bare := audit.Event{ID: c.id(), At: c.now, Type: audit.LimitAlarm}
			for _, e := range []audit.Event{full, bare} {
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e, nil))
			}
			c.equal("the events", c.events(), []audit.Event{full, bare})
		}},
		{"AppendEvent/Duplicate", "an audit event that can be overwritten proves nothing", func(c *check) {
			e := c.event()
			c.ok("AppendEvent", c.AppendEvent(c.ctx, e, nil))
			dup := c.event()
			dup.ID, dup.Outcome = e.ID, "forged"
			c.is("AppendEvent again", c.AppendEvent(c.ctx, dup, nil), identity.ErrAlreadyExists)
			c.equal("the events", c.events(), []audit.Event{e})
		}},
		{"AppendEvent/Messages", "messages about an event are sent if the event is stored, and only then", func(c *check) {
			e, m, n := c.event(), c.message(), c.message()
			n.Lane, n.KeyID = outbox.LaneEvent, "another"
			m.NextAt, m.ExpiresAt = c.now.Add(-time.Minute), c.now.Add(24*time.Hour)
			c.ok("AppendEvent", c.AppendEvent(c.ctx, e, []outbox.Message{m, n}))
			c.equal("the events", c.events(), []audit.Event{e})
			c.equal("the messages", c.messages(), unsealed(m, n))
			leased := c.lease("token", c.now)
			m.Attempts, m.LeaseToken, m.LeaseUntil = 1, "token", c.now.Add(time.Minute)
			c.equal("the messages leased", leased, []outbox.Message{m})
			c.equal("the messages", c.messages(), unsealed(m, n))
		}},
		{"AppendEvent/DuplicateMessage", "the id is the idempotency key towards providers: a second message with the same id would replace the first, or be lost", func(c *check) {
			first, second, third, stored := c.message(), c.message(), c.message(), c.event()
			c.ok("AppendEvent", c.AppendEvent(c.ctx, stored, []outbox.Message{first}))
			dup := second
			dup.ID, dup.Sealed = first.ID, digest("other")
			for _, messages := range [][]outbox.Message{{second, dup, third}, {second, third, second}} {
				c.is("AppendEvent with the id of another message", c.AppendEvent(c.ctx, c.event(), messages), identity.ErrAlreadyExists)
			}
			again := stored
			c.is("AppendEvent of a stored event with a message", c.AppendEvent(c.ctx, again, []outbox.Message{second}), identity.ErrAlreadyExists)
			c.equal("the events", c.events(), []audit.Event{stored})
			c.equal("the messages stored", c.messages(), unsealed(first))
			c.equal("the sealed text", c.lease("token", c.now)[0].Sealed, first.Sealed)
		}},
		{"Events/Pages", "an export of the trail by id must contain each event once, in order", func(c *check) {
			var events []audit.Event
			for range 5 {
				events = append(events, c.event())
			}
			for _, i := range []int{3, 0, 4, 2, 1} {
				c.ok("AppendEvent", c.AppendEvent(c.ctx, events[i], nil))
			}
			page := func(after string, limit int, want ...audit.Event) {
				c.TB.Helper()
				got, err := c.Events(c.ctx, audit.Query{AfterID: after, Max: limit})
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
		{"Events/ByUser", "a user's trail contains every event about that user, and no event about a user with the same id in another tenant", func(c *check) {
			of := func(tenant, user string) audit.Event {
				e := c.event()
				e.Tenant, e.UserID = tenant, user
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e, nil))
				return e
			}
			first := of("acme", "u1")
			of("acme", "u2")
			foreign := of("globex", "u1")
			second := of("acme", "u1")
			of("acme", "")
			of("acme", "U1")
			third := of("acme", "u1")
			query := func(q audit.Query, want ...audit.Event) {
				c.TB.Helper()
				got, err := c.Events(c.ctx, q)
				c.ok("Events", err)
				c.equal(fmt.Sprintf("the events of %+v", q), got, want)
			}
			query(audit.Query{Tenant: "acme", UserID: "u1", Max: 10}, first, second, third)
			query(audit.Query{Tenant: "acme", UserID: "u1", Max: 2}, first, second)
			query(audit.Query{Tenant: "acme", UserID: "u1", AfterID: first.ID, Max: 1}, second)
			query(audit.Query{Tenant: "acme", UserID: "u1", AfterID: second.ID, Max: 10}, third)
			query(audit.Query{Tenant: "globex", UserID: "u1", Max: 10}, foreign)
			query(audit.Query{Tenant: "", UserID: "u1", Max: 10})
			query(audit.Query{Tenant: "acme", UserID: "u", Max: 10})
			query(audit.Query{Tenant: "acme", UserID: "u1"})
		}},
		{"Events/Before", "a reader stays behind the present and follows by id: an event that happened early and was recorded late must wait, or the reader skips events that were recorded before it", func(c *check) {
			var events []audit.Event
			for i, recorded := range []time.Duration{-time.Hour, -time.Millisecond, 0, time.Minute} {
				e := c.event()
				// Made of the time that it was recorded at, as every id is.
				e.ID = strings.TrimSuffix(audit.FirstID(c.now.Add(recorded)), "0") + fmt.Sprint(i)
				e.At, e.UserID = c.now.Add(time.Duration(-i)*time.Hour), "u1" // the latest recorded happened first
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e, nil))
				events = append(events, e)
			}
			for _, userID := range []string{"", "u1"} {
				got, err := c.Events(c.ctx, audit.Query{Tenant: "acme", UserID: userID, Before: c.now, Max: 10})
				c.ok("Events", err)
				c.equal("the events recorded before now", eventIDs(got), eventIDs(events[:2]))
			}
			got, err := c.Events(c.ctx, audit.Query{AfterID: events[0].ID, Before: c.now.Add(time.Hour), Max: 2})
			c.ok("Events", err)
			c.equal("two of them after the first", eventIDs(got), eventIDs(events[1:3]))
			got, err = c.Events(c.ctx, audit.Query{Before: c.now.Add(-2 * time.Hour), Max: 10})
			c.ok("Events", err)
			c.equal("the events before all of them", len(got), 0)
		}},
	}
}
