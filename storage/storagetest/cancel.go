package storagetest

import (
	"context"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

const whyCancelled = "a client that went away must neither be waited for nor leave half a step behind"

// cancelCases has a case for every method of the port but those of Users.
func cancelCases() []Case {
	calls := []struct {
		method string
		call   func(ctx context.Context, c *check, sc *scene) error
	}{
		{"UserByID", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.UserByID(ctx, sc.user.Tenant, sc.user.ID)
			return err
		}},
		{"ListUsers", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.ListUsers(ctx, sc.user.Tenant, "", 10)
			return err
		}},
		{"DeleteUser", func(ctx context.Context, c *check, sc *scene) error {
			return c.DeleteUser(ctx, sc.user.Tenant, sc.user.ID)
		}},
		{"CreateClient", func(ctx context.Context, c *check, _ *scene) error {
			return c.CreateClient(ctx, identity.Client{ID: "another", CreatedAt: c.now})
		}},
		{"ClientByID", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.ClientByID(ctx, sc.client.ID)
			return err
		}},
		{"SetClientDisabled", func(ctx context.Context, c *check, sc *scene) error {
			return c.SetClientDisabled(ctx, sc.client.ID, true)
		}},
		{"ListClients", func(ctx context.Context, c *check, _ *scene) error {
			_, err := c.ListClients(ctx, "", 10)
			return err
		}},
		{"DeleteClient", func(ctx context.Context, c *check, sc *scene) error {
			return c.DeleteClient(ctx, sc.client.ID)
		}},
		{"IssueCode", func(ctx context.Context, c *check, sc *scene) error {
			issue := c.issueOf(c.code(number, phone))
			issue.Charges, issue.KeepLive = []limit.Limit{sc.limit}, 1
			_, err := c.IssueCode(ctx, issue)
			return err
		}},
		{"ChargeAttempt", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.ChargeAttempt(ctx, identity.Attempt{Now: c.now, Binding: sc.code.Binding, NumberKey: sc.code.NumberKey, Charges: []limit.Limit{sc.limit}})
			return err
		}},
		{"ReleaseAttempt", func(ctx context.Context, c *check, sc *scene) error {
			return c.ReleaseAttempt(ctx, identity.Release{Now: c.now, CodeIDs: []string{sc.code.ID}, Changes: refunds(c.now, sc.limit)})
		}},
		{"RedeemCode", func(ctx context.Context, c *check, sc *scene) error {
			r := c.redemption(sc.code, sc.user, phc("new"))
			r.Changes = refunds(c.now, sc.limit)
			return c.RedeemCode(ctx, r)
		}},
		{"Spend", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.Spend(ctx, []limit.Limit{sc.limit}, c.now)
			return err
		}},
		{"LimitStates", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.LimitStates(ctx, []limit.Key{sc.limit.Key})
			return err
		}},
		{"ChangeLimits", func(ctx context.Context, c *check, sc *scene) error {
			return c.ChangeLimits(ctx, clears(sc.limit), c.now)
		}},
		{"Purge", func(ctx context.Context, c *check, sc *scene) error {
			later := c.now.AddDate(1, 0, 0)
			_, err := c.Purge(ctx, identity.Purge{Now: later, MessagesBefore: later, EventsBefore: later, Max: 100})
			return err
		}},
		{"LeaseMessages", func(ctx context.Context, c *check, _ *scene) error {
			_, err := c.LeaseMessages(ctx, leaseOf("other", c.now))
			return err
		}},
		{"FinishMessages", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.FinishMessages(ctx, []outbox.Result{{ID: sc.leased.ID, LeaseToken: sceneLease, State: outbox.Dead, Now: c.now}})
			return err
		}},
		{"Backlog", func(ctx context.Context, c *check, _ *scene) error {
			_, err := c.Backlog(ctx)
			return err
		}},
		{"RecordReceipt", func(ctx context.Context, c *check, _ *scene) error {
			return c.RecordReceipt(ctx, sms.DeliveryReceipt{Provider: "webhook", Ref: "ref", State: sms.ReceiptFailed, At: c.now})
		}},
		{"MessageStates", func(ctx context.Context, c *check, _ *scene) error {
			_, err := c.MessageStates(ctx, "", 10)
			return err
		}},
		{"AppendEvent", func(ctx context.Context, c *check, _ *scene) error {
			return c.AppendEvent(ctx, c.event(), []outbox.Message{c.message()})
		}},
		{"Events", func(ctx context.Context, c *check, _ *scene) error {
			_, err := c.Events(ctx, audit.Query{Max: 10})
			return err
		}},
	}
	cases := make([]Case, 0, len(calls))
	for _, call := range calls {
		cases = append(cases, Case{call.method + "/Cancelled", whyCancelled, func(c *check) {
			ctx, cancel := context.WithCancel(c.ctx)
			cancel()
			c.unchangedBy("after a cancelled "+call.method, func(sc *scene) error {
				return call.call(ctx, c, sc)
			}, func(err error) { c.is(call.method, err, context.Canceled) })
		}})
	}
	return append(cases, Case{"Context/Deadline", "the error of an expired deadline must differ from a failure of the database", func(c *check) {
		ctx, cancel := context.WithDeadline(c.ctx, time.Unix(0, 0))
		defer cancel()
		_, err := c.ClientByID(ctx, "app")
		c.is("ClientByID", err, context.DeadlineExceeded)
		_, err = c.Spend(ctx, []limit.Limit{perHour(anyKey, 1)}, c.now)
		c.is("Spend", err, context.DeadlineExceeded)
		c.wantRoom("after the deadline", perHour(anyKey, 1), c.now, 1)
	}})
}

