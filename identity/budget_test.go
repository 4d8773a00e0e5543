package identity_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

func perHour(n int) []limit.Rate { return []limit.Rate{{Limit: n, Per: time.Hour}} }

// users makes users with the numbers from first up to, but not including, last.
func users(t testing.TB, f *identitytest.Fixture, first, last int) {
	t.Helper()
	for i := first; i < last; i++ {
		if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: mobileOf(i), Verified: true, PasswordHash: identity.NewSecret(bcryptHash)}); err != nil {
			t.Fatal(err)
		}
	}
}

// settled waits until every code is delivered, or refused.
func settled(t testing.TB, f *identitytest.Fixture) {
	t.Helper()
	eventually(t, "codes are delivered or refused", func() bool {
		backlog, err := f.Store.Backlog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.Nudge()
		for _, b := range backlog {
			if b.Lane == outbox.LaneCode {
				return false
			}
		}
		return true
	})
}

// outcomesOf counts the events of a type by outcome.
func outcomesOf(t testing.TB, s *identity.Service, typ audit.Type) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, e := range events(t, s) {
		if e.Type == typ {
			counts[e.Outcome]++
		}
	}
	return counts
}

// Money is charged when a message is handed over to the provider, so sends to numbers
// without a user cost nothing. A message that the budget refuses is not sent, is in the
// audit trail, and raises one alarm. No answer shows the budget.
func TestBudgetIsChargedAtDelivery(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		budget func(*identity.BudgetPolicy)
		other  int // a number that another budget pays for; 0 for none
	}{
		"messages in total":   {func(b *identity.BudgetPolicy) { b.Total = perHour(5) }, 0},
		"messages per client": {func(b *identity.BudgetPolicy) { b.PerClient = perHour(5) }, 0},
		"messages per tenant": {func(b *identity.BudgetPolicy) { b.PerTenant = perHour(5) }, 0},
		"messages per region": {func(b *identity.BudgetPolicy) { b.PerRegion = map[string][]limit.Rate{"CN": perHour(5)} }, 0},
		"messages per prefix": {func(b *identity.BudgetPolicy) { b.PerPrefix = perHour(5) }, 500_000},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				for i := range 20 {
					wantErr(t, "send to a number without a user", send(f, at(device(f.Caller(), i), v4(i)), mobileOf(1000+i)), nil)
				}
				users(t, f, 0, 9)
				for i := range 9 {
					wantErr(t, "send", send(f, at(device(f.Caller(), i), v4(i)), mobileOf(i)), nil)
				}
				settled(t, f)
				if n := len(f.SMS.All()); n != 5 {
					t.Errorf("%d messages paid, want 5", n)
				}
				refused, alarms := outcomesOf(t, f.Service, audit.SendRefused), outcomesOf(t, f.Service, audit.LimitAlarm)
				if refused["limit reached: "+rule] != 4 || alarms[rule] != 1 {
					t.Errorf("refused %v, alarms %v", refused, alarms)
				}
				if test.other != 0 {
					users(t, f, test.other, test.other+1)
					wantErr(t, "send elsewhere", send(f, at(f.Caller(), v4(50)), mobileOf(test.other)), nil)
					f.Code("+86" + mobileOf(test.other))
				}
				f.Clock.Advance(time.Hour)
				wantErr(t, "send an hour later", send(f, at(device(f.Caller(), 0), v4(60)), mobileOf(0)), nil)
				settled(t, f)
				if n := len(f.SMS.All()); n < 6 {
					t.Errorf("%d messages paid an hour later", n)
				}
			}, func(c *identity.Config) {
				test.budget(&c.Budget)
				c.Budget.Alarm = limit.Rate{Limit: 1_000_000, Per: time.Hour}
			})
		})
	}
}

// A notice is not lost while the budget is used up: it waits.
func TestNoticeWaitsForTheBudget(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		f.SendCode(number)
		if err := reset(f, f.Caller(), f.Code(e164), newPassword); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the notice was tried", func() bool {
			return slices.ContainsFunc(messages(t, f.Service), func(m outbox.Message) bool { return m.State == outbox.Pending && m.LastError != "" })
		})
		// One alarm when the code uses the budget up, and one when the notice is refused.
		if n := outcomesOf(t, f.Service, audit.LimitAlarm)["messages in total"]; n != 2 {
			t.Errorf("%d alarms, want 2", n)
		}
		if n := len(f.SMS.All()); n != 1 {
			t.Errorf("%d messages, want the code alone", n)
		}
		f.Clock.Advance(61 * time.Minute)
		f.Nudge()
		f.Message(e164, sms.KindPasswordChanged)
	}, func(c *identity.Config) { c.Budget.Total = perHour(1) })
}

