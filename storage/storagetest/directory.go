package storagetest

import (
	"fmt"
	"slices"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
)

func directoryCases() []Case {
	return []Case{
		{"UserByID/Finds", "an operator who looks up a person must see the same user as the reset", func(c *check) {
			u := c.createUser(c.user(number))
			off := c.user(otherNumber)
			off.Disabled, off.Tenant = true, ""
			c.createUser(off)
			for _, want := range []identity.User{u, off} {
				got, err := c.UserByID(c.ctx, want.Tenant, want.ID)
				c.ok("UserByID", err)
				c.equal("the stored user", got, want)
			}
		}},
		{"UserByID/Missing", "knowing an id must not let an operator of one tenant see a user of another tenant", func(c *check) {
			u := c.createUser(c.user(number))
			for _, q := range [][2]string{{u.Tenant, c.id()}, {"globex", u.ID}, {"", u.ID}, {u.Tenant, ""}, {u.Tenant, number}} {
				got, err := c.UserByID(c.ctx, q[0], q[1])
				c.is(fmt.Sprintf("UserByID(%q)", q), err, identity.ErrNotFound)
				c.equal("the user returned with an error", got, identity.User{})
			}
		}},
		{"ListUsers/Pages", "an export by id must contain each person of the tenant once, and no person of another tenant", func(c *check) {
			var users []identity.User
			for i := range 5 {
				users = append(users, c.user(fmt.Sprintf("+861380000000%d", 9-i)))
			}
			users[2].Disabled = true
			foreign := c.user("+8613800000005")
			foreign.Tenant = "globex"
			users = slices.Insert(users, 5, c.user("+8613800000004"))
			for _, i := range []int{3, 0, 5, 4, 2, 1} {
				c.createUser(users[i])
			}
			c.createUser(foreign)
			page := func(tenant, after string, n int, want ...identity.User) {
				c.TB.Helper()
				got, err := c.ListUsers(c.ctx, tenant, after, n)
				c.ok("ListUsers", err)
				c.equal(fmt.Sprintf("at most %d of tenant %q after %q", n, tenant, after), got, want)
			}
			page("acme", "", 10, users...)
			page("acme", "", 2, users[:2]...)
			page("acme", users[1].ID, 2, users[2:4]...)
			page("acme", users[4].ID, 10, users[5])
			page("acme", users[5].ID, 10)
			page("acme", "", 0)
			page("acme", "", -1)
			page("globex", "", 10, foreign)
			page("", "", 10)
		}},
		{"DeleteUser/Erases", "a person who asks to be erased must be erased: the number is free again, and no hash is left", func(c *check) {
			u, other := c.createUser(c.user(number)), c.createUser(c.user(otherNumber))
			change := identity.PasswordChange{Tenant: u.Tenant, UserID: u.ID, OldHash: u.PasswordHash, NewHash: phc("new"), ChangedAt: c.now, KeepHistory: 3}
			c.ok("ReplacePassword", c.ReplacePassword(c.ctx, change))
			c.ok("DeleteUser", c.DeleteUser(c.ctx, u.Tenant, u.ID))
			_, err := c.UserByMobile(c.ctx, u.Tenant, number)
			c.is("UserByMobile", err, identity.ErrNotFound)
			_, err = c.UserByID(c.ctx, u.Tenant, u.ID)
			c.is("UserByID", err, identity.ErrNotFound)
			c.wantHistory("after the erasure", u)
			c.is("DeleteUser again", c.DeleteUser(c.ctx, u.Tenant, u.ID), identity.ErrNotFound)
			c.wantUser("the other user", other)
			list, err := c.ListUsers(c.ctx, u.Tenant, "", 10)
			c.ok("ListUsers", err)
			c.equal("the users left", list, []identity.User{other})
			// The same id and number again: nothing of the person before.
			c.wantUser("created again", c.createUser(u))
			c.wantHistory("created again", u)
		}},
		{"DeleteUser/Events", "the trail keeps the event and the id, and nothing that identifies the person", func(c *check) {
			u, other := c.createUser(c.user(number)), c.createUser(c.user(otherNumber))
			var want []audit.Event
			for _, of := range [][2]string{{u.Tenant, u.ID}, {other.Tenant, other.ID}, {"globex", u.ID}, {u.Tenant, ""}, {u.Tenant, u.ID}} {
				e := c.event()
				e.Tenant, e.UserID = of[0], of[1]
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e, nil))
				if of == [2]string{u.Tenant, u.ID} {
					e.Mobile, e.Address, e.ClaimedAddress, e.Device, e.OSVersion, e.Agent = "", "", "", "", "", ""
				}
				want = append(want, e)
			}
			c.ok("DeleteUser", c.DeleteUser(c.ctx, u.Tenant, u.ID))
			c.equal("the events", c.events(), want)
		}},
		{"DeleteUser/Missing", "knowing an id must not let an operator of one tenant erase a user of another tenant, or empty the trail", func(c *check) {
			c.unchangedBy("after erasures of missing users", func(sc *scene) error {
				e := c.event()
				e.UserID = sc.user.ID
				err := c.DeleteUser(c.ctx, "globex", sc.user.ID)
				c.is("DeleteUser of another tenant's user", err, identity.ErrNotFound)
				return c.DeleteUser(c.ctx, sc.user.Tenant, c.id())
			}, func(err error) { c.is("DeleteUser", err, identity.ErrNotFound) })
		}},
		{"DeleteUser/Concurrent", "after a reset and an erasure at the same time the person must be gone, no matter which came first", func(c *check) {
			for i := range 10 {
				u := c.createUser(c.user(fmt.Sprintf("+86138000002%02d", i)))
				r := c.redemption(c.issue(c.code(u.Mobile, phone)), u, phc("new"))
				errs := together(2, func(i int) error {
					if i == 0 {
						return c.DeleteUser(c.ctx, u.Tenant, u.ID)
					}
					return c.RedeemCode(c.ctx, r)
				})
				c.ok("DeleteUser", errs[0])
				c.winners(errs, identity.ErrNotFound)
				_, err := c.UserByMobile(c.ctx, u.Tenant, u.Mobile)
				c.is("UserByMobile", err, identity.ErrNotFound)
				c.wantHistory("after the erasure", u)
			}
		}},
	}
}
