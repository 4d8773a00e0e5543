package identity_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// wantLimited fails unless the call is refused for now and passes afterwards.
func wantLimited(t *testing.T, f *identitytest.Fixture, what string, call func() error) {
	t.Helper()
	wait, ok := rateLimited(call())
	if !ok {
		t.Errorf("%s: not limited", what)
		return
	}
	f.Clock.Advance(wait - time.Millisecond)
	if _, ok := rateLimited(call()); !ok {
		t.Errorf("%s: passes before RetryAfter (%s)", what, wait)
	}
	f.Clock.Advance(time.Millisecond)
	if again, ok := rateLimited(call()); ok {
		t.Errorf("%s: still refused after RetryAfter (%s), now %s", what, wait, again)
	}
}

func TestSendLimits(t *testing.T) {
	t.Parallel()
	numbers := func(i int) string { return fmt.Sprintf("138%08d", i) }
	for name, test := range map[string]struct {
		passes int
		send   func(f *identitytest.Fixture, i int) error
		limits func(*identity.LimitPolicy)
	}{
		"cooldown per number": {passes: 1, send: func(f *identitytest.Fixture, i int) error { return send(f, device(f.Caller(), i), number) }},
		"per number in ten minutes": {passes: 3, send: func(f *identitytest.Fixture, i int) error {
			f.Clock.Advance(time.Minute)
			return send(f, device(f.Caller(), i), number)
		}},
		"per number in an hour": {passes: 5, send: func(f *identitytest.Fixture, i int) error {
			f.Clock.Advance(4 * time.Minute)
			return send(f, device(f.Caller(), i), number)
		}},
		"per number in a day": {passes: 10, send: func(f *identitytest.Fixture, i int) error {
			f.Clock.Advance(20 * time.Minute)
			return send(f, device(f.Caller(), i), number)
		}},
		"per address": {passes: 30, send: func(f *identitytest.Fixture, i int) error {
			return send(f, device(f.Caller(), i), numbers(i))
		}},
		"per IPv6 network": {passes: 30, send: func(f *identitytest.Fixture, i int) error {
			c := device(f.Caller(), i)
			c.Address = netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))
			return send(f, c, numbers(i))
		}},
		"per device": {passes: 10, send: func(f *identitytest.Fixture, i int) error {
			c := f.Caller()
			c.Address = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			return send(f, c, numbers(i))
		}},
		"in all": {passes: 40, limits: func(l *identity.LimitPolicy) { l.SendsTotal = []limit.Rate{{Limit: 40, Per: time.Hour}} },
			send: func(f *identitytest.Fixture, i int) error {
				c := device(f.Caller(), i)
				c.Address = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
				return send(f, c, numbers(i))
			}},
		"per client": {passes: 20, limits: func(l *identity.LimitPolicy) { l.SendsPerClient = []limit.Rate{{Limit: 20, Per: time.Hour}} },
			send: func(f *identitytest.Fixture, i int) error { return send(f, device(f.Caller(), i), numbers(i)) }},
		"per tenant": {passes: 20, limits: func(l *identity.LimitPolicy) { l.SendsPerTenant = []limit.Rate{{Limit: 20, Per: time.Hour}} },
			send: func(f *identitytest.Fixture, i int) error { return send(f, device(f.Caller(), i), numbers(i)) }},
		"per region": {passes: 20, limits: func(l *identity.LimitPolicy) {
			l.SendsPerRegion = map[string][]limit.Rate{"CN": {{Limit: 20, Per: time.Hour}}}
		}, send: func(f *identitytest.Fixture, i int) error { return send(f, device(f.Caller(), i), numbers(i)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				for i := range test.passes {
					if err := test.send(f, i); err != nil {
						t.Fatalf("send %d: %v", i+1, err)
					}
				}
				if _, ok := rateLimited(test.send(f, test.passes)); !ok {
					t.Fatalf("send %d is not limited", test.passes+1)
				}
			}, func(c *identity.Config) {
				if test.limits != nil {
					test.limits(&c.Limits)
				}
			})
		})
	}
}

