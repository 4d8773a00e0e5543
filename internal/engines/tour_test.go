package engines_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

var (
	tourTime = time.UnixMilli(1_700_000_000_000).UTC()
	binding  = bytes.Repeat([]byte{1}, 32)
	decoy    = bytes.Repeat([]byte{2}, 32)
	numberOf = bytes.Repeat([]byte{3}, 32)
)

func hourly(key limit.Key, shards, shard int) limit.Limit {
	return limit.Limit{Key: key, Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: 1000, Per: time.Hour}}}}, Shards: shards, Shard: shard}
}

// charges returns two charges: an ordinary one, and one that is spread over several
// rows.
func charges(prefix limit.Key) []limit.Limit {
	return []limit.Limit{hourly(prefix+".number", 0, 0), hourly(prefix+".all", 8, 3)}
}

// changes returns the change to each of the charges.
func changes(prefix limit.Key, c limit.Change) (changes []limit.Change) {
	for _, l := range charges(prefix) {
		c.Limit = l
		changes = append(changes, c)
	}
	return changes
}

func issue(n int) identity.CodeIssue {
	id := fmt.Sprintf("code-%d", n)
	return identity.CodeIssue{
		Now: tourTime, Charges: charges("send"), KeepLive: 2,
		Code: identity.VerifyCode{
			ID: id, Binding: binding, NumberKey: numberOf, Digest: []byte(id), KeyID: "k", MaxAttempts: 5,
			CreatedAt: tourTime.Add(time.Duration(n)), ExpiresAt: tourTime.Add(5 * time.Minute),
		},
		Messages: []outbox.Message{pending("message-" + id)}, Event: audit.Event{ID: "event-" + id, At: tourTime},
	}
}

func pending(id string) outbox.Message {
	return outbox.Message{ID: id, Lane: outbox.LaneCode, KeyID: "k", Sealed: []byte("sealed"), State: outbox.Pending, CreatedAt: tourTime, NextAt: tourTime, ExpiresAt: tourTime.Add(time.Hour)}
}

func guess(binding []byte) identity.Attempt {
	return identity.Attempt{
		Now: tourTime, Binding: binding, NumberKey: numberOf, Charges: charges("fail"), LiveCharges: charges("live"), Providers: true,
	}
}

// step is one method, called in such a way that it does all it can do.
type step struct {
	name  string
	write bool // it uses a transaction
	call  func(ctx context.Context, s *bunstore.Store) error
}

