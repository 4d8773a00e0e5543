package storagetest

import (
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

func redeemCases() []Case {
	// A reset without a password: the users live elsewhere.
	bare := func(c *check, code identity.VerifyCode) identity.Redemption {
		r := c.redemption(code, identity.User{}, "")
		r.Password = nil
		return r
	}
	return []Case{
		{"RedeemCode/DoesAll", "the password, the ended codes, the audit event and the notice are one step: after a crash, all are stored or none", func(c *check) {
			u := c.createUser(c.user(number))
			code, sibling, elsewhere := c.issue(c.code(number, phone)), c.issue(c.code(number, tablet)), c.issue(c.code(otherNumber, phone))
			events, messages := c.events(), c.messages()
			r := c.redemption(code, u, phc("new"))
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			u.PasswordHash, u.PasswordChangedAt = phc("new"), r.Now
			c.wantUser("after the reset", u)
			c.wantHistory("after the reset", u, phc("old"))
			c.equal("the events", c.events(), append(events, r.Event))
			c.equal("the messages", c.messages(), append(messages, unsealed(r.Messages...)...))
			c.wantLive("the used code", code, r.Now)
			c.wantLive("the other code of the number", sibling, r.Now)
			c.wantLive("the code of another number", elsewhere, r.Now, elsewhere)
			c.is("RedeemCode of the other code", c.RedeemCode(c.ctx, bare(c, sibling)), identity.ErrCodeSpent)
		}},
		{"RedeemCode/Once", "a code works once: a client that repeats its request after a lost answer must not reset again", func(c *check) {
			u := c.createUser(c.user(number))
			code := c.issue(c.code(number, phone))
			first := c.redemption(code, u, phc("new"))
			c.ok("RedeemCode", c.RedeemCode(c.ctx, first))
			u.PasswordHash, u.PasswordChangedAt = phc("new"), first.Now
			events, messages := c.events(), c.messages()
			for _, again := range []identity.Redemption{first, c.redemption(code, u, phc("newer"))} {
				c.is("RedeemCode again", c.RedeemCode(c.ctx, again), identity.ErrCodeSpent)
				c.wantUser("after the refusal", u)
			}
			c.equal("the events", c.events(), events)
			c.equal("the messages", c.messages(), messages)
		}},
		{"RedeemCode/Missing", "redeeming a code that does not exist must change nothing, and is not an outage", func(c *check) {
			c.unchangedBy("after a missing code", func(sc *scene) error {
				r := c.redemption(c.code(number, phone), sc.user, phc("new"))
				r.Changes = append(refunds(c.now, sc.limit), clears(sc.limit)...)
				return c.RedeemCode(c.ctx, r)
			}, func(err error) { c.is("RedeemCode", err, identity.ErrCodeSpent) })
		}},
		{"RedeemCode/ExpiryEdge", "a code that expires while the password is hashed is invalid from that instant", func(c *check) {
			u := c.createUser(c.user(number))
			code := c.issue(c.code(number, phone))
			r := c.redemption(code, u, phc("new"))
			for _, late := range []time.Duration{0, time.Hour} {
				r.Now = code.ExpiresAt.Add(late)
				c.is("RedeemCode at the expiry or later", c.RedeemCode(c.ctx, r), identity.ErrCodeSpent)
				c.wantUser("after the refusal", u)
			}
			r.Now = code.ExpiresAt.Add(-time.Millisecond)
			c.ok("RedeemCode 1 ms before the expiry", c.RedeemCode(c.ctx, r))
		}},
		{"RedeemCode/LastAttempt", "the right guess may be the last attempt, which was already charged", func(c *check) {
			code := c.code(number, phone)
			code.MaxAttempts = 1
			c.issue(code)
			c.wantLive("the only attempt", code, c.now, code)
			c.ok("RedeemCode", c.RedeemCode(c.ctx, bare(c, code)))
		}},
		{"RedeemCode/EndsExhausted", "otherwise a code whose last attempt is still in progress could reset the password after this reset", func(c *check) {
			code, underWay := c.issue(c.code(number, phone)), c.code(number, tablet)
			underWay.MaxAttempts = 1
			c.issue(underWay)
			c.wantLive("the attempt under way", underWay, c.now, underWay)
			c.ok("RedeemCode", c.RedeemCode(c.ctx, bare(c, code)))
			c.is("RedeemCode of the one under way", c.RedeemCode(c.ctx, bare(c, underWay)), identity.ErrCodeSpent)
		}},
		{"RedeemCode/Conflict", "if the password was changed by other means meanwhile, that change stays, and the code is not used up by half a reset", func(c *check) {
			c.unchangedBy("after a conflict", func(sc *scene) error {
				stale := sc.user
				stale.PasswordHash = phc("stale")
				r := c.redemption(sc.code, stale, phc("new"))
				r.Changes = append(refunds(c.now, sc.limit), clears(sc.limit)...)
				return c.RedeemCode(c.ctx, r)
			}, func(err error) { c.is("RedeemCode", err, identity.ErrConflict) })
		}},
		{"RedeemCode/UserGone", "a reset must not succeed for a user who is gone or belongs to another tenant", func(c *check) {
			c.unchangedBy("without the user", func(sc *scene) error {
				foreign := sc.user
				foreign.Tenant = "globex"
				r := c.redemption(sc.code, foreign, phc("new"))
				c.is("RedeemCode for another tenant's user", c.RedeemCode(c.ctx, r), identity.ErrNotFound)
				gone := sc.user
				gone.ID = c.id()
				r = c.redemption(sc.code, gone, phc("new"))
				r.Changes = append(refunds(c.now, sc.limit), clears(sc.limit)...)
				return c.RedeemCode(c.ctx, r)
			}, func(err error) { c.is("RedeemCode", err, identity.ErrNotFound) })
		}},
		{"RedeemCode/Duplicate", "an id that exists fails the last writes of the reset, and the first writes must be undone too", func(c *check) {
			c.unchangedBy("after duplicates", func(sc *scene) error {
				r := c.redemption(sc.code, sc.user, phc("new"))
				r.Changes = append(refunds(c.now, sc.limit), clears(sc.limit)...)
				r.Messages[1].ID = sc.leased.ID
				c.is("RedeemCode with the id of another message", c.RedeemCode(c.ctx, r), identity.ErrAlreadyExists)
				r.Messages[1].ID = r.Messages[0].ID
				c.is("RedeemCode with one id for two messages", c.RedeemCode(c.ctx, r), identity.ErrAlreadyExists)
				r.Messages, r.Event.ID = nil, c.events()[0].ID
				return c.RedeemCode(c.ctx, r)
			}, func(err error) { c.is("RedeemCode with the id of another event", err, identity.ErrAlreadyExists) })
		}},
		{"RedeemCode/WithoutPassword", "if users are stored elsewhere, the code is still used, and no user here is changed", func(c *check) {
			u := c.createUser(c.user(number))
			code := c.issue(c.code(number, phone))
			r := bare(c, code)
			r.Messages = nil
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			c.is("RedeemCode again", c.RedeemCode(c.ctx, bare(c, code)), identity.ErrCodeSpent)
			c.wantUser("after the reset", u)
		}},
		{"RedeemCode/Changes", "a successful reset was not a failure: its charges are refunded, the failures are cleared, and its device is known", func(c *check) {
			code := c.issue(c.code(number, phone))
			refunded, both, failures, kept := perHour("refunded", 2), perHour("both", 2), perHour("cleared", 2), perHour("kept", 2)
			c.spend(c.now.Add(-time.Minute), refunded, both, failures, kept)
			c.spend(c.now, refunded, both, failures, kept)
			r := bare(c, code)
			r.Changes = append(refunds(c.now, both, refunded), clears(perHour("never spent", 2), failures, both)...)
			r.Changes = append(r.Changes, remembers(deviceLimit(7))...)
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			c.wantRoom("refunded", refunded, r.Now, 1)
			c.wantRoom("refunded and cleared", both, r.Now, 2)
			c.wantRoom("cleared", failures, r.Now, 2)
			c.wantRoom("neither", kept, r.Now, 0)
			c.equal("the remembered device is known", c.spend(r.Now, deviceLimit(7))[0].Known, true)
		}},
		{"RedeemCode/Concurrent", "200 requests use one valid code with different passwords: one password is stored, and only its request succeeds", func(c *check) {
			u := c.createUser(c.user(number))
			code := c.issue(c.code(number, phone))
			events, messages := c.events(), c.messages()
			resets := make([]identity.Redemption, 200)
			for i := range resets {
				resets[i] = c.redemption(code, u, phc(fmt.Sprint(i)))
			}
			errs := together(len(resets), func(i int) error { return c.RedeemCode(c.ctx, resets[i]) })
			won := resets[c.oneWinner(errs, identity.ErrCodeSpent, identity.ErrConflict)]
			u.PasswordHash, u.PasswordChangedAt = won.Password.NewHash, won.Now
			c.wantUser("the winner's hash", u)
			c.wantHistory("after the race", u, phc("old"))
			c.equal("the events", c.events(), append(events, won.Event))
			c.equal("the messages", c.messages(), append(messages, unsealed(won.Messages...)...))
		}},
		{"RedeemCode/ConcurrentWithoutPassword", "without a hash to compare, only the code itself decides which request is first", func(c *check) {
			code := c.issue(c.code(number, phone))
			resets := make([]identity.Redemption, 100)
			for i := range resets {
				resets[i] = bare(c, code)
			}
			errs := together(len(resets), func(i int) error { return c.RedeemCode(c.ctx, resets[i]) })
			c.oneWinner(errs, identity.ErrCodeSpent)
		}},
		{"RedeemCode/ConcurrentSiblings", "if two live codes of one number are used at the same time, each ends the other: there is one reset, not two", func(c *check) {
			codes := []identity.VerifyCode{c.issue(c.code(number, phone)), c.issue(c.code(number, tablet)), c.issue(c.code(number, phone))}
			resets := make([]identity.Redemption, 60)
			for i := range resets {
				resets[i] = bare(c, codes[i%len(codes)])
			}
			errs := together(len(resets), func(i int) error { return c.RedeemCode(c.ctx, resets[i]) })
			c.oneWinner(errs, identity.ErrCodeSpent)
		}},
		{"RedeemCode/ConcurrentWithChange", "of a reset and a password change at the same time, one is stored and the other is refused", func(c *check) {
			u := c.createUser(c.user(number))
			code := c.issue(c.code(number, phone))
			resets := make([]identity.Redemption, 60)
			for i := range resets {
				resets[i] = c.redemption(code, u, phc(fmt.Sprint(i)))
			}
			errs := together(len(resets), func(i int) error {
				if i%2 == 0 {
					return c.ReplacePassword(c.ctx, *resets[i].Password)
				}
				return c.RedeemCode(c.ctx, resets[i])
			})
			won := resets[c.oneWinner(errs, identity.ErrCodeSpent, identity.ErrConflict)]
			u.PasswordHash, u.PasswordChangedAt = won.Password.NewHash, won.Now
			c.wantUser("the winner's hash", u)
		}},
	}
}
