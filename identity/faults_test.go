package identity_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

// watched is a store that records the calls of the use cases. Before each call it does
// what a test wants: nothing, fail, or cancel the context.
type watched struct {
	identity.Storage
	mu     sync.Mutex
	calls  []string
	before func(n int, call string) error
}

func (w *watched) note(call string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
	if w.before == nil {
		return nil
	}
	return w.before(len(w.calls), call)
}

// watch starts a new record, and runs before ahead of each call.
func (w *watched) watch(before func(n int, call string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.before = nil, before
}

func (w *watched) recorded() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

func (w *watched) ClientByID(ctx context.Context, id string) (identity.Client, error) {
	if err := w.note("ClientByID"); err != nil {
		return identity.Client{}, err
	}
	return w.Storage.ClientByID(ctx, id)
}

func (w *watched) UserByMobile(ctx context.Context, tenant, mobile string) (identity.User, error) {
	if err := w.note("UserByMobile"); err != nil {
		return identity.User{}, err
	}
	return w.Storage.UserByMobile(ctx, tenant, mobile)
}

func (w *watched) IssueCode(ctx context.Context, i identity.CodeIssue) ([]limit.Spent, error) {
	if err := w.note(fmt.Sprintf("IssueCode with %d charges, sealed %d bytes", len(i.Charges), len(i.Messages[0].Sealed))); err != nil {
		return nil, err
	}
	return w.Storage.IssueCode(ctx, i)
}

func (w *watched) ChargeAttempt(ctx context.Context, a identity.Attempt) (identity.ChargedAttempt, error) {
	if err := w.note(fmt.Sprintf("ChargeAttempt with %d+%d charges", len(a.Charges), len(a.LiveCharges))); err != nil {
		return identity.ChargedAttempt{}, err
	}
	return w.Storage.ChargeAttempt(ctx, a)
}

func (w *watched) RedeemCode(ctx context.Context, r identity.Redemption) error {
	if err := w.note("RedeemCode"); err != nil {
		return err
	}
	return w.Storage.RedeemCode(ctx, r)
}

func (w *watched) AppendEvent(ctx context.Context, e audit.Event, messages []outbox.Message) error {
	if err := w.note("AppendEvent"); err != nil {
		return err
	}
	return w.Storage.AppendEvent(ctx, e, messages)
}

// watchedService has a watched store. Its Run is only called by tests that need it.
func watchedService(t *testing.T, open func(testing.TB) identity.Storage) (*watched, *identity.Service, *identitytest.Clock, *smstest.Recorder) {
	w, clock, recorder := &watched{Storage: open(t)}, identitytest.NewClock(time.Now()), &smstest.Recorder{}
	return w, idleService(t, w, clock, recorder, func(c *identity.Config) { c.AnswerStep = -1 }), clock, recorder
}

func sendTo(ctx context.Context, s *identity.Service, mobile string) error {
	return s.SendVerifyCode(ctx, identity.SendRequest{Caller: caller(), Mobile: mobile, Purpose: identity.PurposeForgotPassword})
}

func resetWith(ctx context.Context, s *identity.Service, c identity.Caller, mobile, code string) error {
	return s.ResetByMobile(ctx, identity.ResetRequest{Caller: c, Mobile: mobile, Code: identity.NewSecret(code), Password: identity.NewSecret(newPassword)})
}

// Whatever the reason of a refusal, storage gets the same calls in the same order, and
// the sealed size is the same for a message and a decoy.
func TestSameWorkForEveryRefusal(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, svc, clock, recorder := watchedService(t, open)
			runService(t, svc)
			ctx := t.Context()
			codes := map[string]string{}
			numbers := map[string]string{"wrong": "13800000001", "used": "13800000002", "expired": "13800000003", "disabled": "13800000004", "no code": "13800000005", "other device": "13800000006"}
			for _, mobile := range numbers {
				if _, err := svc.CreateUser(ctx, identity.NewUser{Mobile: mobile, Verified: true, Password: identity.NewSecret(oldPassword)}); err != nil {
					t.Fatal(err)
				}
			}
			get := func(class string) {
				if err := sendTo(ctx, svc, numbers[class]); err != nil {
					t.Fatal(err)
				}
				m, err := recorder.Next(ctx, "+86"+numbers[class])
				if err != nil {
					t.Fatal(err)
				}
				codes[class] = m.Params["code"]
			}
			get("expired")
			clock.Advance(5 * time.Minute)
			for _, class := range []string{"wrong", "used", "disabled", "other device"} {
				get(class)
			}
			if err := resetWith(ctx, svc, caller(), numbers["used"], codes["used"]); err != nil {
				t.Fatal(err)
			}
			u, err := svc.UserByMobile(ctx, "", numbers["disabled"])
			if err != nil {
				t.Fatal(err)
			}
			disabled := true
			if err := svc.UpdateUser(ctx, identity.UserChange{ID: u.ID, Disabled: &disabled}); err != nil {
				t.Fatal(err)
			}
			if err := sendTo(ctx, svc, "13800000099"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "deliveries are over", func() bool { return inState(t, svc, outbox.Pending) == 0 })

			other := caller()
			other.Device = "another"
			var first []string
			for class, guess := range map[string]func() error{
				"wrong code":         func() error { return resetWith(ctx, svc, caller(), numbers["wrong"], wrongCode(codes["wrong"])) },
				"used":               func() error { return resetWith(ctx, svc, caller(), numbers["used"], codes["used"]) },
				"expired":            func() error { return resetWith(ctx, svc, caller(), numbers["expired"], codes["expired"]) },
				"disabled":           func() error { return resetWith(ctx, svc, caller(), numbers["disabled"], codes["disabled"]) },
				"no code":            func() error { return resetWith(ctx, svc, caller(), numbers["no code"], "123456") },
				"other device":       func() error { return resetWith(ctx, svc, other, numbers["other device"], codes["other device"]) },
				"unknown":            func() error { return resetWith(ctx, svc, caller(), "13800000098", "123456") },
				"unknown with decoy": func() error { return resetWith(ctx, svc, caller(), "13800000099", "123456") },
			} {
				w.watch(nil)
				if err := guess(); !errors.Is(err, identity.ErrCodeRefused) || err.Error() != identity.ErrCodeRefused.Error() {
					t.Errorf("%s: %v", class, err)
				}
				if got := w.recorded(); first == nil {
					first = got
				} else if !slices.Equal(got, first) {
					t.Errorf("%s: calls %q, others %q", class, got, first)
				}
			}

			first = nil
			clock.Advance(time.Hour)
			for _, mobile := range []string{numbers["wrong"], numbers["disabled"], "13800000097"} {
				eventually(t, "deliveries are over", func() bool { return inState(t, svc, outbox.Pending) == 0 })
				w.watch(nil)
				if err := sendTo(ctx, svc, mobile); err != nil {
					t.Fatal(err)
				}
				// The caller waits for these calls. Run makes the calls after them, in lanes of its
				// own.
				if got := w.recorded()[:3]; first == nil {
					first = got
				} else if !slices.Equal(got, first) {
					t.Errorf("send: calls %q, others %q", got, first)
				}
			}
		})
	}
}

