package storagetest_test

import (
	"context"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// broken is a correct store with some methods replaced.
type broken struct {
	*memory.Store
	// beforeCtx replaces the context of every call, and afterErr the error of calls that
	// succeeded.
	beforeCtx func(context.Context) context.Context
	afterErr  func(context.Context) error

	createUser        func(context.Context, identity.User) error
	userByMobile      func(context.Context, string, string) (identity.User, error)
	updateUser        func(context.Context, identity.UserChange) error
	replacePassword   func(context.Context, identity.PasswordChange) error
	passwordHistory   func(context.Context, string, string, int) ([]string, error)
	userByID          func(context.Context, string, string) (identity.User, error)
	listUsers         func(context.Context, string, string, int) ([]identity.User, error)
	deleteUser        func(context.Context, string, string) error
	createClient      func(context.Context, identity.Client) error
	clientByID        func(context.Context, string) (identity.Client, error)
	setClientDisabled func(context.Context, string, bool) error
	listClients       func(context.Context, string, int) ([]identity.Client, error)
	deleteClient      func(context.Context, string) error
	issueCode         func(context.Context, identity.CodeIssue) ([]limit.Spent, error)
	chargeAttempt     func(context.Context, identity.Attempt) (identity.ChargedAttempt, error)
	releaseAttempt    func(context.Context, identity.Release) error
	redeemCode        func(context.Context, identity.Redemption) error
	spend             func(context.Context, []limit.Limit, time.Time) ([]limit.Spent, error)
	limitStates       func(context.Context, []limit.Key) (map[limit.Key][][]byte, error)
	changeLimits      func(context.Context, []limit.Change, time.Time) error
	purge             func(context.Context, identity.Purge) (int, error)
	leaseMessages     func(context.Context, outbox.Lease) ([]outbox.Message, error)
	finishMessages    func(context.Context, []outbox.Result) ([]string, error)
	recordReceipt     func(context.Context, sms.DeliveryReceipt) error
	messageStates     func(context.Context, string, int) ([]outbox.Message, error)
	backlog           func(context.Context) ([]outbox.Backlog, error)
	appendEvent       func(context.Context, audit.Event, []outbox.Message) error
	events            func(context.Context, audit.Query) ([]audit.Event, error)
	check             func(context.Context) error
}

func (b *broken) before(ctx context.Context) context.Context {
	if b.beforeCtx == nil {
		return ctx
	}
	return b.beforeCtx(ctx)
}

func (b *broken) after(ctx context.Context, err error) error {
	if err != nil || b.afterErr == nil {
		return err
	}
	return b.afterErr(ctx)
}

func (b *broken) CreateUser(ctx context.Context, u identity.User) error {
	if b.createUser != nil {
		return b.createUser(ctx, u)
	}
	return b.after(ctx, b.Store.CreateUser(b.before(ctx), u))
}

func (b *broken) UserByMobile(ctx context.Context, tenant, mobile string) (identity.User, error) {
	if b.userByMobile != nil {
		return b.userByMobile(ctx, tenant, mobile)
	}
	v, err := b.Store.UserByMobile(b.before(ctx), tenant, mobile)
	return v, b.after(ctx, err)
}

func (b *broken) UpdateUser(ctx context.Context, change identity.UserChange) error {
	if b.updateUser != nil {
		return b.updateUser(ctx, change)
	}
	return b.after(ctx, b.Store.UpdateUser(b.before(ctx), change))
}

func (b *broken) ReplacePassword(ctx context.Context, change identity.PasswordChange) error {
	if b.replacePassword != nil {
		return b.replacePassword(ctx, change)
	}
	return b.after(ctx, b.Store.ReplacePassword(b.before(ctx), change))
}

func (b *broken) PasswordHistory(ctx context.Context, tenant, userID string, n int) ([]string, error) {
	if b.passwordHistory != nil {
		return b.passwordHistory(ctx, tenant, userID, n)
	}
	v, err := b.Store.PasswordHistory(b.before(ctx), tenant, userID, n)
	return v, b.after(ctx, err)
}

func (b *broken) CreateClient(ctx context.Context, cl identity.Client) error {
	if b.createClient != nil {
		return b.createClient(ctx, cl)
	}
	return b.after(ctx, b.Store.CreateClient(b.before(ctx), cl))
}

func (b *broken) ClientByID(ctx context.Context, id string) (identity.Client, error) {
	if b.clientByID != nil {
		return b.clientByID(ctx, id)
	}
	v, err := b.Store.ClientByID(b.before(ctx), id)
	return v, b.after(ctx, err)
}

func (b *broken) SetClientDisabled(ctx context.Context, id string, disabled bool) error {
	if b.setClientDisabled != nil {
		return b.setClientDisabled(ctx, id, disabled)
	}
	return b.after(ctx, b.Store.SetClientDisabled(b.before(ctx), id, disabled))
}

func (b *broken) IssueCode(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
	if b.issueCode != nil {
		return b.issueCode(ctx, issue)
	}
	v, err := b.Store.IssueCode(b.before(ctx), issue)
	return v, b.after(ctx, err)
}

func (b *broken) ChargeAttempt(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
	if b.chargeAttempt != nil {
		return b.chargeAttempt(ctx, attempt)
	}
	v, err := b.Store.ChargeAttempt(b.before(ctx), attempt)
	return v, b.after(ctx, err)
}

func (b *broken) ReleaseAttempt(ctx context.Context, release identity.Release) error {
	if b.releaseAttempt != nil {
		return b.releaseAttempt(ctx, release)
	}
	return b.after(ctx, b.Store.ReleaseAttempt(b.before(ctx), release))
}

func (b *broken) RedeemCode(ctx context.Context, r identity.Redemption) error {
	if b.redeemCode != nil {
		return b.redeemCode(ctx, r)
	}
	return b.after(ctx, b.Store.RedeemCode(b.before(ctx), r))
}

func (b *broken) Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
	if b.spend != nil {
		return b.spend(ctx, limits, now)
	}
	v, err := b.Store.Spend(b.before(ctx), limits, now)
	return v, b.after(ctx, err)
}

