package identity_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// taker is a sender that says which of several providers took a message.
type taker struct {
	sms.Sender
	provider atomic.Value
}

func (s *taker) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	accepted, err := s.Sender.Send(ctx, m)
	accepted.Provider = s.provider.Load().(string)
	return accepted, err
}

// takenBy makes a provider take the messages of a service.
func takenBy(c *identity.Config, provider string) *taker {
	s := &taker{Sender: c.SMS}
	s.provider.Store(provider)
	c.SMS = s
	return s
}

// providersOf returns the providers of the events of a type, in order.
func (w *watcher) providersOf(typ audit.Type) (providers []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.all {
		if o.Kind == observe.KindEvent && o.Outcome == string(typ) {
			providers = append(providers, o.Provider)
		}
	}
	return providers
}

// others returns the events that have a provider and are not of the types.
func (w *watcher) others(types ...audit.Type) (outcomes []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.all {
		if o.Kind == observe.KindEvent && o.Provider != "" && !slices.Contains(types, audit.Type(o.Outcome)) {
			outcomes = append(outcomes, o.Outcome)
		}
	}
	return outcomes
}

// Two servers share one store. The one that redeems a code has not delivered it, and still
// knows which provider took it. A second code, delivered by another provider, counts for
// that provider.
func TestRedemptionsCountByProvider(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, w := open(t), &watcher{}
			var sender *taker
			delivers := identitytest.New(t, serveAll, func(c *identity.Config) { c.Store, sender = store, takenBy(c, "one") })
			redeems := idleService(t, store, delivers.Clock, delivers.SMS, serveAll, func(c *identity.Config) { c.Observer, c.AnswerStep = w, -1 })
			delivers.User(number, oldPassword)
			code := func(p identity.Purpose) identity.Secret {
				t.Helper()
				if err := redeems.SendVerifyCode(t.Context(), identity.SendRequest{Caller: delivers.Caller(), Mobile: number, Purpose: p}); err != nil {
					t.Fatal(err)
				}
				delivers.Nudge()
				return identity.NewSecret(delivers.Code(number))
			}
			resetBy := func(password string) {
				t.Helper()
				r := identity.ResetRequest{Caller: delivers.Caller(), Mobile: number, Code: code(identity.PurposeForgotPassword), Password: identity.NewSecret(password)}
				wrong := r
				wrong.Code = identity.NewSecret(wrongCode(r.Code.Reveal()))
				wantErr(t, "a wrong code", redeems.ResetByMobile(t.Context(), wrong), identity.ErrCodeRefused)
				if err := redeems.ResetByMobile(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			resetBy(newPassword)
			sender.provider.Store("two")
			resetBy("amber-Lantern-27")
			_, err := redeems.RedeemVerifyCode(t.Context(), identity.RedeemRequest{Caller: delivers.Caller(), Mobile: number, Purpose: identity.PurposeLogin, Code: code(identity.PurposeLogin)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"one", "two"}, w.providersOf(audit.PasswordReset)); diff != "" {
				t.Errorf("resets by provider (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"two"}, w.providersOf(audit.CodeRedeemed)); diff != "" {
				t.Errorf("other redemptions by provider (-want +got):\n%s", diff)
			}
			if got := w.others(audit.PasswordReset, audit.CodeRedeemed); len(got) > 0 {
				t.Errorf("other events name a provider: %q", got)
			}
		})
	}
}

// A reset of users in another database counts by provider in both of its events.
func TestRedemptionsApartCountByProvider(t *testing.T) {
	t.Parallel()
	w := &watcher{}
	sc := newApart(t, func(c *identity.Config) { c.Observer = w; takenBy(c, "one") })
	if err := sc.reset(t.Context(), sc.Code(apartMobile), apartNext); err != nil {
		t.Fatal(err)
	}
	for _, typ := range []audit.Type{audit.CodeRedeemed, audit.PasswordReset} {
		if diff := cmp.Diff([]string{"one"}, w.providersOf(typ)); diff != "" {
			t.Errorf("%s by provider (-want +got):\n%s", typ, diff)
		}
	}
}

// forgetful is a store that loses the results of deliveries, and notes whether a guess
// asks for providers.
type forgetful struct {
	identity.Storage
	asked atomic.Bool
}

func (f *forgetful) FinishMessages(context.Context, []outbox.Result) ([]string, error) {
	return nil, errors.New("the server died")
}

func (f *forgetful) ChargeAttempt(ctx context.Context, a identity.Attempt) (identity.ChargedAttempt, error) {
	f.asked.Store(a.Providers)
	return f.Storage.ChargeAttempt(ctx, a)
}

// A code that is redeemed before its delivery is recorded counts for no provider. Without
// an observer, the store is not asked.
func TestRedemptionsWithoutAProvider(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*watcher{"observed": {}, "not observed": nil} {
		store := &forgetful{Storage: memory.New()}
		f := identitytest.New(t, func(c *identity.Config) {
			c.Store = store
			if w != nil {
				c.Observer = w
			}
		})
		f.User(number, oldPassword)
		f.SendCode(number)
		m, err := f.SMS.Next(t.Context(), e164)
		if err != nil {
			t.Fatal(err)
		}
		if err := reset(f, f.Caller(), m.Params["code"], newPassword); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if store.asked.Load() != (w != nil) {
			t.Errorf("%s: the store is asked for providers: %v", name, store.asked.Load())
		}
		if w == nil {
			continue
		}
		if diff := cmp.Diff([]string{""}, w.providersOf(audit.PasswordReset)); diff != "" {
			t.Errorf("resets by provider (-want +got):\n%s", diff)
		}
	}
}