// If storage fails, or the caller leaves, before any call of a reset, the password and
// the code stay as they were, and the code can still be used.
func TestResetIsAllOrNothing(t *testing.T) {
	t.Parallel()
	down := errors.New("storage down")
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, svc, clock, recorder := watchedService(t, open)
			user(t, svc)
			stop := runService(t, svc)
			if err := sendTo(t.Context(), svc, number); err != nil {
				t.Fatal(err)
			}
			m, err := recorder.Next(t.Context(), e164)
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "delivered", func() bool { return inState(t, svc, outbox.Delivered) == 1 })
			stop()
			before, err := svc.UserByMobile(t.Context(), "", number)
			if err != nil {
				t.Fatal(err)
			}
			faults := 0
			for step := 1; ; step++ {
				ctx, cancel := context.WithCancel(t.Context())
				kinds := []func(n int, call string) error{
					func(n int, _ string) error {
						if n == step {
							return down
						}
						return nil
					},
					func(n int, _ string) error {
						if n == step {
							cancel()
						}
						return nil
					},
				}
				reached := false
				for _, kind := range kinds {
					w.watch(func(n int, call string) error {
						reached = reached || n == step
						return kind(n, call)
					})
					err := resetWith(ctx, svc, caller(), number, m.Params["code"])
					w.watch(nil)
					if !reached {
						break // no such call: the reset succeeded
					}
					faults++
					if err == nil || errors.Is(err, identity.ErrCodeRefused) {
						t.Fatalf("%d: %v", step, err)
					}
					after, err := svc.UserByMobile(t.Context(), "", number)
					if err != nil || after != before {
						t.Fatalf("%d: the user changed: %v", step, err)
					}
					if n := len(messages(t, svc)); n != 1 {
						t.Fatalf("%d: %d messages", step, n)
					}
				}
				cancel()
				if !reached {
					break
				}
			}
			if faults < 8 {
				t.Fatalf("only %d faults were tried", faults)
			}
			if !passwordOf(t, w, newPassword) {
				t.Error("the code could not be used after the faults")
			}
			// The answer was lost and the caller tries again: the code is refused, and there is
			// no second notice.
			clock.Advance(time.Second)
			wantErr(t, "retry", resetWith(t.Context(), svc, caller(), number, m.Params["code"]), identity.ErrCodeRefused)
			if n := len(messages(t, svc)); n != 2 {
				t.Errorf("%d messages, want the code and one notice", n)
			}
		})
	}
}

func passwordOf(t *testing.T, s identity.Storage, password string) bool {
	t.Helper()
	return passwordIs(t, &identitytest.Fixture{Store: s}, password)
}

// While the storage that counts is down, nothing is sent and no code is compared.
func TestLimitsFailClosed(t *testing.T) {
	t.Parallel()
	down := errors.New("storage down")
	w, svc, _, recorder := watchedService(t, stores["memory"])
	user(t, svc)
	runService(t, svc)
	w.watch(func(_ int, call string) error {
		if call != "ClientByID" && call != "UserByMobile" {
			return down
		}
		return nil
	})
	wantErr(t, "send", sendTo(t.Context(), svc, number), down)
	wantErr(t, "reset", resetWith(t.Context(), svc, caller(), number, "123456"), down)
	w.watch(nil)
	if n := recorder.Attempts(); n != 0 {
		t.Errorf("%d messages sent", n)
	}
	wantErr(t, "send, once it is back", sendTo(t.Context(), svc, number), nil)
}
