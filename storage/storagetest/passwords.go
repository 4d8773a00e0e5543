package storagetest

import (
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

func passwordCases() []Case {
	changeOf := func(u identity.User, hash string, at time.Time) identity.PasswordChange {
		return identity.PasswordChange{
			Tenant: u.Tenant, UserID: u.ID, OldHash: u.PasswordHash, NewHash: hash, ChangedAt: at, KeepHistory: 3,
		}
	}
	return []Case{
		{"ReplacePassword/Replaces", "the new password must be stored, and its date must tell which sessions are older", func(c *check) {
			u, other := c.createUser(c.user(number)), c.createUser(c.user(otherNumber))
			c.ok("ReplacePassword", c.ReplacePassword(c.ctx, changeOf(u, phc("new"), c.now)))
			u.PasswordHash, u.PasswordChangedAt = phc("new"), c.now
			c.wantUser("after the change", u)
			c.wantHistory("after the change", u, phc("old"))
			c.wantUser("the other user", other)
			c.wantHistory("the other user", other)
		}},
		{"ReplacePassword/Conflict", "a reset that was checked against an old password must not undo a newer password", func(c *check) {
			u := c.createUser(c.user(number))
			for _, old := range []string{phc("stale"), "", u.PasswordHash + " ", u.PasswordHash[:len(u.PasswordHash)-1]} {
				change := changeOf(u, phc("new"), c.now)
				change.OldHash = old
				c.is("ReplacePassword of another hash", c.ReplacePassword(c.ctx, change), identity.ErrConflict)
			}
			c.wantUser("after the refusals", u)
			c.wantHistory("after the refusals", u)
		}},
		{"ReplacePassword/NumberCondition", "a password must not be set if the number on which the decision was based has moved, is unverified, or its account is disabled", func(c *check) {
			u := c.createUser(c.user(number))
			change := changeOf(u, phc("new"), c.now)
			for _, like := range []string{otherNumber, number + " ", number[1:], number[:len(number)-1]} {
				change.Mobile = like
				c.is("ReplacePassword for number "+like, c.ReplacePassword(c.ctx, change), identity.ErrConflict)
			}
			change.Mobile = number
			set := func(disabled bool, verified time.Time) {
				c.TB.Helper()
				uc := identity.UserChange{Tenant: u.Tenant, ID: u.ID, Disabled: &disabled, VerifiedAt: &verified}
				c.ok("UpdateUser", c.UpdateUser(c.ctx, uc))
				u.Disabled, u.VerifiedAt = disabled, verified
			}
			set(true, c.now)
			c.is("ReplacePassword of a disabled user", c.ReplacePassword(c.ctx, change), identity.ErrConflict)
			set(false, time.Time{})
			c.is("ReplacePassword of an unverified user", c.ReplacePassword(c.ctx, change), identity.ErrConflict)
			c.wantUser("after the refusals", u)
			c.wantHistory("after the refusals", u)
			set(false, c.now)
			c.ok("ReplacePassword of the user as judged", c.ReplacePassword(c.ctx, change))
			set(true, time.Time{})
			free := changeOf(u, phc("free"), c.now)
			free.OldHash = phc("new")
			c.ok("ReplacePassword without the condition", c.ReplacePassword(c.ctx, free))
		}},
		{"ReplacePassword/Missing", "a reset for a user who is gone or belongs to another tenant must not report success, or only a conflict", func(c *check) {
			u := c.createUser(c.user(number))
			change := changeOf(u, phc("new"), c.now)
			change.UserID = c.id()
			c.is("ReplacePassword of an unknown user", c.ReplacePassword(c.ctx, change), identity.ErrNotFound)
			change = changeOf(u, phc("new"), c.now)
			change.Tenant = "globex"
			c.is("ReplacePassword of another tenant's user", c.ReplacePassword(c.ctx, change), identity.ErrNotFound)
			c.wantUser("after the refusals", u)
			c.wantHistory("after the refusals", u)
		}},
		{"ReplacePassword/Rehash", "a new hash of the same password must neither end sessions nor shorten the history", func(c *check) {
			u := c.createUser(c.user(number))
			c.ok("ReplacePassword", c.ReplacePassword(c.ctx, changeOf(u, phc("new"), c.now)))
			u.PasswordHash, u.PasswordChangedAt = phc("new"), c.now
			rehash := changeOf(u, phc("new, hashed anew"), time.Time{})
			rehash.KeepHistory = 0
			c.ok("ReplacePassword by the same password", c.ReplacePassword(c.ctx, rehash))
			u.PasswordHash = rehash.NewHash
			c.wantUser("after the rehash", u)
			c.wantHistory("after the rehash", u, phc("old"))
		}},
		{"ReplacePassword/Concurrent", "after two resets at the same time, the person who was told of success must have the stored password", func(c *check) {
			u := c.createUser(c.user(number))
			errs := together(60, func(i int) error {
				return c.ReplacePassword(c.ctx, changeOf(u, phc(fmt.Sprint(i)), c.now.Add(time.Duration(i)*time.Second)))
			})
			i := c.oneWinner(errs, identity.ErrConflict)
			u.PasswordHash, u.PasswordChangedAt = phc(fmt.Sprint(i)), c.now.Add(time.Duration(i)*time.Second)
			c.wantUser("the winner's hash", u)
			c.wantHistory("after the race", u, phc("old"))
		}},
		{"PasswordHistory/OrderAndTrim", "the rule is about the latest passwords: a wrong order or length refuses the wrong ones", func(c *check) {
			u := c.createUser(c.user(number))
			for i := range 5 {
				next := phc(fmt.Sprint(i))
				// One instant for all: the order is that of the changes, not of a clock.
				c.ok("ReplacePassword", c.ReplacePassword(c.ctx, changeOf(u, next, c.now)))
				u.PasswordHash = next
			}
			c.wantHistory("after five changes, three kept", u, phc("3"), phc("2"), phc("1"))
			for n, want := range [][]string{{}, {phc("3")}, {phc("3"), phc("2")}} {
				got, err := c.PasswordHistory(c.ctx, u.Tenant, u.ID, n)
				c.ok("PasswordHistory", err)
				c.equal(fmt.Sprintf("at most %d", n), got, want)
			}
			shorter := changeOf(u, phc("5"), c.now)
			shorter.KeepHistory = 1
			c.ok("ReplacePassword", c.ReplacePassword(c.ctx, shorter))
			c.wantHistory("one kept", u, phc("4"))
		}},
		{"PasswordHistory/Missing", "a user without history, or of another tenant, has no passwords to compare, and that is not a failure", func(c *check) {
			u := c.createUser(c.user(number))
			c.wantHistory("never changed", u)
			c.ok("ReplacePassword", c.ReplacePassword(c.ctx, changeOf(u, phc("new"), c.now)))
			c.wantHistory("unknown user", identity.User{Tenant: u.Tenant, ID: c.id()})
			c.wantHistory("another tenant's user", identity.User{Tenant: "globex", ID: u.ID})
		}},
	}
}