// tour calls every method once on an empty store, in an order in which each finds what
// it needs.
func tour() []step {
	mobile, seen := "+8612345678902", tourTime
	return []step{
		{"CreateUser", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.CreateUser(ctx, identity.User{ID: "user", Tenant: "t", Mobile: "+8612345678901", PasswordHash: "hash-1"})
		}},
		{"UpdateUser", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.UpdateUser(ctx, identity.UserChange{Tenant: "t", ID: "user", Mobile: &mobile, VerifiedAt: &seen})
		}},
		{"UserByMobile", false, func(ctx context.Context, s *bunstore.Store) error {
			_, err := s.UserByMobile(ctx, "t", mobile)
			return err
		}},
		{"ReplacePassword", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.ReplacePassword(ctx, identity.PasswordChange{Tenant: "t", UserID: "user", OldHash: "hash-1", NewHash: "hash-2", ChangedAt: tourTime, KeepHistory: 3})
		}},
		{"PasswordHistory", false, func(ctx context.Context, s *bunstore.Store) error {
			_, err := s.PasswordHistory(ctx, "t", "user", 3)
			return err
		}},
		{"CreateClient", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.CreateClient(ctx, identity.Client{ID: "app"})
		}},
		{"ClientByID", false, func(ctx context.Context, s *bunstore.Store) error {
			_, err := s.ClientByID(ctx, "app")
			return err
		}},
		{"SetClientDisabled", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.SetClientDisabled(ctx, "app", true)
		}},
		{"CreateClient second", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.CreateClient(ctx, identity.Client{ID: "open"})
		}},
		{"IssueCode", true, func(ctx context.Context, s *bunstore.Store) error {
			_, err := s.IssueCode(ctx, issue(1))
			return err
		}},
		{"IssueCode second", true, func(ctx context.Context, s *bunstore.Store) error {
			_, err := s.IssueCode(ctx, issue(2))
			return err
		}},
		{"IssueCode over KeepLive", true, func(ctx context.Context, s *bunstore.Store) error {
			_, err := s.IssueCode(ctx, issue(3))
			return err
		}},
		{"ChargeAttempt", true, func(ctx context.Context, s *bunstore.Store) error {
			charged, err := s.ChargeAttempt(ctx, guess(binding))
			if err == nil && len(charged.Codes) != 2 {
				err = fmt.Errorf("%d codes, want 2", len(charged.Codes))
			}
			return err
		}},
		{"ReleaseAttempt", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.ReleaseAttempt(ctx, identity.Release{Now: tourTime, NumberKey: numberOf, CodeIDs: []string{"code-2", "code-3"}, Changes: changes("fail", limit.Change{SpentAt: tourTime})})
		}},
		{"RedeemCode", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.RedeemCode(ctx, identity.Redemption{
				Now: tourTime, CodeID: "code-3", NumberKey: numberOf, ClientID: "open",
				Password: &identity.PasswordChange{Tenant: "t", UserID: "user", OldHash: "hash-2", NewHash: "hash-3", ChangedAt: tourTime, KeepHistory: 3},
				Changes:  append(changes("live", limit.Change{SpentAt: tourTime}), changes("live", limit.Change{Clear: true})...),
				Event:    audit.Event{ID: "event-redeem", At: tourTime}, Messages: []outbox.Message{pending("notice-1"), pending("notice-2")},
			})
		}},
		{"Spend", true, func(ctx context.Context, s *bunstore.Store) error {
			_, err := s.Spend(ctx, charges("any"), tourTime)
			return err
		}},
		{"LimitStates", false, func(ctx context.Context, s *bunstore.Store) error {
			states, err := s.LimitStates(ctx, []limit.Key{"any.number", "any.all", "none"})
			if err == nil && len(states) != 2 {
				err = fmt.Errorf("%d states, want 2", len(states))
			}
			return err
		}},
		{"ChangeLimits", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.ChangeLimits(ctx, changes("any", limit.Change{Clear: true}), tourTime)
		}},
		{"AppendEvent", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.AppendEvent(ctx, audit.Event{ID: "event", At: tourTime}, []outbox.Message{pending("message-a"), pending("message-b")})
		}},
		{"LeaseMessages", true, func(ctx context.Context, s *bunstore.Store) error {
			claimed, err := s.LeaseMessages(ctx, outbox.Lease{Now: tourTime, Until: tourTime.Add(time.Minute), Token: "token", Lane: outbox.LaneCode, KeyIDs: []string{"k", "old"}, Max: 100})
			if err == nil && len(claimed) != 7 {
				err = fmt.Errorf("%d messages, want 7", len(claimed))
			}
			return err
		}},
		{"FinishMessages", true, func(ctx context.Context, s *bunstore.Store) error {
			lost, err := s.FinishMessages(ctx, []outbox.Result{
				{ID: "message-a", LeaseToken: "token", State: outbox.Delivered, Now: tourTime, Provider: "webhook", ProviderRef: "ref"},
				{ID: "message-b", LeaseToken: "token", State: outbox.Pending, NextAt: tourTime},
				{ID: "message-c", LeaseToken: "token", State: outbox.Dead, Now: tourTime},
			})
			if err == nil && len(lost) != 1 {
				err = fmt.Errorf("%d lost, want 1", len(lost))
			}
			return err
		}},
		{"Backlog", false, func(ctx context.Context, s *bunstore.Store) error {
			backlog, err := s.Backlog(ctx)
			if err == nil && len(backlog) != 1 {
				err = fmt.Errorf("%d lanes, want 1", len(backlog))
			}
			return err
		}},
		{"MessageStates", false, func(ctx context.Context, s *bunstore.Store) error {
			_, err := s.MessageStates(ctx, "", 100)
			return err
		}},
		{"Events", false, func(ctx context.Context, s *bunstore.Store) error {
			_, err := s.Events(ctx, audit.Query{AfterID: "", Max: 100})
			return err
		}},
		{"RecordReceipt", true, func(ctx context.Context, s *bunstore.Store) error {
			return s.RecordReceipt(ctx, sms.DeliveryReceipt{Provider: "webhook", Ref: "ref", State: sms.ReceiptFailed, Code: "1", At: tourTime})
		}},
		{"Purge", true, func(ctx context.Context, s *bunstore.Store) error {
			later := tourTime.Add(24 * time.Hour)
			n, err := s.Purge(ctx, identity.Purge{Now: later, MessagesBefore: later, EventsBefore: later, Max: 100})
			if err == nil && n < 10 {
				err = fmt.Errorf("%d rows, want more", n)
			}
			return err
		}},
	}
}

// take runs the steps before the step with that name.
func take(t testing.TB, s *bunstore.Store, until string) step {
	t.Helper()
	for _, st := range tour() {
		if st.name == until {
			return st
		}
		if err := st.call(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", st.name, err)
		}
	}
	t.Fatalf("no step %s", until)
	return step{}
}
