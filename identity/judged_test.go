package identity_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

// A reset, a login or a purge commits only while the state that it judged still holds.

// onWatched runs a service whose store a test can interfere with.
func onWatched(t *testing.T, test func(t *testing.T, w *watched, f *identitytest.Fixture), configure ...func(*identity.Config)) {
	t.Helper()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &watched{Storage: open(t)}
			test(t, w, identitytest.New(t, append(configure, func(c *identity.Config) { c.Store = w })...))
		})
	}
}

// during runs change before the n-th call of that name.
func (w *watched) during(name string, n int, change func() error) {
	seen := 0
	w.watch(func(_ int, call string) error {
		if call == name {
			if seen++; seen == n {
				return change()
			}
		}
		return nil
	})
}

// If the user is disabled, moved or unverified, or the client is removed, while the new
// password is being hashed, nothing is committed.
func TestResetCommitsOnlyWhatItJudged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, s identity.Storage, u identity.User) error{
		"user disabled": func(t *testing.T, s identity.Storage, u identity.User) error {
			return s.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, Disabled: new(true)})
		},
		"number moved": func(t *testing.T, s identity.Storage, u identity.User) error {
			return s.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, Mobile: new("+8613900000000")})
		},
		"number unverified": func(t *testing.T, s identity.Storage, u identity.User) error {
			return s.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, VerifiedAt: new(time.Time{})})
		},
		"client disabled": func(t *testing.T, s identity.Storage, _ identity.User) error {
			return s.SetClientDisabled(t.Context(), identitytest.ClientID, true)
		},
		"user deleted": func(t *testing.T, s identity.Storage, u identity.User) error {
			return s.DeleteUser(t.Context(), "", u.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onWatched(t, func(t *testing.T, w *watched, f *identitytest.Fixture) {
				u := f.User(number, oldPassword)
				f.SendCode(number)
				code := f.Code(e164)
				w.during("RedeemCode", 1, func() error { return change(t, w.Storage, u) })
				wantErr(t, "reset", reset(f, f.Caller(), code, newPassword), identity.ErrCodeRefused)
				w.watch(nil)
				after, err := w.UserByID(t.Context(), "", u.ID)
				if err == nil && after.PasswordHash != u.PasswordHash {
					t.Error("the password was replaced")
				}
				if done := outcomesOf(t, f.Service, audit.PasswordReset); len(done) != 0 {
					t.Errorf("recorded as done: %v", done)
				}
			})
		})
	}
}

// A login that was judged against the old hash fails once the password has been
// replaced.
func TestLoginAgainstTheOldHashFails(t *testing.T) {
	t.Parallel()
	onWatched(t, func(t *testing.T, w *watched, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		f.SendCode(number)
		code := f.Code(e164)
		// The first call reads the hash that is compared, the second comes after the
		// comparison.
		w.during("UserByMobile", 2, func() error {
			other := *f
			other.Service = idleService(t, w.Storage, f.Clock, f.SMS, func(c *identity.Config) { c.AnswerStep = -1 })
			return reset(&other, f.Caller(), code, newPassword)
		})
		wantErr(t, "login with the old password", signIn(f, f.Caller(), number, oldPassword), identity.ErrWrongCredentials)
		w.watch(nil)
		wantErr(t, "login with the new password", signIn(f, f.Caller(), number, newPassword), nil)
	})
}

// Storage that fails five times, at any step of a reset, does not use up a right code.
func TestStorageFailuresUseUpNoCode(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"UserByMobile", "ClientByID", "RedeemCode"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			down := errors.New("storage down")
			onWatched(t, func(t *testing.T, w *watched, f *identitytest.Fixture) {
				f.User(number, oldPassword)
				f.SendCode(number)
				code := f.Code(e164)
				for range 5 {
					w.during(step, 1, func() error { return down })
					wantErr(t, "reset", reset(f, f.Caller(), code, newPassword), down)
				}
				w.watch(nil)
				wantErr(t, "reset", reset(f, f.Caller(), code, newPassword), nil)
			})
		})
	}
}

// A clock is ahead for one send, one guess and one login, and then right: no wait is
// longer than its limit's window, and Unlock ends it.
func TestClockThatWasAhead(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"a minute": time.Minute, "a day": 24 * time.Hour, "a year": 365 * 24 * time.Hour, "a minute behind": -time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				f.User(number, oldPassword)
				all := func(c identity.Caller) []error {
					return []error{send(f, c, number), enter(f, c, number), signIn(f, c, number, newPassword)}
				}
				f.Clock.Advance(ahead)
				all(f.Caller())
				f.Clock.Advance(-ahead)
				for range 12 {
					for i, err := range all(f.Caller()) {
						longest := 24 * time.Hour
						if i == 0 {
							longest = 10 * time.Minute // two sends, and no more yet
						}
						if wait, ok := rateLimited(err); ok && wait > longest {
							t.Errorf("call %d has to wait %s", i, wait)
						}
					}
				}
				if err := f.Unlock(t.Context(), "", number); err != nil {
					t.Fatal(err)
				}
				if err := all(f.Caller()); err[0] != nil || !errors.Is(err[1], identity.ErrCodeRefused) || !errors.Is(err[2], identity.ErrWrongCredentials) {
					t.Errorf("after Unlock: %v", err)
				}
			}, long, func(c *identity.Config) {
				c.Limits.SendsPerNumberAndNetwork = []limit.Rate{{Limit: 2, Per: 10 * time.Minute}}
			})
		})
	}
}

// A clock that is years ahead for a while purges nothing.
func TestWrongClockPurgesNothing(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { wrongClockPurgesNothing(t, open(t)) })
		})
	}
}

func wrongClockPurgesNothing(t *testing.T, store identity.Storage) {
	clock := identitytest.NewClock(time.Now())
	svc := idleService(t, store, clock, &smstest.Recorder{}, func(c *identity.Config) { c.EventRetention = time.Hour })
	user(t, svc)
	runService(t, svc)
	before := len(events(t, svc))
	const years = 10 * 365 * 24 * time.Hour
	for range 3 {
		clock.Advance(years)
		time.Sleep(8 * time.Minute) // of the bubble's clock: eight readings, fewer than must agree
		clock.Advance(-years)
		time.Sleep(2 * time.Minute)
	}
	if after := len(events(t, svc)); after != before {
		t.Errorf("%d of %d events are left", after, before)
	}
	clock.Advance(years)
	time.Sleep(15 * time.Minute)
	if after := len(events(t, svc)); after != 0 {
		t.Errorf("%d events are left although the clock has shown this time for long", after)
	}
}
