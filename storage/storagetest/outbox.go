package storagetest

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func outboxCases() []Case {
	return []Case{
		{"LeaseMessages/NextAt", "a message that is sent early ignores the provider's request to wait, and a message that is due must not wait", func(c *check) {
			m := c.message()
			m.NextAt = c.now.Add(time.Second)
			c.enqueue(m)
			c.equal("the messages 1 ms before", len(c.lease("token", m.NextAt.Add(-time.Millisecond))), 0)
			c.equal("the messages at NextAt", messageIDs(c.lease("token", m.NextAt)), []string{m.ID})
		}},
		{"LeaseMessages/EarliestFirst", "in a backlog the messages that waited longest come first, otherwise some wait for ever", func(c *check) {
			var messages []outbox.Message
			for _, wait := range []time.Duration{3, 1, 4, 2, 5} {
				m := c.message()
				m.NextAt = c.now.Add(-wait * time.Second)
				messages = append(messages, m)
			}
			c.enqueue(messages...)
			lease := func(limit int, want ...string) {
				c.TB.Helper()
				l := leaseOf(c.id(), c.now)
				l.Max = limit
				leased, err := c.LeaseMessages(c.ctx, l)
				c.ok("LeaseMessages", err)
				c.equal(fmt.Sprintf("the messages leased, at most %d", limit), messageIDs(leased), want)
			}
			lease(0)
			lease(-1)
			lease(2, messages[4].ID, messages[2].ID)
			lease(2, messages[0].ID, messages[3].ID)
			lease(2, messages[1].ID)
			lease(2)
		}},
		{"LeaseMessages/Lease", "a leased message belongs to one process, and if that process dies, another process must get the message", func(c *check) {
			m := c.message()
			c.enqueue(m)
			c.equal("the first lease", messageIDs(c.lease("first", c.now)), []string{m.ID})
			c.equal("a second lease immediately after", len(c.lease("second", c.now)), 0)
			c.equal("the same holder", len(c.lease("first", c.now)), 0)
			c.equal("a lease 1 ms before the lease ends", len(c.lease("second", c.now.Add(time.Minute-time.Millisecond))), 0)
			now := c.now.Add(time.Minute + time.Millisecond)
			leased := c.lease("third", now)
			m.Attempts, m.LeaseToken, m.LeaseUntil = 2, "third", now.Add(time.Minute)
			c.equal("a lease when the lease has ended", leased, []outbox.Message{m})
		}},
		{"LeaseMessages/Expired", "an expired message is leased too: the server that leases it marks it dead and wipes its text", func(c *check) {
			m := c.message()
			c.enqueue(m)
			c.equal("the messages due after their expiry", messageIDs(c.lease("token", m.ExpiresAt.Add(time.Hour))), []string{m.ID})
		}},
		{"LeaseMessages/Lanes", "a message of another lane would be handled as the wrong kind, and its backlog would delay this lane", func(c *check) {
			lanes := []outbox.Lane{outbox.LaneCode, outbox.LaneNotice, outbox.LaneEvent, outbox.LaneDecoy}
			var messages []outbox.Message
			for i, lane := range append(lanes, lanes...) {
				m := c.message()
				m.Lane, m.NextAt = lane, c.now.Add(-time.Duration(i)*time.Second)
				messages = append(messages, m)
			}
			c.enqueue(messages...)
			c.equal("the messages stored", c.messages(), unsealed(messages...))
			for i, lane := range lanes {
				l := leaseOf("token", c.now)
				l.Lane = lane
				leased, err := c.LeaseMessages(c.ctx, l)
				c.ok("LeaseMessages", err)
				c.equal("the messages of lane "+string(lane), messageIDs(leased), []string{messages[i+4].ID, messages[i].ID})
				c.equal("the lane", leased[0].Lane, lane)
			}
			for _, lane := range []outbox.Lane{"", "Code", "code ", "other"} {
				l := leaseOf("other", c.now.AddDate(1, 0, 0))
				l.Lane = lane
				leased, err := c.LeaseMessages(c.ctx, l)
				c.ok("LeaseMessages", err)
				c.equal(fmt.Sprintf("the messages of lane %q", lane), len(leased), 0)
			}
		}},
		{"LeaseMessages/KeyIDs", "a server that cannot open a message must leave it to a server that can: leasing it would delay or end it", func(c *check) {
			var messages []outbox.Message
			for i, key := range []string{"old", "new", "next", "old"} {
				m := c.message()
				m.KeyID, m.NextAt = key, c.now.Add(-time.Duration(9-i)*time.Second)
				messages = append(messages, m)
			}
			c.enqueue(messages...)
			lease := func(keys []string, limit int, want ...string) {
				c.TB.Helper()
				l := leaseOf(c.id(), c.now)
				l.KeyIDs, l.Max = keys, limit
				leased, err := c.LeaseMessages(c.ctx, l)
				c.ok("LeaseMessages", err)
				c.equal(fmt.Sprintf("the messages of keys %q, at most %d", keys, limit), messageIDs(leased), want)
			}
			lease(nil, 9)
			lease([]string{}, 9)
			lease([]string{"OLD", "old ", "ne", "%"}, 9)
			lease([]string{"next", "old"}, 2, messages[0].ID, messages[2].ID) // the unknown one takes no place
			before := c.messages()
			c.equal("attempts of a message of an unknown key", before[1].Attempts, 0)
			lease([]string{"unknown", "new", "old", "new"}, 9, messages[1].ID, messages[3].ID)
		}},
		{"LeaseMessages/BacklogOfOthers", "a server must find its own messages, no matter how many messages it may not lease wait before them", func(c *check) {
			var others []outbox.Message
			for i := range 300 {
				m := c.message()
				m.NextAt = c.now.Add(-time.Hour)
				if i%2 == 0 {
					m.KeyID = "unknown"
				} else {
					m.Lane = outbox.LaneEvent
				}
				others = append(others, m)
			}
			c.enqueue(others...)
			own := c.message()
			c.enqueue(own)
			l := leaseOf("token", c.now)
			l.Max = 1
			leased, err := c.LeaseMessages(c.ctx, l)
			c.ok("LeaseMessages", err)
			c.equal("the message leased", messageIDs(leased), []string{own.ID})
		}},
		{"LeaseMessages/Concurrent", "a message that two processes lease is an SMS that is paid for and read twice", func(c *check) {
			var messages []outbox.Message
			for range 60 {
				messages = append(messages, c.message())
			}
			c.enqueue(messages...)
			var mu sync.Mutex
			holders := make(map[string][]string)
			errs := together(60, func(i int) error {
				token := fmt.Sprint("token ", i)
				l := leaseOf(token, c.now)
				l.Max = 7
				leased, err := c.LeaseMessages(c.ctx, l)
				mu.Lock()
				defer mu.Unlock()
				for _, m := range leased {
					holders[m.ID] = append(holders[m.ID], token)
					if m.LeaseToken != token || m.Attempts != 1 {
						return fmt.Errorf("message leased by %q: got token %q, attempts %d", token, m.LeaseToken, m.Attempts)
					}
				}
				return err
			})
			c.equal("the calls that were answered", len(c.winners(errs)), 60)
			for id, tokens := range holders {
				if len(tokens) != 1 {
					c.Fatalf("message %s was leased to %d callers at the same time: %q", id, len(tokens), tokens)
				}
			}
			// A call may find rows that others hold and come back with less, but nothing is lost.
			for _, m := range c.lease("last", c.now) {
				holders[m.ID] = append(holders[m.ID], "last")
			}
			c.equal("the messages leased", len(holders), len(messages))
			for _, m := range c.messages() {
				c.equal("the holder of message "+m.ID, []string{m.LeaseToken}, holders[m.ID])
			}
		}},
		{"MessageStates/Pages", "an operator who reads page after page by id must see each message once, and no text", func(c *check) {
			var messages []outbox.Message
			for range 5 {
				messages = append(messages, c.message())
			}
			c.enqueue(messages[3], messages[0], messages[4], messages[2], messages[1])
			page := func(after string, limit int, want ...outbox.Message) {
				c.TB.Helper()
				got, err := c.MessageStates(c.ctx, after, limit)
				c.ok("MessageStates", err)
				c.equal(fmt.Sprintf("at most %d after %q", limit, after), got, unsealed(want...))
			}
			page("", 10, messages...)
			page("", 2, messages[:2]...)
			page(messages[1].ID, 2, messages[2:4]...)
			page(messages[3].ID, 10, messages[4])
			page(messages[4].ID, 10)
			page("", 0)
			page("", -1)
		}},
		{"Backlog/Counts", "an operator sees how many messages of each lane wait and for how long, and the service decides by it which sends to accept", func(c *check) {
			want := func(what string, want ...outbox.Backlog) {
				c.TB.Helper()
				got, err := c.Backlog(c.ctx)
				c.ok("Backlog", err)
				slices.SortFunc(got, func(a, b outbox.Backlog) int { return cmp.Compare(a.Lane, b.Lane) })
				c.equal(what+": the backlog", got, want)
			}
			want("nothing stored")
			first, second, notice := c.message(), c.message(), c.message()
			first.NextAt, second.KeyID = c.now.Add(-time.Minute), "unknown"
			notice.Lane, notice.NextAt = outbox.LaneNotice, c.now.AddDate(1, 0, 0)
			c.enqueue(second, first, notice)
			notices := outbox.Backlog{Lane: outbox.LaneNotice, Pending: 1, Earliest: notice.NextAt}
			both := outbox.Backlog{Lane: outbox.LaneCode, Pending: 2, Earliest: first.NextAt}
			want("two codes and a notice", both, notices)
			c.equal("the messages leased", messageIDs(c.lease("token", c.now)), []string{first.ID})
			want("one leased", both, notices)
			later := c.now.Add(time.Hour)
			c.finish(outbox.Result{ID: first.ID, LeaseToken: "token", State: outbox.Pending, Now: c.now, NextAt: later})
			want("one put off", outbox.Backlog{Lane: outbox.LaneCode, Pending: 2, Earliest: second.NextAt}, notices)
			c.equal("the messages leased", messageIDs(c.lease("token", later)), []string{first.ID})
			c.finish(outbox.Result{ID: first.ID, LeaseToken: "token", State: outbox.Delivered, Now: c.now})
			want("one delivered", outbox.Backlog{Lane: outbox.LaneCode, Pending: 1, Earliest: second.NextAt}, notices)
		}},
	}
}