func TestRetryAfterIsTrue(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		i := 0
		call := func() error { i++; return send(f, device(f.Caller(), i), number) }
		if err := call(); err != nil {
			t.Fatal(err)
		}
		for range 15 { // over the cooldown, ten minutes, the hour and the day
			wantLimited(t, f, "send", call)
		}
	})
}

// Known and unknown numbers hit every limit at the same count, for sends and
// for guesses: a count that differs tells who has an account.
func TestUnknownNumberHitsLimitsAtTheSameCount(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		const unknown = "12345678902"
		classify := func(err error) string {
			if wait, ok := rateLimited(err); ok {
				return "429 " + wait.String()
			}
			return fmt.Sprint(err)
		}
		guess := func(mobile string, i int) error {
			return f.ResetByMobile(t.Context(), identity.ResetRequest{
				Caller: device(f.Caller(), i%3), Mobile: mobile, Code: identity.NewSecret("0000000000"), Password: identity.NewSecret(newPassword),
			})
		}
		for i := range 60 {
			if i%4 == 0 {
				f.Clock.Advance(61 * time.Second)
				known, other := send(f, device(f.Caller(), i%3), number), send(f, device(f.Caller(), i%3), unknown)
				if classify(known) != classify(other) {
					t.Fatalf("send %d: known %s, unknown %s", i, classify(known), classify(other))
				}
			}
			known, other := guess(number, i), guess(unknown, i)
			if classify(known) != classify(other) {
				t.Fatalf("guess %d: known %s, unknown %s", i, classify(known), classify(other))
			}
		}
	}, func(c *identity.Config) {
		c.CodeDigits = 10 // so that the guess is never right
		// Shared by both numbers, so that the first one's spending would show in the second's.
		c.Limits.FailuresPerAddress = []limit.Rate{{Limit: 100_000, Per: time.Hour}}
		c.Limits.FailuresPerDevice = c.Limits.FailuresPerAddress
		c.Limits.SendsPerDevice = c.Limits.FailuresPerAddress
	})
}

// A resend refills nothing: five guesses at each of many codes end at ten for
// the device and twenty for the number, whatever device, address or spelling.
func TestResendRefillsNoAttempts(t *testing.T) {
	t.Parallel()
	spellings := []string{number, "+86" + number, "+86 123-4567-8901", "0086" + number, "１２３４５６７８９０１"}
	for name, test := range map[string]struct {
		device func(round int) int
		want   int
	}{
		"one device":   {func(int) int { return 0 }, 10},
		"many devices": {func(round int) int { return round }, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				f.User(number, oldPassword)
				evaluated := 0
				for round := range 10 {
					f.Clock.Advance(13 * time.Minute) // ten sends are never refused
					c := device(f.Caller(), test.device(round))
					c.Address = netip.AddrFrom4([4]byte{192, 0, 2, byte(round)})
					if err := send(f, c, spellings[round%len(spellings)]); err != nil {
						t.Fatal(err)
					}
					code := f.Code(e164)
					for i := range 5 {
						err := f.ResetByMobile(t.Context(), identity.ResetRequest{
							Caller: c, Mobile: spellings[(round+i)%len(spellings)], Code: identity.NewSecret(wrongCode(code)), Password: identity.NewSecret(newPassword),
						})
						if _, limited := rateLimited(err); !limited {
							evaluated++
						}
					}
				}
				if evaluated != test.want {
					t.Errorf("%d guesses evaluated, want %d", evaluated, test.want)
				}
			})
		})
	}
}

// Guesses of a device without a live code can match nothing, and use up nothing
// of the number's.
func TestNobodyUsesUpAnothersBudget(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		f.SendCode(number)
		code := f.Code(e164)
		for i := range 200 {
			c := device(f.Caller(), i)
			c.Address = netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
			wantErr(t, "guess", reset(f, c, wrongCode(code), newPassword), identity.ErrCodeRefused)
		}
		// Somebody else asks for codes too, and guesses at them.
		for i := range 2 {
			f.Clock.Advance(time.Minute)
			c := device(f.Caller(), 1000+i)
			c.Address = netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
			if err := send(f, c, number); err != nil {
				t.Fatal(err)
			}
			for range 7 {
				_ = reset(f, c, wrongCode(code), newPassword)
			}
		}
		if err := reset(f, f.Caller(), code, newPassword); err != nil {
			t.Errorf("the owner's code: %v", err)
		}
	})
}

