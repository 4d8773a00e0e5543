package storagetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

func outboxCases() []Case {
	return []Case{
		{"Enqueue/RoundTrip", "what is sealed must open again, and the states tell an operator what became of it", func(c *check) {
			m := c.message()
			m.NextAt, m.ExpiresAt = c.now.Add(-time.Minute), c.now.Add(24*time.Hour)
			c.enqueue(m, c.message())
			c.enqueue()
			c.equal("the first state", c.messages()[0], unsealed(m)[0])
			claimed, err := c.LeaseMessages(c.ctx, identity.Lease{Now: c.now, Until: c.now.Add(time.Minute), Token: "token", Max: 1})
			c.ok("LeaseMessages", err)
			m.Attempts, m.LeaseToken, m.LeaseUntil = 1, "token", c.now.Add(time.Minute)
			c.equal("the messages claimed", claimed, []identity.OutboxMessage{m})
			c.equal("the first state", c.messages()[0], unsealed(m)[0])
		}},
		{"Enqueue/Duplicate", "an id is the idempotency key towards providers: a second message under it would replace the first, or be lost", func(c *check) {
			first, second, third := c.message(), c.message(), c.message()
			c.enqueue(first)
			dup := second
			dup.ID, dup.Sealed = first.ID, digest("other")
			c.is("Enqueue of a stored id", c.Enqueue(c.ctx, []identity.OutboxMessage{second, dup, third}), identity.ErrAlreadyExists)
			c.is("Enqueue of one id twice", c.Enqueue(c.ctx, []identity.OutboxMessage{second, third, second}), identity.ErrAlreadyExists)
			c.equal("the messages stored", c.messages(), unsealed(first))
			c.equal("the sealed text", c.claim("token", c.now)[0].Sealed, first.Sealed)
		}},
		{"LeaseMessages/NextAt", "a message sent before its time ignores the provider's request to wait; one that is due must not wait", func(c *check) {
			m := c.message()
			m.NextAt = c.now.Add(time.Second)
			c.enqueue(m)
			c.equal("the messages 1 ms before", len(c.claim("token", m.NextAt.Add(-time.Millisecond))), 0)
			c.equal("the messages at NextAt", messageIDs(c.claim("token", m.NextAt)), []string{m.ID})
		}},
		{"LeaseMessages/EarliestFirst", "in a backlog those who waited longest come first, or some wait for ever", func(c *check) {
			var messages []identity.OutboxMessage
			for _, wait := range []time.Duration{3, 1, 4, 2, 5} {
				m := c.message()
				m.NextAt = c.now.Add(-wait * time.Second)
				messages = append(messages, m)
			}
			c.enqueue(messages...)
			claim := func(limit int, want ...string) {
				c.TB.Helper()
				claimed, err := c.LeaseMessages(c.ctx, identity.Lease{Now: c.now, Until: c.now.Add(time.Minute), Token: c.id(), Max: limit})
				c.ok("LeaseMessages", err)
				c.equal(fmt.Sprintf("the messages claimed, at most %d", limit), messageIDs(claimed), want)
			}
			claim(0)
			claim(-1)
			claim(2, messages[4].ID, messages[2].ID)
			claim(2, messages[0].ID, messages[3].ID)
			claim(2, messages[1].ID)
			claim(2)
		}},
		{"LeaseMessages/Lease", "a leased message belongs to one; when that one dies, the message must not die with it", func(c *check) {
			m := c.message()
			c.enqueue(m)
			c.equal("the first claim", messageIDs(c.claim("first", c.now)), []string{m.ID})
			c.equal("a claim at once", len(c.claim("second", c.now)), 0)
			c.equal("the same claimer", len(c.claim("first", c.now)), 0)
			c.equal("a claim 1 ms before the lease ends", len(c.claim("second", c.now.Add(time.Minute-time.Millisecond))), 0)
			now := c.now.Add(time.Minute + time.Millisecond)
			claimed := c.claim("third", now)
			m.Attempts, m.LeaseToken, m.LeaseUntil = 2, "third", now.Add(time.Minute)
			c.equal("a claim when the lease has ended", claimed, []identity.OutboxMessage{m})
		}},
		{"LeaseMessages/Expired", "a message past its use is handed out too: whoever claims it ends it and wipes its text", func(c *check) {
			m := c.message()
			c.enqueue(m)
			c.equal("the messages due after their expiry", messageIDs(c.claim("token", m.ExpiresAt.Add(time.Hour))), []string{m.ID})
		}},
		{"LeaseMessages/Concurrent", "a message handed to two processes is an SMS paid and read twice", func(c *check) {
			var messages []identity.OutboxMessage
			for range 60 {
				messages = append(messages, c.message())
			}
			c.enqueue(messages...)
			var mu sync.Mutex
			holders := make(map[string][]string)
			errs := together(60, func(i int) error {
				token := fmt.Sprint("token ", i)
				claimed, err := c.LeaseMessages(c.ctx, identity.Lease{Now: c.now, Until: c.now.Add(time.Minute), Token: token, Max: 7})
				mu.Lock()
				defer mu.Unlock()
				for _, m := range claimed {
					holders[m.ID] = append(holders[m.ID], token)
					if m.LeaseToken != token || m.Attempts != 1 {
						return fmt.Errorf("message claimed by %q: got token %q, attempts %d", token, m.LeaseToken, m.Attempts)
					}
				}
				return err
			})
			c.equal("the claims that were answered", len(c.winners(errs)), 60)
			for id, tokens := range holders {
				if len(tokens) != 1 {
					c.Fatalf("message %s was leased to %d claims at once: %q", id, len(tokens), tokens)
				}
			}
			// A claim may find rows that others hold and come back with less, but nothing is lost.
			for _, m := range c.claim("last", c.now) {
				holders[m.ID] = append(holders[m.ID], "last")
			}
			c.equal("the messages leased", len(holders), len(messages))
			for _, m := range c.messages() {
				c.equal("the holder of message "+m.ID, []string{m.LeaseToken}, holders[m.ID])
			}
		}},
	}
}

