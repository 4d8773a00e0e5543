package storagetest

import (
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// taken stores a message that a provider took under a reference.
func (c *check) taken(provider, ref string) outbox.Message {
	c.TB.Helper()
	m := c.message()
	c.enqueue(m)
	token := c.id()
	c.equal("the messages leased", messageIDs(c.lease(token, c.now)), []string{m.ID})
	c.finish(outbox.Result{
		ID: m.ID, LeaseToken: token, State: outbox.Delivered, Now: c.now, Provider: provider, ProviderRef: ref,
	})
	messages := c.messages()
	return messages[len(messages)-1]
}

func receiptCases() []Case {
	receipt := func(c *check, state sms.ReceiptState) sms.DeliveryReceipt {
		return sms.DeliveryReceipt{Provider: "twilio", Ref: "SM1", State: state, Code: "30008", At: c.now.Add(3 * time.Second)}
	}
	return []Case{
		{"RecordReceipt/Stores", "an operator asks whether the code arrived: the receipt belongs to that message and changes nothing else", func(c *check) {
			for i, state := range []sms.ReceiptState{sms.ReceiptDelivered, sms.ReceiptFailed} {
				c.taken("vonage", fmt.Sprint("SM", i))
				m := c.taken("twilio", fmt.Sprint("SM", i))
				c.taken("twilio", fmt.Sprint("SM", i, "x"))
				before := c.messages()
				r := receipt(c, state)
				r.Ref = m.ProviderRef
				c.ok("RecordReceipt", c.RecordReceipt(c.ctx, r))
				before[len(before)-2].Receipt, before[len(before)-2].ReceiptCode, before[len(before)-2].ReceiptAt = r.State, r.Code, r.At
				c.equal("the messages after the receipt", c.messages(), before)
			}
			c.equal("the messages due a year later", len(c.lease("other", c.now.AddDate(1, 0, 0))), 0)
		}},
		{"RecordReceipt/FirstStands", "receipts are repeated and come late: a later receipt must not undo the first", func(c *check) {
			c.taken("twilio", "SM1")
			c.ok("RecordReceipt", c.RecordReceipt(c.ctx, receipt(c, sms.ReceiptDelivered)))
			before := c.messages()
			late := receipt(c, sms.ReceiptFailed)
			late.Code, late.At = "1", late.At.Add(time.Hour)
			c.ok("RecordReceipt again", c.RecordReceipt(c.ctx, receipt(c, sms.ReceiptDelivered)))
			c.ok("RecordReceipt of another state", c.RecordReceipt(c.ctx, late))
			c.equal("the messages after all receipts", c.messages(), before)
		}},
		{"RecordReceipt/Unknown", "a receipt for an unknown message must not count for another message, and the caller must learn that it came too early", func(c *check) {
			c.taken("twilio", "SM1")
			c.taken("console", "")
			c.taken("", "")
			c.enqueue(c.message())
			before := c.messages()
			for _, other := range [][2]string{{"twilio", "SM2"}, {"vonage", "SM1"}, {"twilio", "sm1"}, {"Twilio", "SM1"}, {"twilio", "SM1 "}, {"twilio", "SM"}, {"console", ""}, {"", "SM1"}, {"", ""}} {
				r := receipt(c, sms.ReceiptFailed)
				r.Provider, r.Ref = other[0], other[1]
				c.is(fmt.Sprintf("RecordReceipt for %q", other), c.RecordReceipt(c.ctx, r), identity.ErrNotFound)
			}
			c.equal("the messages after the refusals", c.messages(), before)
		}},
		{"RecordReceipt/Concurrent", "several machines of a provider may send the same receipt at the same time", func(c *check) {
			c.taken("twilio", "SM1")
			errs := together(30, func(i int) error {
				r := receipt(c, sms.ReceiptDelivered)
				r.Code = fmt.Sprint(i)
				return c.RecordReceipt(c.ctx, r)
			})
			c.equal("the receipts that were answered", len(c.winners(errs)), 30)
			first := c.messages()
			c.equal("the state", first[0].Receipt, sms.ReceiptDelivered)
			c.ok("RecordReceipt", c.RecordReceipt(c.ctx, receipt(c, sms.ReceiptFailed)))
			c.equal("the messages after one more", c.messages(), first)
		}},
		{"RecordReceipt/Purged", "a receipt must not match the remains of a purged message", func(c *check) {
			m := c.taken("twilio", "SM1")
			c.ok("RecordReceipt", c.RecordReceipt(c.ctx, receipt(c, sms.ReceiptFailed)))
			later := c.now.Add(time.Hour)
			_, err := c.Purge(c.ctx, identity.Purge{Now: later, MessagesBefore: later, Max: 10})
			c.ok("Purge", err)
			c.is("RecordReceipt of a purged message", c.RecordReceipt(c.ctx, receipt(c, sms.ReceiptFailed)), identity.ErrNotFound)
			again := c.message()
			again.ID = m.ID
			c.enqueue(again)
			c.equal("another message of that id", c.messages(), unsealed(again))
		}},
	}
}
