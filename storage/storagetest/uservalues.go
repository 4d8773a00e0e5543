package storagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

func userStringCases() []Case {
	return []Case{
		{"Strings/Tenants", "if a store confuses two tenants, they see each other's users", func(c *check) {
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
		{"Strings/UserIDs", "an application's ids are any strings: if a store confuses two ids, two people share one account", func(c *check) {
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
	}
}

func userTimeCases() []Case {
	return []Case{
		{"Times/UserZones", "a time in another zone is the same instant: a store that keeps the wall clock ends sessions hours late", func(c *check) {
			u := c.user(number)
			local := u
			local.VerifiedAt, local.PasswordChangedAt, local.CreatedAt = u.VerifiedAt.In(zone), u.PasswordChangedAt.In(zone), u.CreatedAt.In(zone)
			c.createUser(local)
			c.wantUser("created in another zone", u)
		}},
		{"Times/UserMilliseconds", "a time that comes back finer or coarser than a millisecond does not equal itself", func(c *check) {
			base := time.Date(2024, time.March, 1, 0, 0, 0, 0, time.UTC)
			for i, nanos := range subMillis {
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
			}
		}},
		{"Times/UserRange", "the zero time means never, and no other time may come back as the zero time", func(c *check) {
			for i, at := range farTimes() {
				u := c.user(fmt.Sprintf("+861380000%04d", i))
				u.VerifiedAt, u.PasswordChangedAt, u.CreatedAt = at, at, at
				c.createUser(u)
				c.wantUser("at "+at.Format(time.RFC3339Nano), u)
			}
		}},
	}
}
