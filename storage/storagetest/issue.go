package storagetest

import (
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

func issueCases() []Case {
	return []Case{
		{"IssueCode/Stores", "the code, its message and its audit event belong together: a person waits for the message", func(c *check) {
			issue := c.issueOf(c.code(number, phone))
			issue.Charges = []limit.Limit{perHour("number", 2), perHour("all", 9)}
			spent, err := c.IssueCode(c.ctx, issue)
			c.ok("IssueCode", err)
			c.equal("what was spent", spentKeys(spent), []limit.Key{"number", "all"})
			c.equal("the events", c.events(), []identity.Event{issue.Event})
			c.equal("the messages", c.messages(), unsealed(issue.Message))
			want := issue.Code
			want.Attempts = 1
			c.equal("the code after one guess", c.charge(issue.Code, c.now), []identity.VerifyCode{want})
			c.wantRoom("after one send", issue.Charges[0], c.now, 1)
			c.wantRoom("after one send", issue.Charges[1], c.now, 8)
			claimed := c.claim("token", c.now)
			c.equal("the messages due", messageIDs(claimed), []string{issue.Message.ID})
			c.equal("the sealed text", claimed[0].Sealed, issue.Message.Sealed)
		}},
		{"IssueCode/ChargeRefused", "a refused send must cost nothing, store nothing and send nothing, or the limits limit nothing", func(c *check) {
			full, alsoFull := perHour("full", 1), perHour("also full", 1)
			c.unchangedBy("after a refused send", func(sc *scene) error {
				c.spend(c.now, full, alsoFull)
				issue := c.issueOf(c.code(number, phone))
				issue.Charges = []limit.Limit{sc.limit, full, alsoFull}
				_, err := c.IssueCode(c.ctx, issue)
				return err
			}, func(err error) { c.refused("IssueCode", err, full.Key, alsoFull.Key) })
		}},
		{"IssueCode/Duplicate", "an id that is taken stores nothing and spends nothing, however far the transaction had come", func(c *check) {
			sc := c.newScene()
			events, messages := c.events(), c.messages()
			for _, part := range []struct {
				what string
				set  func(*identity.CodeIssue)
			}{
				{"code", func(i *identity.CodeIssue) { i.Code.ID = sc.code.ID }},
				{"message", func(i *identity.CodeIssue) { i.Message.ID = sc.leased.ID }},
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
		{"IssueCode/KeepLive", "more live codes than allowed multiply the chance of a guess; fewer let a stranger's send end the owner's code", func(c *check) {
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
		{"IssueCode/KeepLiveAcrossDevices", "the cap is on the number: one code per device would give a guesser as many as they have devices", func(c *check) {
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
		{"IssueCode/KeepLiveOldest", "which code is oldest is decided by CreatedAt, and a code that is dead anyway takes nobody's place", func(c *check) {
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
		{"IssueCode/ConcurrentAtLimit", "200 sends at once to one number must reach the provider as often as the limit says, not once more", func(c *check) {
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
		{"IssueCode/ConcurrentKeepLive", "sends at once that do not see each other's codes leave more of them live than allowed", func(c *check) {
			errs := together(60, func(int) error {
				issue := c.issueOf(c.code(number, phone))
				issue.Charges = []limit.Limit{perHour("number", 1000)} // as the service does: what serialises a number
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