func finishCases() []Case {
	// leased stores a message and leases it to "token".
	leased := func(c *check) identity.OutboxMessage {
		c.TB.Helper()
		m := c.message()
		c.enqueue(m)
		c.equal("the messages claimed", messageIDs(c.claim("token", c.now)), []string{m.ID})
		m.Attempts = 1
		return m
	}
	return []Case{
		{"FinishMessage/Final", "what is delivered, dead or uncertain is never sent again, and says what became of it", func(c *check) {
			for _, state := range []identity.MessageState{identity.MessageDelivered, identity.MessageDead, identity.MessageUncertain} {
				m := leased(c)
				result := identity.MessageResult{
					ID: m.ID, LeaseToken: "token", State: state, Now: c.now.Add(time.Second),
					Provider: "webhook", ProviderRef: "ref-1", LastError: "number refused",
				}
				c.ok("FinishMessage", c.FinishMessage(c.ctx, result))
				stored := c.messages()
				got := stored[len(stored)-1]
				m.State, m.FinishedAt = state, result.Now
				m.Provider, m.ProviderRef, m.LastError = result.Provider, result.ProviderRef, result.LastError
				m.LeaseToken, m.LeaseUntil = got.LeaseToken, got.LeaseUntil // of no meaning any more
				c.equal("the state of a message "+string(state), got, unsealed(m)[0])
				c.equal("the messages due a year later", len(c.claim("other", c.now.AddDate(1, 0, 0))), 0)
				c.is("FinishMessage again", c.FinishMessage(c.ctx, result), identity.ErrConflict)
				result.State, result.NextAt = identity.MessagePending, c.now
				c.is("FinishMessage of a finished message, as pending", c.FinishMessage(c.ctx, result), identity.ErrConflict)
				c.equal("the messages due a year later", len(c.claim("other", c.now.AddDate(1, 0, 0))), 0)
			}
		}},
		{"FinishMessage/PendingAgain", "a failure that may pass is tried again at its time, with the text it had", func(c *check) {
			m := leased(c)
			result := identity.MessageResult{
				ID: m.ID, LeaseToken: "token", State: identity.MessagePending, Now: c.now.Add(time.Second),
				NextAt: c.now.Add(2 * time.Second), LastError: "provider busy",
			}
			c.ok("FinishMessage", c.FinishMessage(c.ctx, result))
			c.is("FinishMessage again", c.FinishMessage(c.ctx, result), identity.ErrConflict)
			c.equal("the messages before NextAt", len(c.claim("other", result.NextAt.Add(-time.Millisecond))), 0)
			// Before the first lease would have ended: it was given up with the result.
			m.Attempts, m.NextAt, m.LastError = 2, result.NextAt, result.LastError
			m.LeaseToken, m.LeaseUntil = "other", result.NextAt.Add(time.Minute)
			c.equal("the messages at NextAt", c.claim("other", result.NextAt), []identity.OutboxMessage{m})
		}},
		{"FinishMessage/LeaseLost", "a process that stalled must not overwrite what its successor found out", func(c *check) {
			m := leased(c)
			c.equal("the second claim", len(c.claim("successor", c.now.Add(2*time.Minute))), 1)
			before := c.messages()
			for _, token := range []string{"token", "", "SUCCESSOR", "successor "} {
				for _, state := range []identity.MessageState{identity.MessageDelivered, identity.MessagePending} {
					err := c.FinishMessage(c.ctx, identity.MessageResult{
						ID: m.ID, LeaseToken: token, State: state, Now: c.now, NextAt: c.now, Provider: "late", LastError: "late",
					})
					c.is(fmt.Sprintf("FinishMessage with token %q", token), err, identity.ErrConflict)
				}
			}
			c.equal("the messages after the refusals", c.messages(), before)
			result := identity.MessageResult{ID: m.ID, LeaseToken: "successor", State: identity.MessageDelivered, Now: c.now}
			c.ok("FinishMessage by the successor", c.FinishMessage(c.ctx, result))
		}},
		{"FinishMessage/LeaseOver", "a slow delivery that nobody took over is still the truth about its message", func(c *check) {
			m := leased(c)
			result := identity.MessageResult{ID: m.ID, LeaseToken: "token", State: identity.MessageDelivered, Now: c.now.Add(time.Hour)}
			c.ok("FinishMessage after the lease's time", c.FinishMessage(c.ctx, result))
			c.equal("the messages due", len(c.claim("other", c.now.Add(time.Hour))), 0)
		}},
		{"FinishMessage/NotLeased", "without a lease there is nothing to report: an empty token must not stand for one", func(c *check) {
			m := c.message()
			c.enqueue(m)
			for _, id := range []string{m.ID, c.id()} {
				err := c.FinishMessage(c.ctx, identity.MessageResult{ID: id, State: identity.MessageDelivered, Now: c.now})
				c.is("FinishMessage", err, identity.ErrConflict)
			}
			c.equal("the messages stored", c.messages(), unsealed(m))
		}},
		{"FinishMessage/Concurrent", "one delivery is recorded once: two results for one lease would count it twice", func(c *check) {
			m := leased(c)
			errs := together(30, func(i int) error {
				return c.FinishMessage(c.ctx, identity.MessageResult{
					ID: m.ID, LeaseToken: "token", State: identity.MessageDelivered, Now: c.now, ProviderRef: fmt.Sprint(i),
				})
			})
			c.equal("the recorded result", c.messages()[0].ProviderRef, fmt.Sprint(c.oneWinner(errs, identity.ErrConflict)))
		}},
		{"MessageStates/Pages", "an operator who pages through by id must see each message once, and no text", func(c *check) {
			var messages []identity.OutboxMessage
			for range 5 {
				messages = append(messages, c.message())
			}
			c.enqueue(messages[3], messages[0], messages[4], messages[2], messages[1])
			page := func(after string, limit int, want ...identity.OutboxMessage) {
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
	}
}
