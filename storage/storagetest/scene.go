package storagetest

import (
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// scene is a store that holds something of each kind, to check that a failed call has
// changed nothing.
type scene struct {
	user    identity.User
	client  identity.Client
	code    identity.VerifyCode // live, no attempts
	sibling identity.VerifyCode // live, same number, another device
	limit   limit.Limit         // room for 3, one of them used at c.now
	leased  outbox.Message
	now     time.Time // the time at which wantUnchanged checks
}

const sceneLease = "lease of the scene"

func (c *check) newScene() *scene {
	c.TB.Helper()
	sc := &scene{limit: perHour("scene", 3), now: c.now.Add(time.Minute)}
	u := c.createUser(c.user(number))
	change := identity.PasswordChange{
		Tenant: u.Tenant, UserID: u.ID, OldHash: u.PasswordHash, NewHash: phc("present"), ChangedAt: c.now, KeepHistory: 3,
	}
	c.ok("ReplacePassword", c.ReplacePassword(c.ctx, change))
	u.PasswordHash, u.PasswordChangedAt = change.NewHash, c.now
	sc.user = u
	sc.client = identity.Client{ID: "app", Name: "App", Tenant: "acme", CreatedAt: c.now}
	c.ok("CreateClient", c.CreateClient(c.ctx, sc.client))

	sc.leased = c.message()
	sc.leased.NextAt = c.now.Add(-time.Second)
	c.enqueue(sc.leased)
	lease := leaseOf(sceneLease, c.now)
	lease.Until = c.now.Add(time.Hour)
	leased, err := c.LeaseMessages(c.ctx, lease)
	c.ok("LeaseMessages", err)
	c.equal("LeaseMessages", messageIDs(leased), []string{sc.leased.ID})
	sc.leased = leased[0]

	sc.code = c.code(number, phone)
	issue := c.issueOf(sc.code)
	issue.Charges = []limit.Limit{sc.limit}
	_, err = c.IssueCode(c.ctx, issue)
	c.ok("IssueCode", err)
	sc.sibling = c.issue(c.code(number, tablet))
	return sc
}

// wantUnchanged ends the case unless everything is as newScene left it. Call it last,
// because it redeems the code.
func (c *check) wantUnchanged(what string, sc *scene, events []audit.Event, messages []outbox.Message) {
	c.TB.Helper()
	c.wantUser(what, sc.user)
	c.wantHistory(what, sc.user, phc("old"))
	_, err := c.UserByMobile(c.ctx, sc.user.Tenant, otherNumber)
	c.is(what+": UserByMobile of a number without a user", err, identity.ErrNotFound)
	client, err := c.ClientByID(c.ctx, sc.client.ID)
	c.ok(what+": ClientByID", err)
	c.equal(what+": the stored client", client, sc.client)
	_, err = c.ClientByID(c.ctx, "another")
	c.is(what+": ClientByID of an unregistered client", err, identity.ErrNotFound)
	_, err = c.UserByID(c.ctx, sc.user.Tenant, sc.user.ID)
	c.ok(what+": UserByID", err)
	c.equal(what+": the events", c.events(), events)
	c.equal(what+": the messages", c.messages(), messages)
	c.wantRoom(what, sc.limit, sc.now, 2)
	for _, code := range []identity.VerifyCode{sc.code, sc.sibling} {
		want := code
		want.Attempts = 1
		c.equal(what+": a live code after one guess", c.charge(code, sc.now), []identity.VerifyCode{want})
	}
	r := c.redemption(sc.code, sc.user, phc("new"))
	r.Password = nil
	c.ok(what+": RedeemCode of the live code", c.RedeemCode(c.ctx, r))
}

// unchangedBy ends the case if f changes anything in a scene.
func (c *check) unchangedBy(what string, f func(*scene) error, wantErr func(error)) {
	c.TB.Helper()
	sc := c.newScene()
	events, messages := c.events(), c.messages()
	wantErr(f(sc))
	c.wantUnchanged(what, sc, events, messages)
}
