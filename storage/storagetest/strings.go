package storagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// hostile returns strings that some stores confuse, change or execute. All differ, the
// first is empty, the third is "a", and none is longer than limit bytes.
func hostile(limit int) []string {
	return []string{
		"", " ", "a", "A", "a ", " a", "a\t", "a\u00a0", "\u200ba",
		"\u00e1", "a\u0301", "\u00c1", "\uff41", "\u1d43", // accents composed or not, wide, raised
		"stra\u00dfe", "strasse", "STRASSE", "i", "I", "\u0130", "\u0131", "\u03c3", "\u03c2",
		"0", "00", "0.0", "1", "1e0", "0x1", "-0", "NULL", "null", "true",
		"'", "''", `"`, "`", `\`, `\'`, "%", "_", "a%", "a_", "?", "$1", ":a", "@a", "{}", "[]", "a,b",
		"'; DROP TABLE users; --", `" OR ""="`, "a/*", "--",
		"\n", "\r\n", "a\nb", "\x01", "\x1b[31m", "\x7f", "\u202e", "\ufeff", "\ufffd",
		"\U0001f600", "\U0001f601", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u6c49\u5b57", "\U0002070e",
		strings.Repeat("x", limit-1) + "y", strings.Repeat("x", limit-1) + "z",
		strings.Repeat("\U0001f600", limit/4-1) + "\U0001f602",
	}
}

func stringCases() []Case {
	return []Case{
		{"Strings/Clients", "if a store confuses two applications, one gets the other's tenant", func(c *check) {
			var clients []identity.Client
			for _, id := range hostile(128)[1:] {
				client := identity.Client{ID: id, Name: id, Tenant: id, MultiTenant: true, Tenants: []string{id, "b", id}, CreatedAt: c.now}
				c.ok(fmt.Sprintf("CreateClient %q", id), c.CreateClient(c.ctx, client))
				clients = append(clients, client)
			}
			c.ok("SetClientDisabled", c.SetClientDisabled(c.ctx, "a", true))
			clients[1].Disabled = true
			for _, want := range clients {
				got, err := c.ClientByID(c.ctx, want.ID)
				c.ok(fmt.Sprintf("ClientByID(%q)", want.ID), err)
				c.equal(fmt.Sprintf("client %q", want.ID), got, want)
			}
		}},
		{"Strings/Events", "text that a caller chooses is stored unchanged, and is never executed", func(c *check) {
			var want []audit.Event
			for _, s := range hostile(200) {
				e := c.event()
				e.Outcome, e.Address, e.ClaimedAddress, e.Device, e.OSVersion, e.Agent = s, s, s, s, s, s
				if len(s) <= 128 {
					e.Tenant, e.ClientID = s, s
				}
				if len(s) <= 64 {
					e.UserID = s
				}
				c.ok(fmt.Sprintf("AppendEvent with %q", s), c.AppendEvent(c.ctx, e, nil))
				want = append(want, e)
			}
			c.equal("the events", c.events(), want)
		}},
		{"Strings/Messages", "a provider's answer is stored unchanged, and is never executed", func(c *check) {
			var want []outbox.Message
			for _, s := range hostile(64) {
				m := c.message()
				c.enqueue(m)
				token := c.id()
				c.equal("the messages leased", len(c.lease(token, c.now)), 1)
				result := outbox.Result{
					ID: m.ID, LeaseToken: token, State: outbox.Dead, Now: c.now, Provider: s, ProviderRef: s, LastError: s,
				}
				c.finish(result)
				m.State, m.FinishedAt, m.Attempts = result.State, c.now, 1
				m.Provider, m.ProviderRef, m.LastError = s, s, s
				if s != "" && len(s) <= 64 {
					receipt := sms.DeliveryReceipt{Provider: s, Ref: s, State: sms.ReceiptFailed, Code: "30008", At: c.now}
					c.ok(fmt.Sprintf("RecordReceipt for %q", s), c.RecordReceipt(c.ctx, receipt))
					m.Receipt, m.ReceiptCode, m.ReceiptAt = receipt.State, receipt.Code, receipt.At
				}
				want = append(want, m)
			}
			got := c.messages()
			for i := range got {
				got[i].LeaseToken, got[i].LeaseUntil = "", time.Time{}
			}
			c.equal("the messages", got, unsealed(want...))
		}},
	}
}
