package storagetest

import (
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// judgedCases are about what may have changed between the judgement of a reset and
// its commit.
func judgedCases() []Case {
	// full is a redemption of everything that the scene's code could do.
	full := func(c *check, sc *scene) identity.Redemption {
		r := c.redemption(sc.code, sc.user, phc("new"))
		r.ClientID, r.Password.Mobile = sc.client.ID, sc.user.Mobile
		r.User = &identity.UserChange{Tenant: sc.user.Tenant, ID: sc.user.ID, VerifiedAt: new(r.Now)}
		r.Changes = append(refunds(c.now, sc.limit), clears(sc.limit)...)
		return r
	}
	// refusedBy is a case in which the redemption must be a conflict.
	refusedBy := func(what string, spoil func(*check, *scene, *identity.Redemption)) func(*check) {
		return func(c *check) {
			c.unchangedBy(what, func(sc *scene) error {
				r := full(c, sc)
				spoil(c, sc, &r)
				return c.RedeemCode(c.ctx, r)
			}, func(err error) { c.is("RedeemCode", err, identity.ErrConflict) })
		}
	}
	update := func(c *check, sc *scene, change identity.UserChange) {
		c.TB.Helper()
		change.Tenant, change.ID = sc.user.Tenant, sc.user.ID
		c.ok("UpdateUser", c.UpdateUser(c.ctx, change))
	}
	return []Case{
		{"RedeemCode/AsJudged", "a reset that meets all conditions must succeed, or no reset ever does", func(c *check) {
			sc := c.newScene()
			r := full(c, sc)
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			u := sc.user
			u.PasswordHash, u.PasswordChangedAt, u.VerifiedAt = phc("new"), r.Now, r.Now
			c.wantUser("after the reset", u)
			c.wantRoom("cleared", sc.limit, r.Now, 3)
		}},
		{"RedeemCode/ClientDisabled", "an application that is stopped while a password is hashed must not finish one more reset", refusedBy("after a disabled client", func(c *check, sc *scene, _ *identity.Redemption) {
			sc.client.Disabled = true
			c.ok("SetClientDisabled", c.SetClientDisabled(c.ctx, sc.client.ID, true))
		})},
		{"RedeemCode/ClientGone", "an application that is removed must not finish one more reset", refusedBy("after a missing client", func(_ *check, _ *scene, r *identity.Redemption) {
			r.ClientID = "gone"
		})},
		{"RedeemCode/UserDisabled", "a person disabled while the password is hashed must not get a new password", refusedBy("after a disabled user", func(c *check, sc *scene, _ *identity.Redemption) {
			sc.user.Disabled = true
			update(c, sc, identity.UserChange{Disabled: new(true)})
		})},
		{"RedeemCode/UserUnverified", "a number that is no longer verified must not reset the password", refusedBy("after an unverified user", func(c *check, sc *scene, _ *identity.Redemption) {
			sc.user.VerifiedAt = time.Time{}
			update(c, sc, identity.UserChange{VerifiedAt: new(time.Time{})})
		})},
		{"RedeemCode/NumberMoved", "if a code still worked after its number moved, the number's next holder would get the account", refusedBy("after a moved number", func(c *check, sc *scene, _ *identity.Redemption) {
			sc.user.Mobile = "+8612345678903"
			update(c, sc, identity.UserChange{Mobile: new(sc.user.Mobile)})
		})},
		{"RedeemCode/HashChanged", "if the password was changed meanwhile, the newer password stays and the older reset is refused", refusedBy("after a changed hash", func(_ *check, _ *scene, r *identity.Redemption) {
			r.Password.OldHash = phc("judged before")
		})},
		{"RedeemCode/NoConditions", "without a client and a number as conditions, only the hash is compared: a rehash and external users must pass", func(c *check) {
			sc := c.newScene()
			c.ok("SetClientDisabled", c.SetClientDisabled(c.ctx, sc.client.ID, true))
			update(c, sc, identity.UserChange{Disabled: new(true), VerifiedAt: new(time.Time{})})
			c.ok("RedeemCode", c.RedeemCode(c.ctx, c.redemption(sc.code, sc.user, phc("new"))))
		}},
		{"RedeemCode/SetsNumber", "binding a number and using its code are one step: a crash in between would use up the code without an effect", func(c *check) {
			u, other := c.createUser(c.user(number)), c.createUser(c.user("+8612345678904"))
			code := c.issue(c.code(otherNumber, phone))
			r := c.redemption(code, u, "")
			r.Password = nil
			r.User = &identity.UserChange{Tenant: u.Tenant, ID: u.ID, Mobile: new(otherNumber), VerifiedAt: new(r.Now)}
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			u.Mobile, u.VerifiedAt = otherNumber, r.Now
			c.wantUser("after the change", u)
			c.wantUser("another user", other)
			_, err := c.UserByMobile(c.ctx, u.Tenant, number)
			c.is("UserByMobile of the number given up", err, identity.ErrNotFound)
			c.is("RedeemCode again", c.RedeemCode(c.ctx, r), identity.ErrCodeSpent)
		}},
		{"RedeemCode/NumberTaken", "if another person bound the number meanwhile, the call is refused and the code is not used up", func(c *check) {
			c.unchangedBy("after a taken number", func(sc *scene) error {
				other := c.createUser(c.user("+8612345678905"))
				r := full(c, sc)
				r.User.Mobile = new(other.Mobile)
				return c.RedeemCode(c.ctx, r)
			}, func(err error) { c.is("RedeemCode", err, identity.ErrAlreadyExists) })
		}},
		{"RedeemCode/ChangedUserGone", "binding a number must not succeed for a user who is gone or belongs to another tenant", func(c *check) {
			c.unchangedBy("without the user", func(sc *scene) error {
				r := full(c, sc)
				r.Password, r.User.Tenant = nil, "globex"
				c.is("RedeemCode for another tenant's user", c.RedeemCode(c.ctx, r), identity.ErrNotFound)
				r = full(c, sc)
				r.Password, r.User.ID = nil, c.id()
				return c.RedeemCode(c.ctx, r)
			}, func(err error) { c.is("RedeemCode", err, identity.ErrNotFound) })
		}},
		{"RedeemCode/ConcurrentWithDisable", "if a user is disabled during a reset, the reset fails or came first: it must never succeed after the user was disabled", func(c *check) {
			for i := range 10 {
				u := c.createUser(c.user(fmt.Sprintf("+86138000001%02d", i)))
				code := c.issue(c.code(u.Mobile, phone))
				r := c.redemption(code, u, phc("new"))
				r.Password.Mobile = u.Mobile
				disabled := identity.UserChange{Tenant: u.Tenant, ID: u.ID, Disabled: new(true)}
				errs := together(2, func(i int) error {
					if i == 0 {
						return c.UpdateUser(c.ctx, disabled)
					}
					return c.RedeemCode(c.ctx, r)
				})
				c.ok("UpdateUser", errs[0])
				c.winners(errs, identity.ErrConflict)
				u.Disabled = true
				if errs[1] == nil {
					u.PasswordHash, u.PasswordChangedAt = phc("new"), r.Now
				}
				c.wantUser("after the race", u)
			}
		}},
	}
}
