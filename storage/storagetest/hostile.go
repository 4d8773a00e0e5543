package storagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
)

// hostile returns strings that stores are known to take for one another, to
// change or to run. All differ, the first is empty, the third is "a", and none is
// longer than limit bytes.
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
		{"Strings/Tenants", "tenants that a store takes for one another see each other's users", func(c *check) {
			var users []identity.User
			for _, tenant := range hostile(128) {
				u := c.user(number)
				u.Tenant = tenant
				users = append(users, c.createUser(u))
			}
			c.ok("UpdateUser", c.UpdateUser(c.ctx, identity.UserChange{Tenant: "a", ID: users[2].ID, Disabled: new(true)}))
			users[2].Disabled = true
			for _, u := range users {
				c.wantUser(fmt.Sprintf("tenant %q", u.Tenant), u)
			}
		}},
		{"Strings/UserIDs", "an embedder's ids are any strings: two that a store takes for one are one account", func(c *check) {
			var users []identity.User
			for i, id := range hostile(64)[1:] { // an id is never empty
				u := c.user(fmt.Sprintf("+861380000%04d", i))
				u.ID = id
				users = append(users, c.createUser(u))
			}
			for i, u := range users {
				change := identity.PasswordChange{Tenant: u.Tenant, UserID: u.ID, OldHash: u.PasswordHash, NewHash: phc(fmt.Sprint(i)), KeepHistory: 1}
				c.ok(fmt.Sprintf("ReplacePassword of user %q", u.ID), c.ReplacePassword(c.ctx, change))
				users[i].PasswordHash = change.NewHash
			}
			for _, u := range users {
				c.wantUser(fmt.Sprintf("user %q", u.ID), u)
				c.wantHistory(fmt.Sprintf("user %q", u.ID), u, phc("old"))
			}
		}},
		{"Strings/Clients", "an application that a store takes for another gets the other's tenant", func(c *check) {
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
		{"Strings/Numbers", "a number is a string, not a quantity: leading signs and zeros count", func(c *check) {
			u := c.createUser(c.user("+8612345678901"))
			for _, like := range []string{"8612345678901", "+8612345678901 ", " +8612345678901", "+08612345678901", "+8612345678901.0", "%", "+861234567890_"} {
				_, err := c.UserByMobile(c.ctx, u.Tenant, like)
				c.is(fmt.Sprintf("UserByMobile(%q)", like), err, identity.ErrNotFound)
			}
			c.wantUser("the user", u)
		}},
		{"Strings/Hashes", "hashes that differ in case are different passwords", func(c *check) {
			u := c.user(number)
			u.PasswordHash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$" + strings.Repeat("aB3/+", 20)
			c.createUser(u)
			for _, like := range []string{strings.ToLower(u.PasswordHash), strings.ToUpper(u.PasswordHash), u.PasswordHash + " ", u.PasswordHash + "\n"} {
				err := c.ReplacePassword(c.ctx, identity.PasswordChange{Tenant: u.Tenant, UserID: u.ID, OldHash: like, NewHash: phc("new")})
				c.is("ReplacePassword of a hash like the stored one", err, identity.ErrConflict)
			}
			c.wantUser("after the refusals", u)
		}},
		{"Strings/Events", "what a caller says of itself is stored as it was said, and runs nowhere", func(c *check) {
			var want []identity.Event
			for _, s := range hostile(200) {
				e := c.event()
				e.Outcome, e.Address, e.ClaimedAddress, e.Device, e.OSVersion, e.Agent = s, s, s, s, s, s
				if len(s) <= 128 {
					e.Tenant, e.ClientID = s, s
				}
				if len(s) <= 64 {
					e.UserID = s
				}
				c.ok(fmt.Sprintf("AppendEvent with %q", s), c.AppendEvent(c.ctx, e))
				want = append(want, e)
			}
			c.equal("the events", c.events(), want)
		}},
		{"Strings/Messages", "a provider's answer is stored as it came, and runs nowhere", func(c *check) {
			var want []identity.OutboxMessage
			for _, s := range hostile(64) {
				m := c.message()
				c.enqueue(m)
				token := c.id()
				c.equal("the messages claimed", len(c.claim(token, c.now)), 1)
				result := identity.MessageResult{
					ID: m.ID, LeaseToken: token, State: identity.MessageDead, Now: c.now, Provider: s, ProviderRef: s, LastError: s,
				}
				c.ok(fmt.Sprintf("FinishMessage with %q", s), c.FinishMessage(c.ctx, result))
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

// digests returns 32-byte strings that text columns, padding and prefix
// comparisons confuse or refuse.
func digests() [][]byte {
	fill := func(b, last byte) []byte {
		d := []byte(strings.Repeat(string([]byte{b}), 32))
		d[31] = last
		return d
	}
	all := [][]byte{fill(0, 0), fill(0, 1), fill(0, ' '), fill(' ', ' '), fill(' ', 0), fill(0xff, 0xff), fill(0xff, 0), fill('a', 'a'), fill('A', 'A'), fill('a', 0), fill('a', ' ')}
	for start := 0; start < 256; start += 32 {
		d := make([]byte, 32)
		for i := range d {
			d[i] = byte(start + i)
		}
		all = append(all, d)
	}
	return all
}

func byteCases() []Case {
	return []Case{
		{"Bytes/Digests", "digests hold any byte: a store that pads, trims or decodes them mixes up codes", func(c *check) {
			var codes []identity.VerifyCode
			for _, d := range digests() {
				code := c.code(number, phone)
				code.Binding, code.NumberKey, code.Digest = d, d, d
				codes = append(codes, c.issue(code))
			}
			for i, code := range codes {
				codes[i].Attempts = 1
				c.equal(fmt.Sprintf("the codes of binding %x", code.Binding), c.charge(code, c.now), codes[i:i+1])
			}
			r := c.redemption(codes[0], identity.User{}, "")
			r.Password = nil
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			for _, code := range codes[1:] {
				c.wantLive(fmt.Sprintf("number key %x after the use of %x", code.NumberKey, codes[0].NumberKey), code, r.Now, code)
			}
		}},
		{"Bytes/Sealed", "a sealed text that changed by a bit does not open, and the person waits for nothing", func(c *check) {
			long := make([]byte, 8192)
			for i := range long {
				long[i] = byte(i ^ i>>8)
			}
			for _, sealed := range append(digests(), long, []byte{0}) {
				m := c.message()
				m.Sealed = sealed
				c.enqueue(m)
				claimed := c.claim("token", c.now)
				c.equal("the messages claimed", messageIDs(claimed), []string{m.ID})
				c.equal("the sealed text", claimed[0].Sealed, sealed)
			}
		}},
		{"Bytes/Copies", "a caller may reuse its slices, and must not reach into the store through a result", func(c *check) {
			spoil := func(slices ...[]byte) {
				for _, b := range slices {
					clear(b)
				}
			}
			code := c.code(number, phone)
			given := code
			given.Binding, given.NumberKey, given.Digest = digest("b"), digest("n"), digest("d")
			code.Binding, code.NumberKey, code.Digest = digest("b"), digest("n"), digest("d")
			issue := c.issueOf(given)
			issue.Message.Sealed = digest("s")
			_, err := c.IssueCode(c.ctx, issue)
			c.ok("IssueCode", err)
			spoil(given.Binding, given.NumberKey, given.Digest, issue.Message.Sealed)
			for i := range 2 {
				code.Attempts = i + 1
				got := c.charge(code, c.now)
				c.equal("the stored code", got, []identity.VerifyCode{code})
				spoil(got[0].Binding, got[0].NumberKey, got[0].Digest)
			}
			for i := range 2 {
				claimed := c.claim(fmt.Sprint(i), c.now.Add(time.Duration(i)*time.Hour))
				c.equal("the sealed text", claimed[0].Sealed, digest("s"))
				spoil(claimed[0].Sealed)
			}
			client := identity.Client{ID: "isv", MultiTenant: true, Tenants: []string{"acme"}}
			c.ok("CreateClient", c.CreateClient(c.ctx, client))
			client.Tenants[0] = "globex"
			for range 2 {
				got, err := c.ClientByID(c.ctx, "isv")
				c.ok("ClientByID", err)
				c.equal("the allow list", got.Tenants, []string{"acme"})
				got.Tenants[0] = "globex"
			}
			l := perHour(anyKey, 1)
			spoil(c.spend(c.now, l)[0].State)
			c.wantRoom("after one event of one", l, c.now, 0)
		}},
	}
}

func timeCases() []Case {
	zone := time.FixedZone("UTC+8", 8*60*60)
	return []Case{
		{"Times/Zones", "a time in another zone is the same instant: a store that keeps the wall clock lets codes live for hours", func(c *check) {
			u := c.user(number)
			local := u
			local.VerifiedAt, local.PasswordChangedAt, local.CreatedAt = u.VerifiedAt.In(zone), u.PasswordChangedAt.In(zone), u.CreatedAt.In(zone)
			c.createUser(local)
			c.wantUser("created in another zone", u)
			code := c.code(number, phone)
			issue := c.issueOf(code)
			issue.Now, issue.Code.CreatedAt, issue.Code.ExpiresAt = c.now.In(zone), code.CreatedAt.In(zone), code.ExpiresAt.In(zone)
			issue.Message.NextAt, issue.Event.At = c.now.In(zone), c.now.In(zone)
			_, err := c.IssueCode(c.ctx, issue)
			c.ok("IssueCode", err)
			code.Attempts = 1
			c.equal("the stored code", c.charge(code, code.ExpiresAt.Add(-time.Millisecond).In(zone)), []identity.VerifyCode{code})
			c.wantLive("at its expiry", code, code.ExpiresAt.In(zone))
			c.equal("the event", c.events()[0].At, c.now)
			c.equal("the message", c.messages()[0].NextAt, c.now)
			c.equal("the messages due", len(c.claim("token", c.now.Add(-time.Millisecond).In(zone))), 0)
			c.equal("the messages due", len(c.claim("token", c.now.In(zone))), 1)
		}},
		{"Times/Milliseconds", "a time that comes back finer or coarser than a millisecond compares unequal to itself", func(c *check) {
			base := time.Date(2024, time.March, 1, 0, 0, 0, 0, time.UTC)
			for i, nanos := range []time.Duration{0, 1, 999_999, 1_000_000, 123_456_789, 999_999_999} {
				given, want := base.Add(nanos), base.Add(nanos.Truncate(time.Millisecond))
				u := c.user(fmt.Sprintf("+861380000%04d", i))
				u.CreatedAt, u.VerifiedAt, u.PasswordChangedAt = given, given, given
				c.createUser(u)
				u.CreatedAt, u.VerifiedAt, u.PasswordChangedAt = want, want, want
				c.wantUser(fmt.Sprintf("%s after a second", nanos), u)
				given, want = given.Add(time.Hour), want.Add(time.Hour)
				c.ok("UpdateUser", c.UpdateUser(c.ctx, identity.UserChange{Tenant: u.Tenant, ID: u.ID, VerifiedAt: new(given.In(zone))}))
				change := identity.PasswordChange{Tenant: u.Tenant, UserID: u.ID, OldHash: u.PasswordHash, NewHash: phc("new"), ChangedAt: given.In(zone)}
				c.ok("ReplacePassword", c.ReplacePassword(c.ctx, change))
				u.VerifiedAt, u.PasswordChangedAt, u.PasswordHash = want, want, phc("new")
				c.wantUser(fmt.Sprintf("%s after a second, changed", nanos), u)
				e, m := c.event(), c.message()
				e.At, m.CreatedAt, m.NextAt, m.ExpiresAt = given, given, given, given
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e))
				c.enqueue(m)
				e.At, m.CreatedAt, m.NextAt, m.ExpiresAt = want, want, want, want
				c.equal("the event", c.events()[i], e)
				c.equal("the message", c.messages()[i], unsealed(m)[0])
			}
		}},
		{"Times/Range", "the zero time means never, and no other time may come back as it", func(c *check) {
			for i, at := range []time.Time{
				{},
				time.Date(1969, time.December, 31, 23, 59, 59, 999e6, time.UTC),
				time.Date(1970, time.January, 1, 0, 0, 0, 1e6, time.UTC),
				time.Date(1901, time.December, 13, 20, 45, 51, 0, time.UTC), // beyond 32-bit seconds
				time.Date(2038, time.January, 19, 3, 14, 8, 0, time.UTC),
				time.Date(2262, time.April, 12, 0, 0, 0, 0, time.UTC), // beyond 64-bit nanoseconds
				time.Date(9999, time.December, 31, 23, 59, 59, 999e6, time.UTC),
			} {
				u := c.user(fmt.Sprintf("+861380000%04d", i))
				u.VerifiedAt, u.PasswordChangedAt, u.CreatedAt = at, at, at
				c.createUser(u)
				c.wantUser("at "+at.Format(time.RFC3339Nano), u)
				e := c.event()
				e.At = at
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e))
				events := c.events()
				c.equal("the event at "+at.Format(time.RFC3339Nano), events[len(events)-1].At, at)
			}
			code := c.code(number, phone)
			code.ExpiresAt = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)
			code.Attempts = 1
			issue := c.issueOf(code)
			issue.Code.Attempts = 0
			_, err := c.IssueCode(c.ctx, issue)
			c.ok("IssueCode", err)
			c.equal("a code for eight thousand years", c.charge(code, c.now.AddDate(7000, 0, 0)), []identity.VerifyCode{code})
		}},
	}
}
