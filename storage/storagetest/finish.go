package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func finishCases() []Case {
	// leased stores messages and leases them to "token".
	leased := func(c *check, n int) []outbox.Message {
		c.TB.Helper()
		var messages []outbox.Message
		for range n {
			messages = append(messages, c.message())
		}
		c.enqueue(messages...)
		c.equal("the messages leased", messageIDs(c.lease("token", c.now)), messageIDs(messages))
		for i := range messages {
			messages[i].Attempts = 1
		}
		return messages
	}
	return []Case{
		{"FinishMessages/Final", "a message that is delivered, dead or uncertain is never sent again, and its state says what happened", func(c *check) {
			for _, state := range []outbox.State{outbox.Delivered, outbox.Dead, outbox.Uncertain} {
				m := leased(c, 1)[0]
				result := outbox.Result{
					ID: m.ID, LeaseToken: "token", State: state, Now: c.now.Add(time.Second),
					Provider: "webhook", ProviderRef: "ref-1", LastError: "number refused",
				}
				c.finish(result)
				stored := c.messages()
				got := stored[len(stored)-1]
				m.State, m.FinishedAt = state, result.Now
				m.Provider, m.ProviderRef, m.LastError = result.Provider, result.ProviderRef, result.LastError
				m.LeaseToken, m.LeaseUntil = got.LeaseToken, got.LeaseUntil // of no meaning any more
				c.equal("the state of a message "+string(state), got, unsealed(m)[0])
				c.equal("the messages due a year later", len(c.lease("other", c.now.AddDate(1, 0, 0))), 0)
				c.wantLost("FinishMessages again", result)
				result.State, result.NextAt = outbox.Pending, c.now
				c.wantLost("FinishMessages of a finished message, as pending", result)
				c.equal("the messages due a year later", len(c.lease("other", c.now.AddDate(1, 0, 0))), 0)
			}
		}},
		{"FinishMessages/PendingAgain", "after a temporary failure the message is tried again at its time, with the same text", func(c *check) {
			m := leased(c, 1)[0]
			result := outbox.Result{
				ID: m.ID, LeaseToken: "token", State: outbox.Pending, Now: c.now.Add(time.Second),
				NextAt: c.now.Add(2 * time.Second), LastError: "provider busy",
			}
			c.finish(result)
			c.wantLost("FinishMessages again", result)
			c.equal("the messages before NextAt", len(c.lease("other", result.NextAt.Add(-time.Millisecond))), 0)
			// Before the first lease would have ended: it was given up with the result.
			m.Attempts, m.NextAt, m.LastError = 2, result.NextAt, result.LastError
			m.LeaseToken, m.LeaseUntil = "other", result.NextAt.Add(time.Minute)
			c.equal("the messages at NextAt", c.lease("other", result.NextAt), []outbox.Message{m})
		}},
		{"FinishMessages/Batch", "results come in batches, and each belongs to its own message: a mix-up sends a code twice or never", func(c *check) {
			messages := leased(c, 4)
			next := c.now.Add(time.Minute)
			results := []outbox.Result{
				{ID: messages[2].ID, LeaseToken: "token", State: outbox.Delivered, Now: c.now, Provider: "twilio", ProviderRef: "SM2"},
				{ID: messages[0].ID, LeaseToken: "token", State: outbox.Pending, Now: c.now, NextAt: next, LastError: "busy"},
				{ID: messages[3].ID, LeaseToken: "token", State: outbox.Uncertain, Now: c.now.Add(time.Second), LastError: "time-out"},
				{ID: messages[1].ID, LeaseToken: "token", State: outbox.Dead, Now: c.now.Add(2 * time.Second), Provider: "vonage", LastError: "refused"},
			}
			c.finish(results...)
			got := c.messages()
			for _, r := range results {
				for i := range messages {
					if m := &messages[i]; m.ID == r.ID {
						m.State, m.Provider, m.ProviderRef, m.LastError = r.State, r.Provider, r.ProviderRef, r.LastError
						if r.State.Final() {
							m.FinishedAt = r.Now
						} else {
							m.NextAt = r.NextAt
						}
						m.LeaseToken, m.LeaseUntil = got[i].LeaseToken, got[i].LeaseUntil // of no meaning any more
					}
				}
			}
			c.equal("the messages", got, unsealed(messages...))
			c.equal("the messages due", messageIDs(c.lease("other", next)), []string{messages[0].ID})
			c.finish()
		}},
		{"FinishMessages/BatchWithLostLeases", "one lost lease must neither undo the other results of the batch, whose messages would be sent again, nor be left out of the answer", func(c *check) {
			messages := leased(c, 4)
			c.finish(outbox.Result{ID: messages[1].ID, LeaseToken: "token", State: outbox.Pending, Now: c.now, NextAt: c.now})
			c.equal("the messages leased", messageIDs(c.lease("successor", c.now)), []string{messages[1].ID})
			gone := c.id()
			var results []outbox.Result
			for _, id := range []string{messages[0].ID, messages[1].ID, gone, messages[2].ID, messages[2].ID} {
				results = append(results, outbox.Result{ID: id, LeaseToken: "token", State: outbox.Delivered, Now: c.now, Provider: "late"})
			}
			before := c.messages()
			lost, err := c.FinishMessages(c.ctx, results)
			c.ok("FinishMessages", err)
			c.equal("the ids returned", slices.Sorted(slices.Values(lost)), slices.Sorted(slices.Values([]string{messages[1].ID, gone, messages[2].ID})))
			after := c.messages()
			for i, state := range []outbox.State{outbox.Delivered, outbox.Pending, outbox.Delivered, outbox.Pending} {
				c.equal(fmt.Sprintf("the state of message %d", i), after[i].State, state)
			}
			c.equal("the message of the successor", after[1], before[1])
			c.equal("the message without a result", after[3], before[3])
			lost, err = c.FinishMessages(c.ctx, results[:1])
			c.ok("FinishMessages again", err)
			c.equal("the ids returned", lost, []string{messages[0].ID})
		}},
		{"FinishMessages/LeaseLost", "a process that stalled must not overwrite the result of its successor", func(c *check) {
			m := leased(c, 1)[0]
			c.equal("the second lease", len(c.lease("successor", c.now.Add(2*time.Minute))), 1)
			before := c.messages()
			for _, token := range []string{"token", "", "SUCCESSOR", "successor "} {
				for _, state := range []outbox.State{outbox.Delivered, outbox.Pending} {
					c.wantLost(fmt.Sprintf("FinishMessages with token %q", token), outbox.Result{
						ID: m.ID, LeaseToken: token, State: state, Now: c.now, NextAt: c.now, Provider: "late", LastError: "late",
					})
				}
			}
			c.equal("the messages after the refusals", c.messages(), before)
			c.finish(outbox.Result{ID: m.ID, LeaseToken: "successor", State: outbox.Delivered, Now: c.now})
		}},
		{"FinishMessages/LeaseOver", "a slow delivery whose lease ended still decides its message if no other process took the lease", func(c *check) {
			m := leased(c, 1)[0]
			c.finish(outbox.Result{ID: m.ID, LeaseToken: "token", State: outbox.Delivered, Now: c.now.Add(time.Hour)})
			c.equal("the messages due", len(c.lease("other", c.now.Add(time.Hour))), 0)
		}},
		{"FinishMessages/NotLeased", "without a lease there is no result to record: an empty token must not count as a lease", func(c *check) {
			m := c.message()
			c.enqueue(m)
			for _, id := range []string{m.ID, c.id()} {
				c.wantLost("FinishMessages", outbox.Result{ID: id, State: outbox.Delivered, Now: c.now})
			}
			c.equal("the messages stored", c.messages(), unsealed(m))
		}},
		{"FinishMessages/Concurrent", "one delivery is recorded once: two results for one lease would count it twice", func(c *check) {
			m := leased(c, 1)[0]
			errs := together(30, func(i int) error {
				lost, err := c.FinishMessages(c.ctx, []outbox.Result{{
					ID: m.ID, LeaseToken: "token", State: outbox.Delivered, Now: c.now, ProviderRef: fmt.Sprint(i),
				}})
				if err == nil && len(lost) > 0 {
					return errLost
				}
				return err
			})
			c.equal("the recorded result", c.messages()[0].ProviderRef, fmt.Sprint(c.oneWinner(errs, errLost)))
		}},
		{"FinishMessages/ConcurrentBatches", "batches that name the same messages in different orders must neither deadlock nor lose a result", func(c *check) {
			messages := leased(c, 20)
			errs := together(20, func(i int) error {
				var results []outbox.Result
				for j := range messages {
					if i%2 == 0 {
						j = len(messages) - 1 - j
					}
					results = append(results, outbox.Result{ID: messages[j].ID, LeaseToken: "token", State: outbox.Delivered, Now: c.now, ProviderRef: fmt.Sprint(i)})
				}
				_, err := c.FinishMessages(c.ctx, results)
				return err
			})
			c.equal("the calls that passed", len(c.winners(errs)), 20)
			for _, m := range c.messages() {
				c.equal("the state of message "+m.ID, m.State, outbox.Delivered)
			}
		}},
	}
}

var errLost = errors.New("lease lost")
