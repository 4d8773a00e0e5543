package storagetest

import (
	"context"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/sms"
)

// cancelCases has a case for every method of the port.
func cancelCases() []Case {
	const why = "a client that went away must neither be waited for nor leave half a step behind"
	calls := []struct {
		method string
		call   func(ctx context.Context, c *check, sc *scene) error
	}{
		{"CreateUser", func(ctx context.Context, c *check, _ *scene) error { return c.CreateUser(ctx, c.user(otherNumber)) }},
		{"UserByMobile", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.UserByMobile(ctx, sc.user.Tenant, sc.user.Mobile)
			return err
		}},
		{"UpdateUser", func(ctx context.Context, c *check, sc *scene) error {
			return c.UpdateUser(ctx, identity.UserChange{Tenant: sc.user.Tenant, ID: sc.user.ID, Disabled: new(true)})
		}},
		{"ReplacePassword", func(ctx context.Context, c *check, sc *scene) error {
			return c.ReplacePassword(ctx, *c.redemption(sc.code, sc.user, phc("new")).Password)
		}},
		{"PasswordHistory", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.PasswordHistory(ctx, sc.user.Tenant, sc.user.ID, 10)
			return err
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
		{"IssueCode", func(ctx context.Context, c *check, sc *scene) error {
			issue := c.issueOf(c.code(number, phone))
			issue.Charges, issue.KeepLive = []limit.Limit{sc.limit}, 1
			_, err := c.IssueCode(ctx, issue)
			return err
		}},
		{"ChargeAttempt", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.ChargeAttempt(ctx, identity.Attempt{Now: c.now, Binding: sc.code.Binding, Charges: []limit.Limit{sc.limit}})
			return err
		}},
		{"ReleaseAttempt", func(ctx context.Context, c *check, sc *scene) error {
			return c.ReleaseAttempt(ctx, identity.Release{SpentAt: c.now, CodeIDs: []string{sc.code.ID}, Refunds: []limit.Limit{sc.limit}})
		}},
		{"RedeemCode", func(ctx context.Context, c *check, sc *scene) error {
			r := c.redemption(sc.code, sc.user, phc("new"))
			r.SpentAt, r.Refunds = c.now, []limit.Limit{sc.limit}
			return c.RedeemCode(ctx, r)
		}},
		{"Spend", func(ctx context.Context, c *check, sc *scene) error {
			_, err := c.Spend(ctx, []limit.Limit{sc.limit}, c.now)
			return err
		}},
		{"ClearLimits", func(ctx context.Context, c *check, sc *scene) error {
			return c.ClearLimits(ctx, []limit.Key{sc.limit.Key})
		}},
		{"Purge", func(ctx context.Context, c *check, sc *scene) error {
			later := c.now.AddDate(1, 0, 0)
			_, err := c.Purge(ctx, identity.Purge{Now: later, MessagesBefore: later, EventsBefore: later, Max: 100})
			return err
		}},
		{"Enqueue", func(ctx context.Context, c *check, _ *scene) error {
			return c.Enqueue(ctx, []identity.OutboxMessage{c.message()})
		}},
		{"LeaseMessages", func(ctx context.Context, c *check, _ *scene) error {
			_, err := c.LeaseMessages(ctx, identity.Lease{Now: c.now, Until: c.now.Add(time.Minute), Token: "other", Max: 10})
			return err
		}},
		{"FinishMessage", func(ctx context.Context, c *check, sc *scene) error {
			return c.FinishMessage(ctx, identity.MessageResult{ID: sc.leased.ID, LeaseToken: sceneLease, State: identity.MessageDead, Now: c.now})
		}},
		{"RecordReceipt", func(ctx context.Context, c *check, _ *scene) error {
			return c.RecordReceipt(ctx, sms.DeliveryReceipt{Provider: "webhook", Ref: "ref", State: sms.ReceiptFailed, At: c.now})
		}},
		{"MessageStates", func(ctx context.Context, c *check, _ *scene) error {
			_, err := c.MessageStates(ctx, "", 10)
			return err
		}},
		{"AppendEvent", func(ctx context.Context, c *check, _ *scene) error { return c.AppendEvent(ctx, c.event()) }},
		{"Events", func(ctx context.Context, c *check, _ *scene) error {
			_, err := c.Events(ctx, "", 10)
			return err
		}},
	}
	cases := make([]Case, 0, len(calls))
	for _, call := range calls {
		cases = append(cases, Case{call.method + "/Cancelled", why, func(c *check) {
			ctx, cancel := context.WithCancel(c.ctx)
			cancel()
			c.unchangedBy("after a cancelled "+call.method, func(sc *scene) error {
				return call.call(ctx, c, sc)
			}, func(err error) { c.is(call.method, err, context.Canceled) })
		}})
	}
	return append(cases, Case{"Context/Deadline", "a deadline that passed is told from a failure of the database", func(c *check) {
		ctx, cancel := context.WithDeadline(c.ctx, time.Unix(0, 0))
		defer cancel()
		_, err := c.UserByMobile(ctx, "acme", number)
		c.is("UserByMobile", err, context.DeadlineExceeded)
		_, err = c.Spend(ctx, []limit.Limit{perHour(anyKey, 1)}, c.now)
		c.is("Spend", err, context.DeadlineExceeded)
		c.wantRoom("after the deadline", perHour(anyKey, 1), c.now, 1)
	}})
}