// A message that the provider refused is given back to the budget.
func TestMoneyIsGivenBack(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		users(t, f, 0, 12)
		f.SMS.FailNext(8, &sms.Error{Outcome: sms.Permanent, Err: errors.New("refused")})
		for i := range 8 {
			wantErr(t, "send", send(f, at(device(f.Caller(), i), v4(i)), mobileOf(i)), nil)
			settled(t, f)
		}
		for i := 8; i < 12; i++ {
			wantErr(t, "send", send(f, at(device(f.Caller(), i), v4(i)), mobileOf(i)), nil)
		}
		settled(t, f)
		if n := len(f.SMS.All()); n != 3 {
			t.Errorf("%d messages of a budget of 3", n)
		}
	}, func(c *identity.Config) { c.Budget.Total = perHour(3) })
}

// Codes that are never redeemed raise an alarm and, in the mode enforce, are no longer
// sent. Redeemed codes do not count.
func TestUnredeemedCodes(t *testing.T) {
	t.Parallel()
	const most = 4
	for mode, want := range map[limit.Mode]struct{ sent, alarms int }{
		limit.Record: {10, 1}, limit.Enforce: {most, 1}, limit.Off: {10, 0},
	} {
		for rule, test := range map[string]struct {
			budget func(*identity.BudgetPolicy)
			caller func(f *identitytest.Fixture, i int) identity.Caller
			mobile func(i int) int
		}{
			"unredeemed codes per prefix": {func(b *identity.BudgetPolicy) { b.UnredeemedPerPrefix = perHour(most) },
				func(f *identitytest.Fixture, i int) identity.Caller { return at(f.Caller(), v4(i)) }, func(i int) int { return i }},
			"unredeemed codes per network": {func(b *identity.BudgetPolicy) { b.UnredeemedPerNetwork = perHour(most) },
				func(f *identitytest.Fixture, i int) identity.Caller { return at(f.Caller(), v4(0)) }, func(i int) int { return i * 10_000 }},
			"unredeemed codes per region": {func(b *identity.BudgetPolicy) { b.UnredeemedPerRegion = perHour(most) },
				func(f *identitytest.Fixture, i int) identity.Caller { return at(f.Caller(), v4(i)) }, func(i int) int { return i * 10_000 }},
		} {
			t.Run(fmt.Sprint(mode, "/", rule), func(t *testing.T) {
				t.Parallel()
				onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
					for i := range 10 { // redeemed ones first
						n := test.mobile(i)
						users(t, f, n, n+1)
						if i >= 3 {
							continue
						}
						c := test.caller(f, i)
						wantErr(t, "send", send(f, c, mobileOf(n)), nil)
						wantErr(t, "reset", f.ResetByMobile(t.Context(), identity.ResetRequest{
							Caller: c, Mobile: mobileOf(n), Code: identity.NewSecret(f.Code("+86" + mobileOf(n))), Password: identity.NewSecret(newPassword),
						}), nil)
					}
					f.Clock.Advance(2 * time.Minute)
					before := codesIn(f.SMS.All())
					for i := range 10 {
						wantErr(t, "send", send(f, test.caller(f, i), mobileOf(test.mobile(i))), nil)
						settled(t, f)
					}
					want := want
					if strings.HasSuffix(rule, "region") && mode == limit.Enforce {
						want.sent = 10 // a region is never refused
					}
					if n := codesIn(f.SMS.All()) - before; n != want.sent {
						t.Errorf("%d codes sent, want %d", n, want.sent)
					}
					if alarms := outcomesOf(t, f.Service, audit.LimitAlarm); alarms[rule] != want.alarms || len(alarms) > 1 {
						t.Errorf("alarms %v", alarms)
					}
				}, func(c *identity.Config) {
					identitytest.Lift(c)
					c.Budget.Unredeemed = mode
					test.budget(&c.Budget)
				})
			})
		}
	}
}

func codesIn(messages []sms.Message) (n int) {
	for _, m := range messages {
		if m.Kind == sms.KindVerifyCode {
			n++
		}
	}
	return n
}
