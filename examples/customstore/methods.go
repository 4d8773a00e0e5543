package customstore

import (
	"context"
	"encoding/json"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

var (
	_ identity.Storage = (*Store)(nil)
	_ identity.Checker = (*Store)(nil)
)

// Arguments that the port passes one by one.
type (
	clientSwitch struct {
		ID       string
		Disabled bool
	}
	userID struct {
		Tenant, ID string
	}
	spending struct {
		Limits []limit.Limit
		Now    time.Time
	}
	limitChanges struct {
		Changes []limit.Change
		Now     time.Time
	}
	happening struct {
		Event    audit.Event
		Messages []outbox.Message
	}
)

type nothing = struct{}

// alone makes a step of a method that returns an error only.
func alone[A any](do func(context.Context, A) error) func(context.Context, A) (nothing, error) {
	return func(ctx context.Context, arg A) (nothing, error) { return nothing{}, do(ctx, arg) }
}

func (s *Store) switchClient(ctx context.Context, c clientSwitch) error {
	return s.Store.SetClientDisabled(ctx, c.ID, c.Disabled)
}

func (s *Store) spendAll(ctx context.Context, sp spending) ([]limit.Spent, error) {
	return s.Store.Spend(ctx, sp.Limits, sp.Now)
}

func (s *Store) eraseUser(ctx context.Context, u userID) error {
	return s.Store.DeleteUser(ctx, u.Tenant, u.ID)
}

func (s *Store) changeAll(ctx context.Context, c limitChanges) error {
	return s.Store.ChangeLimits(ctx, c.Changes, c.Now)
}

func (s *Store) record(ctx context.Context, h happening) error {
	return s.Store.AppendEvent(ctx, h.Event, h.Messages)
}

// methods carry out the lines of a journal. An error is of the line; that a call
// was refused is not one.
func (s *Store) methods() map[string]func(json.RawMessage) error {
	m := map[string]func(json.RawMessage) error{}
	again(m, "CreateUser", alone(s.Store.CreateUser))
	again(m, "UpdateUser", alone(s.Store.UpdateUser))
	again(m, "ReplacePassword", alone(s.Store.ReplacePassword))
	again(m, "DeleteUser", alone(s.eraseUser))
	again(m, "CreateClient", alone(s.Store.CreateClient))
	again(m, "SetClientDisabled", alone(s.switchClient))
	again(m, "DeleteClient", alone(s.Store.DeleteClient))
	again(m, "IssueCode", s.Store.IssueCode)
	again(m, "ChargeAttempt", s.Store.ChargeAttempt)
	again(m, "ReleaseAttempt", alone(s.Store.ReleaseAttempt))
	again(m, "RedeemCode", alone(s.Store.RedeemCode))
	again(m, "Spend", s.spendAll)
	again(m, "ChangeLimits", alone(s.changeAll))
	again(m, "Purge", s.Store.Purge)
	again(m, "LeaseMessages", s.Store.LeaseMessages)
	again(m, "FinishMessages", s.Store.FinishMessages)
	again(m, "RecordReceipt", alone(s.Store.RecordReceipt))
	again(m, "AppendEvent", alone(s.record))
	return m
}

func again[A, R any](m map[string]func(json.RawMessage) error, method string, do func(context.Context, A) (R, error)) {
	m[method] = func(raw json.RawMessage) error {
		var arg A
		if err := json.Unmarshal(raw, &arg); err != nil {
			return err
		}
		_, _ = do(context.Background(), arg)
		return nil
	}
}

// CreateUser implements [identity.Users].
func (s *Store) CreateUser(ctx context.Context, u identity.User) error {
	_, err := change(ctx, s, "CreateUser", u, alone(s.Store.CreateUser))
	return err
}

// UpdateUser implements [identity.Users].
func (s *Store) UpdateUser(ctx context.Context, c identity.UserChange) error {
	_, err := change(ctx, s, "UpdateUser", c, alone(s.Store.UpdateUser))
	return err
}

// ReplacePassword implements [identity.Users].
func (s *Store) ReplacePassword(ctx context.Context, c identity.PasswordChange) error {
	_, err := change(ctx, s, "ReplacePassword", c, alone(s.Store.ReplacePassword))
	return err
}

// DeleteUser implements [identity.Directory].
func (s *Store) DeleteUser(ctx context.Context, tenant, id string) error {
	_, err := change(ctx, s, "DeleteUser", userID{tenant, id}, alone(s.eraseUser))
	return err
}

// CreateClient implements [identity.Clients].
func (s *Store) CreateClient(ctx context.Context, c identity.Client) error {
	_, err := change(ctx, s, "CreateClient", c, alone(s.Store.CreateClient))
	return err
}

// SetClientDisabled implements [identity.Clients].
func (s *Store) SetClientDisabled(ctx context.Context, id string, disabled bool) error {
	_, err := change(ctx, s, "SetClientDisabled", clientSwitch{id, disabled}, alone(s.switchClient))
	return err
}

// DeleteClient implements [identity.Clients].
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	_, err := change(ctx, s, "DeleteClient", id, alone(s.Store.DeleteClient))
	return err
}