func TestFailureLimits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		passes int
		caller func(f *identitytest.Fixture, i int) identity.Caller
		limits func(*identity.LimitPolicy)
	}{
		"per address": {60, func(f *identitytest.Fixture, i int) identity.Caller { return device(f.Caller(), i) }, nil},
		"per IPv6 network": {60, func(f *identitytest.Fixture, i int) identity.Caller {
			c := device(f.Caller(), i)
			c.Address = netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))
			return c
		}, nil},
		"in all": {70, func(f *identitytest.Fixture, i int) identity.Caller {
			c := device(f.Caller(), i)
			c.Address = netip.AddrFrom4([4]byte{198, 51, byte(i / 250), byte(i)})
			return c
		}, func(l *identity.LimitPolicy) {
			l.FailuresTotal = []limit.Rate{{Limit: 70, Per: time.Hour}}
			l.FailuresAlarm = limit.Rate{Limit: 50, Per: time.Hour}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				guess := func(i int) error {
					return f.ResetByMobile(t.Context(), identity.ResetRequest{
						Caller: test.caller(f, i), Mobile: fmt.Sprintf("138%08d", i), Code: identity.NewSecret("123456"), Password: identity.NewSecret(newPassword),
					})
				}
				for i := range test.passes {
					wantErr(t, fmt.Sprintf("guess %d", i+1), guess(i), identity.ErrCodeRefused)
				}
				if _, ok := rateLimited(guess(test.passes)); !ok {
					t.Errorf("guess %d is not limited", test.passes+1)
				}
				if test.limits == nil {
					return
				}
				alarms := 0
				for _, e := range events(t, f.Service) {
					if e.Type == identity.EventAlarm && e.Outcome == "fail.all" {
						alarms++
					}
				}
				if alarms != 1 {
					t.Errorf("%d alarms before the breaker tripped, want 1", alarms)
				}
			}, func(c *identity.Config) {
				if test.limits != nil {
					test.limits(&c.Limits)
				}
			})
		})
	}
}

// Fifty failures in a row bar SMS reset for the number, and not the login; an
// operator or a login ends it, a new code does not.
func TestFailuresInARowBarUntilCleared(t *testing.T) {
	t.Parallel()
	for name, unlock := range map[string]func(t *testing.T, f *identitytest.Fixture) error{
		"by an operator": func(t *testing.T, f *identitytest.Fixture) error { return f.Unlock(t.Context(), "", number) },
		"by a login": func(t *testing.T, f *identitytest.Fixture) error {
			_, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: number, Password: identity.NewSecret(oldPassword)})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				f.User(number, oldPassword)
				fresh := func() string {
					f.Clock.Advance(24 * time.Hour)
					f.SendCode(number)
					return f.Code(e164)
				}
				for range 10 {
					code := fresh()
					for range 5 {
						wantErr(t, "guess", reset(f, f.Caller(), wrongCode(code), newPassword), identity.ErrCodeRefused)
					}
				}
				wantErr(t, "right code while locked", reset(f, f.Caller(), fresh(), newPassword), identity.ErrCodeRefused)
				if err := unlock(t, f); err != nil {
					t.Fatal(err)
				}
				if err := reset(f, f.Caller(), fresh(), newPassword); err != nil {
					t.Errorf("after it was cleared: %v", err)
				}
			})
		})
	}
}

// Argo CD CVE-2024-21652: a flood of other keys evicted the victim's counter.
func TestFloodEvictsNoCounter(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	c := f.Caller()
	if err := send(f, c, number); err != nil {
		t.Fatal(err)
	}
	for i := range 20_000 {
		_, err := f.Store.Spend(t.Context(), []limit.Limit{{Key: limit.Key(fmt.Sprint("flood", i)), Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}}, f.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := rateLimited(send(f, device(c, 1), number)); !ok {
		t.Error("the victim's counter is gone")
	}
}