// userCancelCases has a case for every method of Users.
func userCancelCases() []Case {
	changeOf := func(u identity.User) identity.PasswordChange {
		return identity.PasswordChange{Tenant: u.Tenant, UserID: u.ID, OldHash: u.PasswordHash, NewHash: phc("new"), KeepHistory: 3}
	}
	calls := []struct {
		method string
		call   func(ctx context.Context, c *check, u identity.User) error
	}{
		{"CreateUser", func(ctx context.Context, c *check, _ identity.User) error {
			return c.CreateUser(ctx, c.user(otherNumber))
		}},
		{"UserByMobile", func(ctx context.Context, c *check, u identity.User) error {
			_, err := c.UserByMobile(ctx, u.Tenant, u.Mobile)
			return err
		}},
		{"UpdateUser", func(ctx context.Context, c *check, u identity.User) error {
			return c.UpdateUser(ctx, identity.UserChange{Tenant: u.Tenant, ID: u.ID, Disabled: new(true)})
		}},
		{"ReplacePassword", func(ctx context.Context, c *check, u identity.User) error {
			return c.ReplacePassword(ctx, changeOf(u))
		}},
		{"PasswordHistory", func(ctx context.Context, c *check, u identity.User) error {
			_, err := c.PasswordHistory(ctx, u.Tenant, u.ID, 10)
			return err
		}},
	}
	cases := make([]Case, 0, len(calls))
	for _, call := range calls {
		cases = append(cases, Case{call.method + "/Cancelled", whyCancelled, func(c *check) {
			u := c.createUser(c.user(number))
			ctx, cancel := context.WithCancel(c.ctx)
			cancel()
			c.is(call.method, call.call(ctx, c, u), context.Canceled)
			what := "after a cancelled " + call.method
			c.wantUser(what, u)
			c.wantHistory(what, u)
			_, err := c.UserByMobile(c.ctx, u.Tenant, otherNumber)
			c.is(what+": UserByMobile of a number without a user", err, identity.ErrNotFound)
		}})
	}
	return append(cases, Case{"Context/UsersDeadline", "the error of an expired deadline must differ from a failure of the database, and from a missing user", func(c *check) {
		ctx, cancel := context.WithDeadline(c.ctx, time.Unix(0, 0))
		defer cancel()
		_, err := c.UserByMobile(ctx, "acme", number)
		c.is("UserByMobile", err, context.DeadlineExceeded)
	}})
}
