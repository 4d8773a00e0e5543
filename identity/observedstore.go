package identity

import (
	"context"
	"errors"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// observedStore reports each call of a store to an observer: the method, how long it took,
// and the kind of failure.
type observedStore struct {
	in       Storage
	observer observe.Observer
}

// storageOutcome returns the kind of a call's result. An answer that Storage defines is not
// a failure.
func storageOutcome(err error) string {
	if _, refused := errors.AsType[*limit.Error](err); refused {
		return "ok"
	}
	for _, promised := range []error{nil, ErrNotFound, ErrAlreadyExists, ErrConflict, ErrCodeSpent, ErrUnsupported} {
		if errors.Is(err, promised) {
			return "ok"
		}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "failed"
}

func (s observedStore) tell(ctx context.Context, call string, start time.Time, err *error) {
	s.observer.Observe(ctx, observe.Observation{Kind: observe.KindStorage, Operation: call, Outcome: storageOutcome(*err), Took: time.Since(start)})
}

func (s observedStore) CreateUser(ctx context.Context, u User) (err error) {
	defer s.tell(ctx, "CreateUser", time.Now(), &err)
	return s.in.CreateUser(ctx, u)
}

func (s observedStore) UserByMobile(ctx context.Context, tenant, mobile string) (found User, err error) {
	defer s.tell(ctx, "UserByMobile", time.Now(), &err)
	return s.in.UserByMobile(ctx, tenant, mobile)
}

func (s observedStore) UpdateUser(ctx context.Context, change UserChange) (err error) {
	defer s.tell(ctx, "UpdateUser", time.Now(), &err)
	return s.in.UpdateUser(ctx, change)
}

func (s observedStore) ReplacePassword(ctx context.Context, change PasswordChange) (err error) {
	defer s.tell(ctx, "ReplacePassword", time.Now(), &err)
	return s.in.ReplacePassword(ctx, change)
}

func (s observedStore) PasswordHistory(ctx context.Context, tenant, userID string, n int) (found []string, err error) {
	defer s.tell(ctx, "PasswordHistory", time.Now(), &err)
	return s.in.PasswordHistory(ctx, tenant, userID, n)
}

func (s observedStore) UserByID(ctx context.Context, tenant, id string) (found User, err error) {
	defer s.tell(ctx, "UserByID", time.Now(), &err)
	return s.in.UserByID(ctx, tenant, id)
}

func (s observedStore) ListUsers(ctx context.Context, tenant, afterID string, max int) (found []User, err error) {
	defer s.tell(ctx, "ListUsers", time.Now(), &err)
	return s.in.ListUsers(ctx, tenant, afterID, max)
}

func (s observedStore) DeleteUser(ctx context.Context, tenant, id string) (err error) {
	defer s.tell(ctx, "DeleteUser", time.Now(), &err)
	return s.in.DeleteUser(ctx, tenant, id)
}

func (s observedStore) CreateClient(ctx context.Context, c Client) (err error) {
	defer s.tell(ctx, "CreateClient", time.Now(), &err)
	return s.in.CreateClient(ctx, c)
}

func (s observedStore) ClientByID(ctx context.Context, id string) (found Client, err error) {
	defer s.tell(ctx, "ClientByID", time.Now(), &err)
	return s.in.ClientByID(ctx, id)
}

func (s observedStore) SetClientDisabled(ctx context.Context, id string, disabled bool) (err error) {
	defer s.tell(ctx, "SetClientDisabled", time.Now(), &err)
	return s.in.SetClientDisabled(ctx, id, disabled)
}

func (s observedStore) ListClients(ctx context.Context, afterID string, max int) (found []Client, err error) {
	defer s.tell(ctx, "ListClients", time.Now(), &err)
	return s.in.ListClients(ctx, afterID, max)
}

func (s observedStore) DeleteClient(ctx context.Context, id string) (err error) {
	defer s.tell(ctx, "DeleteClient", time.Now(), &err)
	return s.in.DeleteClient(ctx, id)
}

func (s observedStore) IssueCode(ctx context.Context, issue CodeIssue) (found []limit.Spent, err error) {
	defer s.tell(ctx, "IssueCode", time.Now(), &err)
	return s.in.IssueCode(ctx, issue)
}

func (s observedStore) ChargeAttempt(ctx context.Context, attempt Attempt) (found ChargedAttempt, err error) {
	defer s.tell(ctx, "ChargeAttempt", time.Now(), &err)
	return s.in.ChargeAttempt(ctx, attempt)
}

func (s observedStore) ReleaseAttempt(ctx context.Context, release Release) (err error) {
	defer s.tell(ctx, "ReleaseAttempt", time.Now(), &err)
	return s.in.ReleaseAttempt(ctx, release)
}

func (s observedStore) RedeemCode(ctx context.Context, r Redemption) (err error) {
	defer s.tell(ctx, "RedeemCode", time.Now(), &err)
	return s.in.RedeemCode(ctx, r)
}

func (s observedStore) Spend(ctx context.Context, limits []limit.Limit, now time.Time) (found []limit.Spent, err error) {
	defer s.tell(ctx, "Spend", time.Now(), &err)
	return s.in.Spend(ctx, limits, now)
}

func (s observedStore) LimitStates(ctx context.Context, keys []limit.Key) (found map[limit.Key][][]byte, err error) {
	defer s.tell(ctx, "LimitStates", time.Now(), &err)
	return s.in.LimitStates(ctx, keys)
}

func (s observedStore) ChangeLimits(ctx context.Context, changes []limit.Change, now time.Time) (err error) {
	defer s.tell(ctx, "ChangeLimits", time.Now(), &err)
	return s.in.ChangeLimits(ctx, changes, now)
}

func (s observedStore) Purge(ctx context.Context, p Purge) (removed int, err error) {
	defer s.tell(ctx, "Purge", time.Now(), &err)
	return s.in.Purge(ctx, p)
}

func (s observedStore) LeaseMessages(ctx context.Context, lease outbox.Lease) (found []outbox.Message, err error) {
	defer s.tell(ctx, "LeaseMessages", time.Now(), &err)
	return s.in.LeaseMessages(ctx, lease)
}

func (s observedStore) FinishMessages(ctx context.Context, results []outbox.Result) (lost []string, err error) {
	defer s.tell(ctx, "FinishMessages", time.Now(), &err)
	return s.in.FinishMessages(ctx, results)
}

func (s observedStore) RecordReceipt(ctx context.Context, r sms.DeliveryReceipt) (err error) {
	defer s.tell(ctx, "RecordReceipt", time.Now(), &err)
	return s.in.RecordReceipt(ctx, r)
}

func (s observedStore) MessageStates(ctx context.Context, afterID string, max int) (found []outbox.Message, err error) {
	defer s.tell(ctx, "MessageStates", time.Now(), &err)
	return s.in.MessageStates(ctx, afterID, max)
}

func (s observedStore) Backlog(ctx context.Context) (found []outbox.Backlog, err error) {
	defer s.tell(ctx, "Backlog", time.Now(), &err)
	return s.in.Backlog(ctx)
}

func (s observedStore) AppendEvent(ctx context.Context, e audit.Event, messages []outbox.Message) (err error) {
	defer s.tell(ctx, "AppendEvent", time.Now(), &err)
	return s.in.AppendEvent(ctx, e, messages)
}

func (s observedStore) Events(ctx context.Context, q audit.Query) (found []audit.Event, err error) {
	defer s.tell(ctx, "Events", time.Now(), &err)
	return s.in.Events(ctx, q)
}
