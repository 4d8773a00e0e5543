package storagetest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func chargeCases() []Case {
	attemptOf := func(c *check, code identity.VerifyCode) identity.Attempt {
		return identity.Attempt{
			Now: c.now, Binding: code.Binding, NumberKey: code.NumberKey,
			Charges:     []limit.Limit{perHour("address", 5), perHour("all", 6)},
			LiveCharges: []limit.Limit{perHour("number", 3), perHour("number and device", 2)},
		}
	}
	return []Case{
		{"ChargeAttempt/CountsAndStops", "the attempt is charged before the code is compared: a code must not be compared more than MaxAttempts times", func(c *check) {
			code := c.issue(c.code(number, phone))
			for i := range code.MaxAttempts {
				want := code
				want.Attempts = i + 1
				c.equal(fmt.Sprintf("guess %d", i+1), c.charge(code, c.now), []identity.VerifyCode{want})
			}
			for range 2 {
				c.wantLive("one guess too many", code, c.now)
			}
		}},
		{"ChargeAttempt/OnlyItsBinding", "a code works only for its tenant, client, purpose, device and number, and guesses for others do not use it up", func(c *check) {
			code, device, mobile := c.issue(c.code(number, phone)), c.issue(c.code(number, tablet)), c.issue(c.code(otherNumber, phone))
			for range code.MaxAttempts {
				c.wantLive("the binding guessed at", code, c.now, code)
			}
			c.wantLive("another device", device, c.now, device)
			c.wantLive("another number", mobile, c.now, mobile)
			c.wantLive("a binding without codes", c.code("+8612345678909", phone), c.now)
		}},
		{"ChargeAttempt/OldestFirst", "the order decides with which code a guess is compared first, so it must not change between calls", func(c *check) {
			var codes [3]identity.VerifyCode
			for _, i := range []int{1, 2, 0} {
				codes[i] = c.code(number, phone)
				codes[i].CreatedAt = c.now.Add(time.Duration(i) * time.Millisecond)
				issue := c.issueOf(codes[i])
				issue.Now = c.now
				_, err := c.IssueCode(c.ctx, issue)
				c.ok("IssueCode", err)
			}
			c.wantLive("three codes", codes[0], c.now, codes[:]...)
		}},
		{"ChargeAttempt/ExpiryEdge", "a code is valid until a millisecond before its expiry, and invalid from the expiry on", func(c *check) {
			code := c.issue(c.code(number, phone))
			c.wantLive("1 ms before the expiry", code, code.ExpiresAt.Add(-time.Millisecond), code)
			c.wantLive("at the expiry", code, code.ExpiresAt)
			other := c.issue(c.code(number, tablet))
			c.wantLive("an hour later", other, other.ExpiresAt.Add(time.Hour))
		}},
		{"ChargeAttempt/ClockStepsBack", "a code that was seen as expired stays expired: a clock that is set back must not make it valid again", func(c *check) {
			code := c.issue(c.code(number, phone))
			later := c.code(number, phone)
			later.ExpiresAt = code.ExpiresAt.Add(time.Minute)
			c.issue(later)
			c.wantLive("at the expiry of the first", code, code.ExpiresAt, later)
			c.wantLive("with the clock set back", code, c.now, later)
			r := c.redemption(code, identity.User{}, "")
			r.Password = nil
			c.is("RedeemCode with the clock set back", c.RedeemCode(c.ctx, r), identity.ErrCodeSpent)
		}},
		{"ChargeAttempt/UsedOrEnded", "a code that was used, or ended by the use of another code, must not be compared again", func(c *check) {
			code, sibling := c.issue(c.code(number, phone)), c.issue(c.code(number, tablet))
			r := c.redemption(code, identity.User{}, "")
			r.Password = nil
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			c.wantLive("the used code", code, r.Now)
			c.wantLive("the ended code", sibling, r.Now)
		}},
		{"ChargeAttempt/LiveCharges", "a guess that can match uses the number's budget, no matter which codes come later", func(c *check) {
			code := c.issue(c.code(number, phone))
			a := attemptOf(c, code)
			charged, err := c.ChargeAttempt(c.ctx, a)
			c.ok("ChargeAttempt", err)
			c.equal("what was spent", spentKeys(charged.Spent), []limit.Key{"address", "all", "number", "number and device"})
			for i, room := range []int{4, 5} {
				c.wantRoom("Charges", a.Charges[i], c.now, room)
			}
			for i, room := range []int{2, 1} {
				c.wantRoom("LiveCharges", a.LiveCharges[i], c.now, room)
			}
		}},
		{"ChargeAttempt/NoLiveCode", "a guess that cannot match must not use up the number's budget, or a stranger could lock the owner out", func(c *check) {
			a := attemptOf(c, c.code(number, phone))
			c.spend(c.now, a.LiveCharges...)
			c.spend(c.now, a.LiveCharges...)
			charged, err := c.ChargeAttempt(c.ctx, a)
			c.ok("ChargeAttempt with LiveCharges used up", err)
			c.equal("the codes", len(charged.Codes), 0)
			c.equal("what was spent", spentKeys(charged.Spent), []limit.Key{"address", "all"})
			c.wantRoom("LiveCharges after", a.LiveCharges[0], c.now, 1)
			c.wantRoom("Charges", a.Charges[0], c.now, 4)
		}},
		{"ChargeAttempt/Exhausted", "a code without attempts left counts as no code: guesses at it must not charge the number for ever", func(c *check) {
			code := c.code(number, phone)
			code.MaxAttempts = 1
			c.issue(code)
			c.wantLive("the only attempt", code, c.now, code)
			charged, err := c.ChargeAttempt(c.ctx, attemptOf(c, code))
			c.ok("ChargeAttempt", err)
			c.equal("what was spent", spentKeys(charged.Spent), []limit.Key{"address", "all"})
		}},
		{"ChargeAttempt/Refused", "a guess that a limit refused must use up neither an attempt nor any other limit", func(c *check) {
			full, alsoFull := perHour("full", 1), perHour("also full", 1)
			c.unchangedBy("after a refused guess", func(sc *scene) error {
				c.spend(c.now, full, alsoFull)
				charged, err := c.ChargeAttempt(c.ctx, identity.Attempt{
					Now: c.now, Binding: sc.code.Binding,
					Charges: []limit.Limit{sc.limit, full}, LiveCharges: []limit.Limit{alsoFull, perHour(anyKey, 9)},
				})
				c.equal("the codes returned with an error", len(charged.Codes), 0)
				c.wantRoom("a limit that did not refuse", perHour(anyKey, 9), c.now, 9)
				return err
			}, func(err error) { c.refused("ChargeAttempt", err, full.Key, alsoFull.Key) })
		}},
		{"ChargeAttempt/RefusedWithoutACode", "guesses without a live code are limited like guesses at a live code, or the answers show the difference", func(c *check) {
			a := attemptOf(c, c.code(number, phone))
			for range 5 {
				_, err := c.ChargeAttempt(c.ctx, a)
				c.ok("ChargeAttempt", err)
			}
			_, err := c.ChargeAttempt(c.ctx, a)
			c.refused("ChargeAttempt", err, a.Charges[0].Key)
			c.wantRoom("a limit that did not refuse", a.Charges[1], c.now, 1)
		}},
		{"ChargeAttempt/Providers", "an operator compares providers by the codes that come back: a code counts for the provider that took its own message, or for none", func(c *check) {
			codes := []identity.VerifyCode{c.code(number, phone), c.code(number, tablet), c.code(otherNumber, phone)}
			codes[2].Provider = "of the caller"
			messages := make([]outbox.Message, len(codes))
			for i, code := range codes {
				issue := c.issueOf(code)
				if i < 2 { // the message of the last has an id of its own, as those of earlier versions
					issue.Messages[0].ID = code.ID
				}
				messages[i] = issue.Messages[0]
				_, err := c.IssueCode(c.ctx, issue)
				c.ok("IssueCode", err)
			}
			want := func(when string, providers ...string) {
				for i, code := range codes {
					charged, err := c.ChargeAttempt(c.ctx, identity.Attempt{Now: c.now, Binding: code.Binding, NumberKey: code.NumberKey, Providers: true})
					c.ok("ChargeAttempt", err)
					c.equal(when+": the codes", codeIDs(charged.Codes), []string{code.ID})
					c.equal(fmt.Sprintf("%s: the provider of code %d", when, i+1), charged.Codes[0].Provider, providers[i])
				}
			}
			want("before a provider took it", "", "", "")
			c.lease("token", c.now)
			for i, provider := range []string{"twilio", "vonage", "bird"} {
				c.finish(outbox.Result{ID: messages[i].ID, LeaseToken: "token", State: outbox.Delivered, Now: c.now, Provider: provider, ProviderRef: fmt.Sprint(i)})
			}
			want("after providers took them", "twilio", "vonage", "")
			_, err := c.Purge(c.ctx, identity.Purge{Now: c.now, MessagesBefore: c.now.Add(time.Second), Max: 1000})
			c.ok("Purge", err)
			want("without the messages", "", "", "")
		}},
		{"ChargeAttempt/Concurrent", "200 guesses at the same time must be compared with a code at most MaxAttempts times: reading before adding lets all of them in", func(c *check) {
			code := c.issue(c.code(number, phone))
			var seen, highest atomic.Int64
			errs := together(200, func(int) error {
				charged, err := c.ChargeAttempt(c.ctx, identity.Attempt{Now: c.now, Binding: code.Binding, NumberKey: code.NumberKey, Charges: []limit.Limit{perHour("all", 1000)}})
				for _, got := range charged.Codes {
					seen.Add(1)
					for {
						h := highest.Load()
						if int64(got.Attempts) <= h || highest.CompareAndSwap(h, int64(got.Attempts)) {
							break
						}
					}
				}
				return err
			})
			c.equal("the guesses that were answered", len(c.winners(errs)), 200)
			c.equal("how often the code was seen", seen.Load(), int64(code.MaxAttempts))
			c.equal("the highest count returned", highest.Load(), int64(code.MaxAttempts))
		}},
		{"ChargeAttempt/ConcurrentAtLimit", "a budget over all codes of a number must hold no matter how many guesses arrive at the same time", func(c *check) {
			code := c.code(number, phone)
			code.MaxAttempts = 100
			c.issue(code)
			var seen atomic.Int64
			errs := together(100, func(int) error {
				charged, err := c.ChargeAttempt(c.ctx, identity.Attempt{Now: c.now, Binding: code.Binding, NumberKey: code.NumberKey, LiveCharges: []limit.Limit{perHour("number", 7)}})
				seen.Add(int64(len(charged.Codes)))
				return unlessLimited(err)
			})
			c.equal("the guesses that passed a limit of 7", len(c.winners(errs, errLimited)), 7)
			c.equal("how often the code was seen", seen.Load(), int64(7))
		}},
	}
}
