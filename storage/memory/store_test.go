package memory

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// These tests examine state that no answer of the port shows.

var start = time.Date(2024, time.February, 29, 12, 0, 0, 0, time.UTC)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func pending(id string) outbox.Message {
	return outbox.Message{ID: id, Lane: outbox.LaneCode, KeyID: "key", Sealed: []byte("text"), State: outbox.Pending, NextAt: start}
}

func TestFinishMessagesWipesSealedText(t *testing.T) {
	t.Parallel()
	for _, state := range []outbox.State{outbox.Delivered, outbox.Uncertain, outbox.Dead} {
		s, ctx := New(), t.Context()
		must(t, s.AppendEvent(ctx, audit.Event{ID: "1"}, []outbox.Message{pending("1")}))
		_, err := s.LeaseMessages(ctx, outbox.Lease{Now: start, Until: start.Add(time.Minute), Token: "token", Lane: outbox.LaneCode, KeyIDs: []string{"key"}, Max: 1})
		must(t, err)
		lost, err := s.FinishMessages(ctx, []outbox.Result{{ID: "1", LeaseToken: "token", State: state, Now: start}})
		must(t, err)
		if m := s.messages.byID["1"]; m.Sealed != nil || len(lost) != 0 {
			t.Errorf("sealed text of a message %s: got %q, want none (lost %q)", state, m.Sealed, lost)
		}
		if len(s.pending) != 0 {
			t.Errorf("lanes with pending messages after one is %s: got %d, want 0", state, len(s.pending))
		}
	}
}

func oneIn(per time.Duration) []limit.Rule {
	return []limit.Rule{{Rates: []limit.Rate{{Limit: 1, Per: per}}}}
}

func TestPurgeLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s, ctx := New(), t.Context()
	_, err := s.IssueCode(ctx, identity.CodeIssue{
		Now: start, KeepLive: 3,
		Charges: []limit.Limit{{Key: "key", Rules: oneIn(time.Minute)}},
		Code: identity.VerifyCode{
			ID: "1", Binding: []byte("b"), NumberKey: []byte("n"), MaxAttempts: 1, CreatedAt: start, ExpiresAt: start.Add(time.Minute),
		},
		Messages: []outbox.Message{{ID: "1", State: outbox.Dead, FinishedAt: start}},
		Event:    audit.Event{ID: "1", At: start},
	})
	must(t, err)
	later := start.Add(time.Hour)
	removed, err := s.Purge(ctx, identity.Purge{Now: later, MessagesBefore: later, EventsBefore: later, Max: 10})
	must(t, err)
	if removed != 4 {
		t.Errorf("rows purged: got %d, want 4", removed)
	}
	left := len(s.codes) + len(s.byBinding) + len(s.byNumber) + len(s.limits) +
		len(s.messages.byID) + len(s.messages.ids) + len(s.pending) + len(s.events.byID) + len(s.events.ids)
	if left != 0 {
		t.Errorf("entries left in all maps: got %d, want 0", left)
	}
}

func TestDeleteUserLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s, ctx := New(), t.Context()
	must(t, s.CreateUser(ctx, identity.User{ID: "1", Tenant: "acme", Mobile: "+8612345678901", PasswordHash: "old"}))
	must(t, s.ReplacePassword(ctx, identity.PasswordChange{Tenant: "acme", UserID: "1", OldHash: "old", NewHash: "new", KeepHistory: 3}))
	must(t, s.DeleteUser(ctx, "acme", "1"))
	if left := len(s.users) + len(s.byMobile) + len(s.history); left != 0 {
		t.Errorf("entries left in the maps of users: got %d, want 0", left)
	}
}

func TestMalformedLimitStateIsAnError(t *testing.T) {
	t.Parallel()
	s, ctx := New(), t.Context()
	bad := limit.Limit{Key: "bad", Rules: oneIn(time.Hour)}
	free := limit.Limit{Key: "free", Rules: bad.Rules}
	s.limits.set("bad", 0, limitRow{state: []byte{0xff}, expiresAt: start.Add(time.Hour)})
	s.insertCode(identity.VerifyCode{ID: "1", NumberKey: []byte("n"), ExpiresAt: start.Add(time.Hour)})

	// If the state were taken for an empty log, it would allow new guesses.
	wantErr := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, limit.ErrState) {
			t.Errorf("%s: got error %v, want %v", what, err, limit.ErrState)
		}
		if len(s.limits) != 1 {
			t.Errorf("keys after the failed %s: got %d, want 1", what, len(s.limits))
		}
	}
	changes := []limit.Change{{Limit: free, Clear: true}, {Limit: bad, Clear: true}}
	_, err := s.Spend(ctx, []limit.Limit{free, bad}, start)
	wantErr("Spend", err)
	wantErr("ChangeLimits", s.ChangeLimits(ctx, changes, start))
	wantErr("ReleaseAttempt", s.ReleaseAttempt(ctx, identity.Release{Now: start, Changes: changes}))
	wantErr("RedeemCode", s.RedeemCode(ctx, identity.Redemption{Now: start, CodeID: "1", NumberKey: []byte("n"), Changes: changes}))
	if !s.codes["1"].UsedAt.IsZero() {
		t.Error("the failed RedeemCode used the code")
	}
}

// If a call has two limits of one key, the second is computed from the state after the
// first.
func TestLimitsOfOneKeyAreSpentInOrder(t *testing.T) {
	t.Parallel()
	s, ctx := New(), t.Context()
	two := limit.Limit{Key: "key", Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: 2, Per: time.Hour}}}}}
	var refused *limit.Error
	if _, err := s.Spend(ctx, []limit.Limit{two, two, two}, start); !errors.As(err, &refused) || len(refused.Refused) != 1 {
		t.Errorf("three of two: got error %v, want one refusal", err)
	}
	_, err := s.Spend(ctx, []limit.Limit{two, two}, start)
	must(t, err)
	if _, err := s.Spend(ctx, []limit.Limit{two}, start); !errors.As(err, &refused) {
		t.Errorf("one more: got error %v, want a refusal", err)
	}
}

// A caller who gave up while waiting for the mutex changes nothing.
func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	s := New()
	ctx, cancel := context.WithCancel(t.Context())
	s.mu.Lock()
	done := make(chan error)
	go func() { done <- s.AppendEvent(ctx, audit.Event{ID: "1"}, nil) }()
	cancel()
	s.mu.Unlock()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("AppendEvent: got error %v, want %v", err, context.Canceled)
	}
	if s.events.has("1") {
		t.Error("the event is stored")
	}
}