func (b *broken) Purge(ctx context.Context, p identity.Purge) (int, error) {
	if b.purge != nil {
		return b.purge(ctx, p)
	}
	v, err := b.Store.Purge(b.before(ctx), p)
	return v, b.after(ctx, err)
}

func (b *broken) LeaseMessages(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
	if b.leaseMessages != nil {
		return b.leaseMessages(ctx, lease)
	}
	v, err := b.Store.LeaseMessages(b.before(ctx), lease)
	return v, b.after(ctx, err)
}

func (b *broken) RecordReceipt(ctx context.Context, r sms.DeliveryReceipt) error {
	if b.recordReceipt != nil {
		return b.recordReceipt(ctx, r)
	}
	return b.after(ctx, b.Store.RecordReceipt(b.before(ctx), r))
}

func (b *broken) MessageStates(ctx context.Context, afterID string, limit int) ([]outbox.Message, error) {
	if b.messageStates != nil {
		return b.messageStates(ctx, afterID, limit)
	}
	v, err := b.Store.MessageStates(b.before(ctx), afterID, limit)
	return v, b.after(ctx, err)
}

func (b *broken) AppendEvent(ctx context.Context, e audit.Event, messages []outbox.Message) error {
	if b.appendEvent != nil {
		return b.appendEvent(ctx, e, messages)
	}
	return b.after(ctx, b.Store.AppendEvent(b.before(ctx), e, messages))
}

func (b *broken) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	if b.events != nil {
		return b.events(ctx, q)
	}
	v, err := b.Store.Events(b.before(ctx), q)
	return v, b.after(ctx, err)
}

func (b *broken) UserByID(ctx context.Context, tenant, id string) (identity.User, error) {
	if b.userByID != nil {
		return b.userByID(ctx, tenant, id)
	}
	v, err := b.Store.UserByID(b.before(ctx), tenant, id)
	return v, b.after(ctx, err)
}

func (b *broken) ListUsers(ctx context.Context, tenant, afterID string, max int) ([]identity.User, error) {
	if b.listUsers != nil {
		return b.listUsers(ctx, tenant, afterID, max)
	}
	v, err := b.Store.ListUsers(b.before(ctx), tenant, afterID, max)
	return v, b.after(ctx, err)
}

func (b *broken) DeleteUser(ctx context.Context, tenant, id string) error {
	if b.deleteUser != nil {
		return b.deleteUser(ctx, tenant, id)
	}
	return b.after(ctx, b.Store.DeleteUser(b.before(ctx), tenant, id))
}

func (b *broken) ListClients(ctx context.Context, afterID string, max int) ([]identity.Client, error) {
	if b.listClients != nil {
		return b.listClients(ctx, afterID, max)
	}
	v, err := b.Store.ListClients(b.before(ctx), afterID, max)
	return v, b.after(ctx, err)
}

func (b *broken) DeleteClient(ctx context.Context, id string) error {
	if b.deleteClient != nil {
		return b.deleteClient(ctx, id)
	}
	return b.after(ctx, b.Store.DeleteClient(b.before(ctx), id))
}

func (b *broken) LimitStates(ctx context.Context, keys []limit.Key) (map[limit.Key][][]byte, error) {
	if b.limitStates != nil {
		return b.limitStates(ctx, keys)
	}
	v, err := b.Store.LimitStates(b.before(ctx), keys)
	return v, b.after(ctx, err)
}

func (b *broken) ChangeLimits(ctx context.Context, changes []limit.Change, now time.Time) error {
	if b.changeLimits != nil {
		return b.changeLimits(ctx, changes, now)
	}
	return b.after(ctx, b.Store.ChangeLimits(b.before(ctx), changes, now))
}

func (b *broken) FinishMessages(ctx context.Context, results []outbox.Result) ([]string, error) {
	if b.finishMessages != nil {
		return b.finishMessages(ctx, results)
	}
	v, err := b.Store.FinishMessages(b.before(ctx), results)
	return v, b.after(ctx, err)
}

func (b *broken) Backlog(ctx context.Context) ([]outbox.Backlog, error) {
	if b.backlog != nil {
		return b.backlog(ctx)
	}
	v, err := b.Store.Backlog(b.before(ctx))
	return v, b.after(ctx, err)
}

func (b *broken) Check(ctx context.Context) error {
	if b.check != nil {
		return b.check(ctx)
	}
	return b.after(ctx, b.Store.Check(b.before(ctx)))
}
