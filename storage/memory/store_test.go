package memory

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// These tests look at what no answer of the port shows.

var start = time.Date(2024, time.February, 29, 12, 0, 0, 0, time.UTC)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFinishMessageWipesSealedText(t *testing.T) {
	t.Parallel()
	for _, state := range []identity.MessageState{identity.MessageDelivered, identity.MessageUncertain, identity.MessageDead} {
		s, ctx := New(), t.Context()
		must(t, s.Enqueue(ctx, []identity.OutboxMessage{{ID: "1", Sealed: []byte("text"), State: identity.MessagePending, NextAt: start}}))
		_, err := s.LeaseMessages(ctx, identity.Lease{Now: start, Until: start.Add(time.Minute), Token: "token", Max: 1})
		must(t, err)
		must(t, s.FinishMessage(ctx, identity.MessageResult{ID: "1", LeaseToken: "token", State: state, Now: start}))
		if m := s.messages.byID["1"]; m.Sealed != nil {
			t.Errorf("sealed text of a message %s: got %q, want none", state, m.Sealed)
		}
		if len(s.pending) != 0 {
			t.Errorf("pending after a message is %s: got %d, want 0", state, len(s.pending))
		}
	}
}

func TestPurgeLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s, ctx := New(), t.Context()
	_, err := s.IssueCode(ctx, identity.CodeIssue{
		Now: start, KeepLive: 3,
		Charges: []limit.Limit{{Key: "key", Rates: []limit.Rate{{Limit: 1, Per: time.Minute}}}},
		Code: identity.VerifyCode{
			ID: "1", Binding: []byte("b"), NumberKey: []byte("n"), MaxAttempts: 1, CreatedAt: start, ExpiresAt: start.Add(time.Minute),
		},
		Message: identity.OutboxMessage{ID: "1", State: identity.MessageDead, FinishedAt: start},
		Event:   identity.Event{ID: "1", At: start},
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

func TestMalformedLimitStateIsAnError(t *testing.T) {
	t.Parallel()
	s, ctx := New(), t.Context()
	one := limit.Limit{Key: "bad", Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}
	free := limit.Limit{Key: "free", Rates: one.Rates}
	s.limits["bad"] = map[int]limitRow{0: {state: []byte{0xff}, expiresAt: start.Add(time.Hour)}}
	s.insertCode(identity.VerifyCode{ID: "1", NumberKey: []byte("n"), ExpiresAt: start.Add(time.Hour)})

	// Taking it for an empty counter would hand out fresh guesses.
	var refused *limit.Error
	_, err := s.Spend(ctx, []limit.Limit{free, one}, start)
	if err == nil || errors.As(err, &refused) {
		t.Errorf("Spend: got error %v, want one that is no *LimitError", err)
	}
	if len(s.limits) != 1 {
		t.Errorf("keys after the failed Spend: got %d, want 1", len(s.limits))
	}
	err = s.RedeemCode(ctx, identity.Redemption{Now: start, CodeID: "1", NumberKey: []byte("n"), Refunds: []limit.Limit{one}})
	if err == nil || !s.codes["1"].UsedAt.IsZero() {
		t.Errorf("RedeemCode: got error %v and use at %v, want an error and no use", err, s.codes["1"].UsedAt)
	}
	if err := s.ReleaseAttempt(ctx, identity.Release{SpentAt: start, Refunds: []limit.Limit{one}}); err == nil {
		t.Error("ReleaseAttempt: got no error")
	}
}

func TestRepeatedKeyIsAnError(t *testing.T) {
	t.Parallel()
	s, ctx := New(), t.Context()
	l := limit.Limit{Key: "key", Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}
	if _, err := s.Spend(ctx, []limit.Limit{l, l}, start); !errors.Is(err, errRepeatedKey) {
		t.Errorf("Spend: got error %v, want %v", err, errRepeatedKey)
	}
	err := s.ReleaseAttempt(ctx, identity.Release{SpentAt: start, Refunds: []limit.Limit{l, l}})
	if !errors.Is(err, errRepeatedKey) {
		t.Errorf("ReleaseAttempt: got error %v, want %v", err, errRepeatedKey)
	}
}

// A caller who gave up while it waited for the mutex changes nothing.
func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	s := New()
	ctx, cancel := context.WithCancel(t.Context())
	s.mu.Lock()
	done := make(chan error)
	go func() { done <- s.AppendEvent(ctx, identity.Event{ID: "1"}) }()
	cancel()
	s.mu.Unlock()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("AppendEvent: got error %v, want %v", err, context.Canceled)
	}
	if s.events.has("1") {
		t.Error("the event is stored")
	}
}
