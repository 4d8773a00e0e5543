package storagetest

import (
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

func userCases() []Case {
	return []Case{
		{"CreateUser/RoundTrip", "a field that is lost or changed disables, unverifies or locks out a person", func(c *check) {
			c.wantUser("created", c.createUser(c.user(number)))
			u := c.user(otherNumber)
			u.Tenant, u.Disabled, u.VerifiedAt, u.PasswordChangedAt, u.PasswordHash = "", true, time.Time{}, time.Time{}, ""
			c.wantUser("disabled, without tenant, verification or password", c.createUser(u))
		}},
		{"CreateUser/IDTaken", "a second user with the same id would take over or overwrite the first", func(c *check) {
			u := c.createUser(c.user(number))
			for _, tenant := range []string{u.Tenant, "globex"} {
				dup := c.user(otherNumber)
				dup.ID, dup.Tenant, dup.PasswordHash = u.ID, tenant, phc("other")
				c.is("CreateUser with the id of another", c.CreateUser(c.ctx, dup), identity.ErrAlreadyExists)
				_, err := c.UserByMobile(c.ctx, tenant, otherNumber)
				c.is("UserByMobile of the refused user", err, identity.ErrNotFound)
			}
			c.wantUser("after the refusals", u)
		}},
		{"CreateUser/NumberTaken", "with two accounts for one number in a tenant, the reset would have to pick one", func(c *check) {
			u := c.createUser(c.user(number))
			dup := c.user(number)
			dup.PasswordHash = phc("other")
			c.is("CreateUser with the number of another", c.CreateUser(c.ctx, dup), identity.ErrAlreadyExists)
			c.wantUser("after the refusal", u)
			err := c.UpdateUser(c.ctx, identity.UserChange{Tenant: dup.Tenant, ID: dup.ID, Disabled: new(true)})
			c.is("UpdateUser of the refused user", err, identity.ErrNotFound)
		}},
		{"CreateUser/NumberInAnotherTenant", "tenants must not see, block or find each other's users", func(c *check) {
			var users []identity.User
			for _, tenant := range []string{"acme", "globex", ""} {
				u := c.user(number)
				u.Tenant = tenant
				users = append(users, c.createUser(u))
			}
			for _, u := range users {
				c.wantUser(fmt.Sprintf("tenant %q", u.Tenant), u)
			}
		}},
		{"CreateUser/Concurrent", "a check before the insert lets two sign-ups with one number through", func(c *check) {
			users := make([]identity.User, 60)
			for i := range users {
				users[i] = c.user(number)
				users[i].PasswordHash = phc(fmt.Sprint(i))
			}
			errs := together(len(users), func(i int) error { return c.CreateUser(c.ctx, users[i]) })
			c.wantUser("the winner", users[c.oneWinner(errs, identity.ErrAlreadyExists)])
		}},
		{"UserByMobile/Missing", "a missing user must differ from a failing database, or an outage looks like an unknown number", func(c *check) {
			u := c.createUser(c.user(number))
			for _, q := range [][2]string{{u.Tenant, otherNumber}, {"globex", number}, {"", number}, {u.Tenant, ""}} {
				got, err := c.UserByMobile(c.ctx, q[0], q[1])
				c.is(fmt.Sprintf("UserByMobile(%q)", q), err, identity.ErrNotFound)
				c.equal("the user returned with an error", got, identity.User{})
			}
		}},
		{"UpdateUser/Fields", "a nil field means that the field stays: an operator who disables a person must not change the number", func(c *check) {
			u := c.createUser(c.user(number))
			change := func(what string, f func(*identity.UserChange)) {
				uc := identity.UserChange{Tenant: u.Tenant, ID: u.ID}
				f(&uc)
				for range 2 { // repeated: the same result
					c.ok("UpdateUser: "+what, c.UpdateUser(c.ctx, uc))
					c.wantUser(what, u)
				}
			}
			change("nothing", func(*identity.UserChange) {})
			u.Disabled = true
			change("disabled", func(uc *identity.UserChange) { uc.Disabled = new(true) })
			u.Disabled = false
			change("enabled", func(uc *identity.UserChange) { uc.Disabled = new(false) })
			u.VerifiedAt = c.now
			change("verified", func(uc *identity.UserChange) { uc.VerifiedAt = new(c.now) })
			u.VerifiedAt = time.Time{}
			change("not verified", func(uc *identity.UserChange) { uc.VerifiedAt = new(time.Time{}) })
			u.Mobile = otherNumber
			change("number", func(uc *identity.UserChange) { uc.Mobile = new(otherNumber) })
			_, err := c.UserByMobile(c.ctx, u.Tenant, number)
			c.is("UserByMobile of the number given up", err, identity.ErrNotFound)
			c.wantUser("another user with the number given up", c.createUser(c.user(number)))
		}},
		{"UpdateUser/OnlyOne", "a change without its condition would disable all users", func(c *check) {
			u, other := c.createUser(c.user(number)), c.createUser(c.user(otherNumber))
			c.ok("UpdateUser", c.UpdateUser(c.ctx, identity.UserChange{Tenant: u.Tenant, ID: u.ID, Disabled: new(true)}))
			c.wantUser("the other user", other)
		}},
		{"UpdateUser/Missing", "knowing an id must not let an operator of one tenant change a user of another tenant", func(c *check) {
			u := c.createUser(c.user(number))
			err := c.UpdateUser(c.ctx, identity.UserChange{Tenant: u.Tenant, ID: c.id(), Disabled: new(true)})
			c.is("UpdateUser of an unknown id", err, identity.ErrNotFound)
			err = c.UpdateUser(c.ctx, identity.UserChange{Tenant: "globex", ID: u.ID, Disabled: new(true)})
			c.is("UpdateUser of another tenant's user", err, identity.ErrNotFound)
			c.wantUser("after the refusals", u)
		}},
		{"UpdateUser/NumberTaken", "if a number could move to a second account, its holder could open both accounts", func(c *check) {
			u, other := c.createUser(c.user(number)), c.createUser(c.user(otherNumber))
			err := c.UpdateUser(c.ctx, identity.UserChange{Tenant: u.Tenant, ID: u.ID, Mobile: new(otherNumber), Disabled: new(true)})
			c.is("UpdateUser to the number of another", err, identity.ErrAlreadyExists)
			c.wantUser("the user refused", u)
			c.wantUser("the holder", other)
		}},
		{"UpdateUser/Concurrent", "two people who claim one number at the same time must not both get it", func(c *check) {
			users := make([]identity.User, 30)
			for i := range users {
				users[i] = c.createUser(c.user(fmt.Sprintf("+86138000000%02d", i)))
			}
			errs := together(len(users), func(i int) error {
				return c.UpdateUser(c.ctx, identity.UserChange{Tenant: users[i].Tenant, ID: users[i].ID, Mobile: new(number)})
			})
			winner := users[c.oneWinner(errs, identity.ErrAlreadyExists)]
			winner.Mobile = number
			c.wantUser("the winner", winner)
		}},
	}
}
