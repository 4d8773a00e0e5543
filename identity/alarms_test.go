package identity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// Several services on one store raise one alarm per window together, and one more in
// each window for as long as the cause lasts.
func TestAlarmsOncePerWindow(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		services := []*identity.Service{f.Service}
		for range 3 {
			services = append(services, idleService(t, f.Store, f.Clock, f.SMS, long, identitytest.Lift, alarmsAtFive, func(c *identity.Config) { c.AnswerStep = -1 }))
		}
		n := 0
		guesses := func(count int) {
			for range count {
				n++
				one := *f
				one.Service = services[n%len(services)]
				wantErr(t, "guess", guess(&one, at(device(f.Caller(), n), v4(n)), number), identity.ErrCodeRefused)
			}
		}
		guesses(4)
		if alarms := outcomesOf(t, f.Service, audit.LimitAlarm); len(alarms) != 0 {
			t.Errorf("alarms below the level: %v", alarms)
		}
		for window := 1; window <= 3; window++ {
			for range 6 {
				guesses(5)
				settled(t, f)
				f.Clock.Advance(10 * time.Minute)
			}
			if alarms := outcomesOf(t, f.Service, audit.LimitAlarm); alarms["wrong codes in total"] != window {
				t.Errorf("after %d hours: alarms %v", window, alarms)
			}
		}
		settled(t, f)
		f.Clock.Advance(2 * time.Hour)
		guesses(4)
		if alarms := outcomesOf(t, f.Service, audit.LimitAlarm); alarms["wrong codes in total"] != 3 {
			t.Errorf("after it was over: alarms %v", alarms)
		}
	}, long, identitytest.Lift, alarmsAtFive)
}

func alarmsAtFive(c *identity.Config) { c.Limits.FailuresAlarm = limit.Rate{Limit: 5, Per: time.Hour} }

// A number that is locked for strangers is recorded once an hour, with the reason.
func TestLockIsRecordedOnceAnHour(t *testing.T) {
	t.Parallel()
	for outcome, call := range map[string]func(f *identitytest.Fixture, c identity.Caller) error{
		"too many wrong codes from new devices":   func(f *identitytest.Fixture, c identity.Caller) error { return guess(f, c, number) },
		"too many failed logins from new devices": func(f *identitytest.Fixture, c identity.Caller) error { return signIn(f, c, number, newPassword) },
	} {
		t.Run(outcome, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				f.User(number, oldPassword)
				for i := range 90 {
					_ = call(f, at(device(f.Caller(), i), v4(i)))
					settled(t, f)
					f.Clock.Advance(2 * time.Minute)
				}
				// The number is locked after three calls, at minute six; the calls go on for 174
				// minutes.
				if locks := outcomesOf(t, f.Service, audit.UserLocked); locks[outcome] != 3 || len(locks) != 1 {
					t.Errorf("locks %v", locks)
				}
			}, long, identitytest.Lift, func(c *identity.Config) {
				day := []limit.Rate{{Limit: 3, Per: 24 * time.Hour}}
				c.Limits.FailuresPerNumber, c.Limits.LoginsPerNumber = day, day
			})
		})
	}
}

// A send for a purpose that is not served is refused before anything is charged or
// read.
func TestUnservedPurposeCostsNothing(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, svc, _, _ := watchedService(t, open)
			w.watch(func(int, string) error { return errors.New("storage is asked") })
			for _, p := range []identity.Purpose{identity.PurposeLogin, identity.PurposeRegister, identity.PurposeBindMobile, "OTHER", ""} {
				err := svc.SendVerifyCode(t.Context(), identity.SendRequest{Caller: caller(), Mobile: number, Purpose: p})
				wantErr(t, "send for "+string(p), err, identity.ErrUnknownPurpose)
				_, err = svc.RedeemVerifyCode(t.Context(), identity.RedeemRequest{Caller: caller(), Mobile: number, Purpose: p, Code: identity.NewSecret("123456"), UserID: "u"})
				wantErr(t, "redeem for "+string(p), err, identity.ErrUnknownPurpose)
			}
			if calls := w.recorded(); len(calls) != 0 {
				t.Errorf("storage calls %v", calls)
			}
		})
	}
}
