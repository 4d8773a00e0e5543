package storagetest

import (
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

func releaseCases() []Case {
	return []Case{
		{"ReleaseAttempt/GivesBack", "an overload must not use up the person's attempt or the number's budget", func(c *check) {
			code := c.issue(c.code(number, phone))
			limits := []limit.Limit{perHour("number", 2), perHour("all", 3)}
			for range 2 {
				_, err := c.ChargeAttempt(c.ctx, identity.Attempt{Now: c.now, Binding: code.Binding, NumberKey: code.NumberKey, Charges: limits})
				c.ok("ChargeAttempt", err)
			}
			c.ok("ReleaseAttempt", c.ReleaseAttempt(c.ctx, identity.Release{Now: c.now, CodeIDs: []string{code.ID}, Changes: refunds(c.now, limits...)}))
			want := code
			want.Attempts = 2
			c.equal("two guesses, one given back, one more", c.charge(code, c.now), []identity.VerifyCode{want})
			c.wantRoom("two guesses, one given back", limits[0], c.now, 1)
			c.wantRoom("two guesses, one given back", limits[1], c.now, 2)
		}},
		{"ReleaseAttempt/LastAttempt", "the right guess may be the last attempt: after its release, it must find the code again", func(c *check) {
			code := c.code(number, phone)
			code.MaxAttempts = 1
			c.issue(code)
			c.wantLive("the only attempt", code, c.now, code)
			c.ok("ReleaseAttempt", c.ReleaseAttempt(c.ctx, identity.Release{Now: c.now, CodeIDs: []string{code.ID}}))
			c.wantLive("given back", code, c.now, code)
			c.wantLive("used up again", code, c.now)
		}},
		{"ReleaseAttempt/NotBelowZero", "an attempt count below zero would allow guesses beyond MaxAttempts", func(c *check) {
			code := c.code(number, phone)
			code.MaxAttempts = 2
			c.issue(code)
			for range 3 {
				c.ok("ReleaseAttempt", c.ReleaseAttempt(c.ctx, identity.Release{Now: c.now, CodeIDs: []string{code.ID}}))
			}
			for range code.MaxAttempts {
				c.wantLive("an attempt", code, c.now, code)
			}
			c.wantLive("one guess too many", code, c.now)
		}},
		{"ReleaseAttempt/GoneCodes", "a code that is gone, used or ended stays so, and does not stop the release of the others", func(c *check) {
			used, ended, live, one := c.issue(c.code(number, phone)), c.issue(c.code(number, tablet)), c.issue(c.code(otherNumber, phone)), perHour(anyKey, 1)
			c.wantLive("a guess", live, c.now, live)
			c.spend(c.now, one)
			r := c.redemption(used, identity.User{}, "")
			r.Password = nil
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			release := identity.Release{
				Now: c.now, CodeIDs: []string{c.id(), used.ID, ended.ID, live.ID}, Changes: refunds(c.now, perHour("never spent", 1), one),
			}
			c.ok("ReleaseAttempt", c.ReleaseAttempt(c.ctx, release))
			c.wantLive("the used code", used, c.now)
			c.wantLive("the ended code", ended, c.now)
			want := live
			want.Attempts = 1
			c.equal("the live code, one given back, one more", c.charge(live, c.now), []identity.VerifyCode{want})
			c.wantRoom("the refund", one, c.now, 1)
			c.wantRoom("the limit never spent", perHour("never spent", 1), c.now, 1)
			c.ok("ReleaseAttempt of nothing", c.ReleaseAttempt(c.ctx, identity.Release{Now: c.now}))
		}},
		{"ReleaseAttempt/AllChanges", "a release may also clear and remember: each change must reach its key", func(c *check) {
			refunded, cleared, kept, known := perHour("refunded", 2), perHour("cleared", 2), perHour("kept", 2), deviceLimit(7)
			c.spend(c.now, refunded, cleared, kept)
			changes := append(append(refunds(c.now, refunded), clears(cleared)...), remembers(known)...)
			c.ok("ReleaseAttempt", c.ReleaseAttempt(c.ctx, identity.Release{Now: c.now, Changes: changes}))
			c.wantRoom("refunded", refunded, c.now, 2)
			c.wantRoom("cleared", cleared, c.now, 2)
			c.wantRoom("neither", kept, c.now, 1)
			c.equal("the remembered device is known", c.spend(c.now, known)[0].Known, true)
		}},
		{"ReleaseAttempt/OnlyThatInstant", "a refund removes the event that it names: any other refund would reduce another person's count", func(c *check) {
			one, later := perHour(anyKey, 3), c.now.Add(time.Minute)
			c.spend(c.now, one)
			c.spend(later, one)
			refund := func(at time.Time) {
				c.ok("ReleaseAttempt", c.ReleaseAttempt(c.ctx, identity.Release{Now: at, Changes: refunds(at, one)}))
			}
			refund(c.now.Add(time.Second))
			refund(c.now)
			refund(c.now)
			c.wantRoom("one of two given back", one, c.now.Add(30*time.Minute), 2)
			// The event left is the later one: an hour after the first, it still counts.
			c.wantRoom("the earlier one given back", one, c.now.Add(time.Hour), 0)
		}},
		{"ReleaseAttempt/Concurrent", "releases and guesses at the same time must not lose each other's counts", func(c *check) {
			code := c.code(number, phone)
			code.MaxAttempts = 100
			c.issue(code)
			one := perHour("number", 100)
			spend := func() error {
				_, err := c.ChargeAttempt(c.ctx, identity.Attempt{Now: c.now, Binding: code.Binding, NumberKey: code.NumberKey, Charges: []limit.Limit{one}})
				return err
			}
			for range 20 {
				c.ok("ChargeAttempt", spend())
			}
			errs := together(40, func(i int) error {
				if i%2 == 0 {
					return spend()
				}
				return c.ReleaseAttempt(c.ctx, identity.Release{Now: c.now, CodeIDs: []string{code.ID}, Changes: refunds(c.now, one)})
			})
			c.equal("the calls that passed", len(c.winners(errs)), 40)
			want := code
			want.Attempts = 21
			c.equal("20 guesses, 20 more and 20 given back, one more", c.charge(code, c.now), []identity.VerifyCode{want})
			c.wantRoom("20 guesses, 20 more and 20 given back", one, c.now, 80)
		}},
	}
}
