package storagetest

import (
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

func issueCases() []Case {
	return []Case{
		{"IssueCode/Stores", "the code, its message and its audit event are stored together: a person waits for the message", func(c *check) {
			issue := c.issueOf(c.code(number, phone))
			issue.Charges = []limit.Limit{perHour("number", 2), perHour("all", 9)}
			spent, err := c.IssueCode(c.ctx, issue)
			c.ok("IssueCode", err)
			c.equal("what was spent", spentKeys(spent), []limit.Key{"number", "all"})
			c.equal("the events", c.events(), []audit.Event{issue.Event})
			c.equal("the messages", c.messages(), unsealed(issue.Messages...))
			want := issue.Code
			want.Attempts = 1
			c.equal("the code after one guess", c.charge(issue.Code, c.now), []identity.VerifyCode{want})
			c.wantRoom("after one send", issue.Charges[0], c.now, 1)
			c.wantRoom("after one send", issue.Charges[1], c.now, 8)
			leased := c.lease("token", c.now)
			c.equal("the messages due", messageIDs(leased), messageIDs(issue.Messages))
			c.equal("the sealed text", leased[0].Sealed, issue.Messages[0].Sealed)
		}},
		{"IssueCode/ChargeRefused", "a refused send must charge nothing, store nothing and send nothing, or limits have no effect", func(c *check) {
			full, alsoFull := perHour("full", 1), perHour("also full", 1)
			c.unchangedBy("after a refused send", func(sc *scene) error {
				c.spend(c.now, full, alsoFull)
				issue := c.issueOf(c.code(number, phone))
				issue.Charges = []limit.Limit{sc.limit, full, alsoFull}
				_, err := c.IssueCode(c.ctx, issue)
				return err
			}, func(err error) { c.refused("IssueCode", err, full.Key, alsoFull.Key) })
		}},
		{"IssueCode/Duplicate", "a send with an id that exists stores nothing and spends nothing, no matter how far the transaction had come", func(c *check) {
			sc := c.newScene()
			events, messages := c.events(), c.messages()
			for _, part := range []struct {
				what string
				set  func(*identity.CodeIssue)
			}{
				{"code", func(i *identity.CodeIssue) { i.Code.ID = sc.code.ID }},
				{"message", func(i *identity.CodeIssue) { i.Messages[0].ID = sc.leased.ID }},
				{"of its messages", func(i *identity.CodeIssue) { i.Messages = append(i.Messages, i.Messages[0]) }},
				{"event", func(i *identity.CodeIssue) { i.Event.ID = events[0].ID }},
			} {
				issue := c.issueOf(c.code(number, phone))
				issue.Charges, issue.KeepLive = []limit.Limit{sc.limit}, 1
				part.set(&issue)
				_, err := c.IssueCode(c.ctx, issue)
				c.is("IssueCode with the id of another "+part.what, err, identity.ErrAlreadyExists)
			}
			c.wantUnchanged("after duplicates", sc, events, messages)
		}},
		{"IssueCode/AnyMessages", "a send may also queue an event, and a decoy may queue no message", func(c *check) {
			none, two := c.issueOf(c.code(number, phone)), c.issueOf(c.code(number, tablet))
			none.Messages, two.Messages = nil, append(two.Messages, c.message())
			for _, issue := range []identity.CodeIssue{none, two} {
				_, err := c.IssueCode(c.ctx, issue)
				c.ok("IssueCode", err)
				c.wantLive("after a send", issue.Code, c.now, issue.Code)
			}
			c.equal("the messages", c.messages(), unsealed(two.Messages...))
		}},
		{"IssueCode/Replace", "a resend ends the earlier code of the device: two live codes of one device would double the chance of each guess", func(c *check) {
			tabletCode, elsewhere := c.issue(c.code(number, tablet)), c.issue(c.code(otherNumber, phone))
			first, second := c.issue(c.code(number, phone)), c.issue(c.code(number, phone))
			resend := c.issueOf(c.code(number, phone))
			resend.Replace, resend.KeepLive = true, 9
			_, err := c.IssueCode(c.ctx, resend)
			c.ok("IssueCode", err)
			c.wantLive("the device that sent again", resend.Code, c.now, resend.Code)
			for _, code := range []identity.VerifyCode{first, second} {
				r := c.redemption(code, identity.User{}, "")
				r.Password = nil
				c.is("RedeemCode of a replaced code", c.RedeemCode(c.ctx, r), identity.ErrCodeSpent)
			}
			c.wantLive("another device", tabletCode, c.now, tabletCode)
			c.wantLive("another number", elsewhere, c.now, elsewhere)
			c.wantLive("the device that sent again", resend.Code, c.now, resend.Code)
		}},
		{"IssueCode/ReplaceFreesAPlace", "a code that the resend ended does not count as live, so it must not cause another device's code to end", func(c *check) {
			others := []identity.VerifyCode{c.issue(c.code(number, "a")), c.issue(c.code(number, "b"))}
			c.issue(c.code(number, phone))
			resend := c.issueOf(c.code(number, phone))
			resend.Replace = true
			_, err := c.IssueCode(c.ctx, resend)
			c.ok("IssueCode", err)
			for _, code := range append(others, resend.Code) {
				c.wantLive("three devices, three kept", code, c.now, code)
			}
		}},
		{"IssueCode/ReplaceRefused", "a resend that a limit refused sends nothing, so the code that was already sent must stay valid", func(c *check) {
			full := perHour("full", 1)
			c.unchangedBy("after a refused resend", func(sc *scene) error {
				c.spend(c.now, full)
				issue := c.issueOf(c.code(number, phone))
				issue.Charges, issue.Replace = []limit.Limit{full}, true
				_, err := c.IssueCode(c.ctx, issue)
				return err
			}, func(err error) { c.refused("IssueCode", err, full.Key) })
		}},
		{"IssueCode/ReplaceExpired", "a replaced code must not work again when the clock goes back, also if it had expired", func(c *check) {
			old := c.code(number, phone)
			old.ExpiresAt = c.now.Add(time.Minute)
			c.issue(old)
			resent := c.code(number, phone)
			resent.CreatedAt = c.now.Add(2 * time.Minute)
			issue := c.issueOf(resent)
			issue.Now, issue.Replace = resent.CreatedAt, true
			_, err := c.IssueCode(c.ctx, issue)
			c.ok("IssueCode", err)
			c.wantLive("after the clock went back", resent, c.now, resent)
		}},
		{"IssueCode/KeepLive", "too many live codes multiply the chance of a guess, and too few let a stranger's send end the owner's code", func(c *check) {
			elsewhere := c.issue(c.code(otherNumber, phone))
			var codes []identity.VerifyCode
			for i := range 5 {
				code := c.code(number, phone)
				code.CreatedAt = c.now.Add(time.Duration(i) * time.Second)
				codes = append(codes, c.issue(code))
				live := codes[max(0, len(codes)-3):]
				c.wantLive("after a send", code, code.CreatedAt, live...)
			}
			for _, code := range codes[:2] {
				r := c.redemption(code, identity.User{}, "")
				r.Password = nil
				c.is("RedeemCode of an ended code", c.RedeemCode(c.ctx, r), identity.ErrCodeSpent)
			}
			c.wantLive("the other number", elsewhere, c.now, elsewhere)
		}},
		{"IssueCode/KeepLiveAcrossDevices", "the cap counts per number: with one code per device, an attacker with many devices would have many codes", func(c *check) {
			var codes []identity.VerifyCode
			for i, device := range []string{"a", "b", "c"} {
				code := c.code(number, device)
				code.CreatedAt = c.now.Add(time.Duration(i) * time.Second)
				issue := c.issueOf(code)
				issue.KeepLive = 2
				_, err := c.IssueCode(c.ctx, issue)
				c.ok("IssueCode", err)
				codes = append(codes, code)
			}
			now := c.now.Add(time.Minute)
			c.wantLive("the oldest", codes[0], now)
			c.wantLive("the second", codes[1], now, codes[1])
			c.wantLive("the newest", codes[2], now, codes[2])
		}},
		{"IssueCode/KeepLiveNew", "a new code must work, also if it comes from a server whose clock is behind", func(c *check) {
			for i, device := range []string{"a", "b", "c"} {
				code := c.code(number, device)
				code.CreatedAt = c.now.Add(time.Duration(i) * time.Second)
				c.issue(code)
			}
			late := c.code(number, "d")
			late.CreatedAt = c.now.Add(-time.Minute)
			issue := c.issueOf(late)
			issue.Now = c.now
			_, err := c.IssueCode(c.ctx, issue)
			c.ok("IssueCode", err)
			c.wantLive("the new code", late, c.now, late)
		}},
		{"IssueCode/KeepLiveOldest", "CreatedAt decides which code is oldest, and an ended or expired code does not count", func(c *check) {
			oldest, older, expired, exhausted := c.code(number, "a"), c.code(number, "b"), c.code(number, "c"), c.code(number, "d")
			oldest.CreatedAt = c.now.Add(-2 * time.Second)
			older.CreatedAt = c.now.Add(-time.Second)
			expired.ExpiresAt = c.now
			exhausted.MaxAttempts = 1
			issueNow := func(code identity.VerifyCode, keep int) {
				issue := c.issueOf(code)
				issue.Now, issue.KeepLive = c.now, keep
				_, err := c.IssueCode(c.ctx, issue)
				c.ok("IssueCode", err)
			}
			issueNow(older, 9)
			issueNow(oldest, 9)
			issueNow(expired, 9)
			issueNow(exhausted, 9)
			c.wantLive("the last attempt", exhausted, c.now, exhausted)
			newest := c.code(number, "e")
			issueNow(newest, 3)
			c.wantLive("three live codes, three kept: the oldest", oldest, c.now, oldest)
			another := c.code(number, "f")
			another.CreatedAt = c.now.Add(time.Millisecond)
			issueNow(another, 3)
			c.wantLive("four live codes, three kept: the oldest", oldest, c.now)
			for _, code := range []identity.VerifyCode{older, newest, another} {
				c.wantLive("four live codes, three kept: another", code, c.now, code)
			}
		}},
		{"IssueCode/ConcurrentAtLimit", "of 200 sends to one number at the same time, no more than the limit must reach the provider", func(c *check) {
			one := perHour("number", 3)
			errs := together(200, func(int) error {
				issue := c.issueOf(c.code(number, phone))
				issue.Charges = []limit.Limit{one, perHour("address", 1000)}
				_, err := c.IssueCode(c.ctx, issue)
				return unlessLimited(err)
			})
			c.equal("the sends that passed a limit of 3", len(c.winners(errs, errLimited)), 3)
			c.equal("the messages", len(c.messages()), 3)
			c.equal("the events", len(c.events()), 3)
			c.equal("the live codes", len(c.charge(c.code(number, phone), c.now)), 3)
			c.wantRoom("after 3 sends", perHour("address", 10), c.now, 7)
		}},
		{"IssueCode/ConcurrentReplace", "two resends at the same time from one device must not both leave a live code", func(c *check) {
			errs := together(40, func(int) error {
				issue := c.issueOf(c.code(number, phone))
				issue.Replace, issue.KeepLive = true, 9
				issue.Charges = []limit.Limit{perHour("number", 1000)} // as the service does: a store may lock by it
				_, err := c.IssueCode(c.ctx, issue)
				return err
			})
			c.equal("the sends that passed", len(c.winners(errs)), 40)
			c.equal("the live codes", len(c.charge(c.code(number, phone), c.now)), 1)
		}},
		{"IssueCode/ConcurrentKeepLive", "if sends at the same time do not see each other's codes, more codes stay live than allowed", func(c *check) {
			errs := together(60, func(int) error {
				issue := c.issueOf(c.code(number, phone))
				issue.Charges = []limit.Limit{perHour("number", 1000)} // as the service does: a store may lock by it
				_, err := c.IssueCode(c.ctx, issue)
				return err
			})
			c.equal("the sends that passed", len(c.winners(errs)), 60)
			c.equal("the live codes", len(c.charge(c.code(number, phone), c.now)), 3)
		}},
	}
}

func spentKeys(spent []limit.Spent) []limit.Key {
	keys := make([]limit.Key, 0, len(spent))
	for _, s := range spent {
		keys = append(keys, s.Key)
	}
	return keys
}