// IssueCode implements [identity.VerifyCodes].
func (s *Store) IssueCode(ctx context.Context, i identity.CodeIssue) ([]limit.Spent, error) {
	return change(ctx, s, "IssueCode", i, s.Store.IssueCode)
}

// ChargeAttempt implements [identity.VerifyCodes].
func (s *Store) ChargeAttempt(ctx context.Context, a identity.Attempt) (identity.ChargedAttempt, error) {
	return change(ctx, s, "ChargeAttempt", a, s.Store.ChargeAttempt)
}

// ReleaseAttempt implements [identity.VerifyCodes].
func (s *Store) ReleaseAttempt(ctx context.Context, r identity.Release) error {
	_, err := change(ctx, s, "ReleaseAttempt", r, alone(s.Store.ReleaseAttempt))
	return err
}

// RedeemCode implements [identity.VerifyCodes].
func (s *Store) RedeemCode(ctx context.Context, r identity.Redemption) error {
	_, err := change(ctx, s, "RedeemCode", r, alone(s.Store.RedeemCode))
	return err
}

// Spend implements [identity.Limits].
func (s *Store) Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
	return change(ctx, s, "Spend", spending{limits, now}, s.spendAll)
}

// ChangeLimits implements [identity.Limits].
func (s *Store) ChangeLimits(ctx context.Context, changes []limit.Change, now time.Time) error {
	_, err := change(ctx, s, "ChangeLimits", limitChanges{changes, now}, alone(s.changeAll))
	return err
}

// Purge implements [identity.Limits].
func (s *Store) Purge(ctx context.Context, p identity.Purge) (int, error) {
	return change(ctx, s, "Purge", p, s.Store.Purge)
}

// LeaseMessages implements [identity.Outbox].
func (s *Store) LeaseMessages(ctx context.Context, c outbox.Lease) ([]outbox.Message, error) {
	return change(ctx, s, "LeaseMessages", c, s.Store.LeaseMessages)
}

// FinishMessages implements [identity.Outbox].
func (s *Store) FinishMessages(ctx context.Context, results []outbox.Result) ([]string, error) {
	return change(ctx, s, "FinishMessages", results, s.Store.FinishMessages)
}

// RecordReceipt implements [identity.Outbox].
func (s *Store) RecordReceipt(ctx context.Context, r sms.DeliveryReceipt) error {
	_, err := change(ctx, s, "RecordReceipt", r, alone(s.Store.RecordReceipt))
	return err
}

// AppendEvent implements [identity.Audit].
func (s *Store) AppendEvent(ctx context.Context, e audit.Event, messages []outbox.Message) error {
	_, err := change(ctx, s, "AppendEvent", happening{e, messages}, alone(s.record))
	return err
}
