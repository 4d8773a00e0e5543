package identity_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// hanging waits until it is released, even if its context ends.
type hanging struct{ release chan struct{} }

func (h hanging) wait() { <-h.release }

func (h hanging) OnPasswordReset(context.Context, identity.PasswordResetEvent) error {
	h.wait()
	return nil
}

func (h hanging) OnEvent(context.Context, audit.Event) error {
	h.wait()
	return nil
}

func (h hanging) VerifyCaptcha(context.Context, identity.CaptchaRequest) error {
	h.wait()
	return nil
}

func (h hanging) Breached(context.Context, identity.Secret) (bool, error) {
	h.wait()
	return false, nil
}

// hangingFor hangs for some of the numbers.
type hangingFor struct {
	hanging
	numbers func(e164 string) bool
}

func (h hangingFor) AllowSend(_ context.Context, r identity.GuardRequest) error {
	if h.numbers(r.User.Mobile) {
		h.wait()
	}
	return nil
}

func (h hangingFor) AllowReset(ctx context.Context, r identity.GuardRequest) error {
	return h.AllowSend(ctx, r)
}

// inTime runs a test on a fake clock that jumps to the next event.
func inTime(t *testing.T, configure func(*identity.Config, hanging), test func(*testing.T, *identitytest.Fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := hanging{make(chan struct{})}
		f := identitytest.New(t, identitytest.Lift, func(c *identity.Config) {
			c.Now = time.Now
			configure(c, h)
		})
		t.Cleanup(func() { close(h.release) })
		test(t, f)
	})
}

// within measures how long something takes on that clock.
func within(t *testing.T, what string, limit time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took > limit {
		t.Errorf("%s took %s, want at most %s", what, took, limit)
	}
}

// codeLeaves sends a code to a new user and waits until it is delivered.
func codeLeaves(t *testing.T, f *identitytest.Fixture, i int) {
	t.Helper()
	users(t, f, i, i+1)
	within(t, "a code", time.Second, func() {
		wantErr(t, "send", send(f, at(device(f.Caller(), i), v4(i)), mobileOf(i)), nil)
		f.Code("+86" + mobileOf(i))
	})
}

// codeLeavesAndResets calls codeLeaves, resets the password with the code, and waits
// for the notice.
func codeLeavesAndResets(t *testing.T, f *identitytest.Fixture, i int) {
	t.Helper()
	users(t, f, i, i+1)
	c := at(device(f.Caller(), i), v4(i))
	within(t, "a reset and its notice", 2*time.Second, func() {
		wantErr(t, "send", send(f, c, mobileOf(i)), nil)
		code := f.Code("+86" + mobileOf(i))
		err := f.ResetByMobile(t.Context(), identity.ResetRequest{
			Caller: c, Mobile: mobileOf(i), Code: identity.NewSecret(code), Password: identity.NewSecret(newPassword),
		})
		wantErr(t, "reset", err, nil)
		f.Message("+86"+mobileOf(i), sms.KindPasswordChanged)
	})
}

// Event functions that hang, and ignore their context, delay events only.
func TestHangingEventFunctionsDelayNoCode(t *testing.T) {
	t.Parallel()
	for name, configure := range map[string]func(*identity.Config, hanging){
		"OnPasswordReset": func(c *identity.Config, h hanging) { c.OnPasswordReset = h.OnPasswordReset },
		"OnEvent":         func(c *identity.Config, h hanging) { c.OnEvent = h.OnEvent },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, configure, func(t *testing.T, f *identitytest.Fixture) {
				for i := range 8 { // twice as many as there are workers for events
					codeLeavesAndResets(t, f, i)
				}
				time.Sleep(5 * time.Minute)
				codeLeavesAndResets(t, f, 8)
				for _, m := range messages(t, f.Service) {
					old := time.Since(m.CreatedAt) > time.Minute
					if old && m.Lane == outbox.LaneEvent && (m.Attempts < 2 || !strings.Contains(m.LastError, "has not returned")) {
						t.Fatalf("an event was tried %d times within five minutes, last error %q", m.Attempts, m.LastError)
					}
				}
			})
		})
	}
}

// A guard that hangs for some numbers, such as those of one network operator whose
// SIM-change service is down, delays no code and no reset of other numbers.
func TestHangingGuardDelaysNoOtherCode(t *testing.T) {
	t.Parallel()
	const held = 300 // more than there are workers for codes
	first := func(e164 string) bool {
		var i int
		_, err := fmt.Sscanf(e164, "+86138%d", &i)
		return err != nil || i < held
	}
	inTime(t, func(c *identity.Config, h hanging) { c.Guard = hangingFor{h, first} }, func(t *testing.T, f *identitytest.Fixture) {
		users(t, f, 0, held)
		for i := range held {
			wantErr(t, "send", send(f, at(device(f.Caller(), i), v4(i)), mobileOf(i)), nil)
		}
		for i := range 5 {
			codeLeavesAndResets(t, f, held+i)
		}
		time.Sleep(10 * time.Second)
		for _, m := range messages(t, f.Service) {
			if m.State == outbox.Pending && m.Lane == outbox.LaneCode && !strings.Contains(m.LastError, "has not returned") {
				t.Fatalf("a held message after 10 s: %+v", m)
			}
		}
		codeLeaves(t, f, held+10)
	})
}

// A guard that hangs when it is asked about a reset fails that reset. The code loses no
// attempt.
func TestHangingGuardEndsTheReset(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	hangs := false
	set := func(now bool) { mu.Lock(); defer mu.Unlock(); hangs = now }
	all := func(string) bool { mu.Lock(); defer mu.Unlock(); return hangs }
	inTime(t, func(c *identity.Config, h hanging) { c.Guard = hangingFor{h, all} }, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		f.SendCode(number)
		code := f.Code(e164)
		set(true)
		for range 7 {
			within(t, "the reset", 6*time.Second, func() {
				wantHookError(t, reset(f, f.Caller(), code, newPassword), "Guard")
			})
		}
		set(false)
		wantErr(t, "reset", reset(f, f.Caller(), code, newPassword), nil)
	})
}

func wantHookError(t *testing.T, err error, name string) {
	t.Helper()
	if e, ok := errors.AsType[*identity.HookError](err); !ok || e.Hook != name || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want one of the hook %s that ran out of time", err, name)
	}
}

// A CAPTCHA verifier that hangs fails each send that asked it, even if more ask than
// may wait. Requests without a CAPTCHA are served.
func TestHangingCaptchaEndsTheSend(t *testing.T) {
	t.Parallel()
	inTime(t, func(c *identity.Config, h hanging) { c.Captcha = h }, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		within(t, "1,500 sends at the same time", 7*time.Second, func() {
			atOnce(1500, func(int) error {
				err := f.SendVerifyCode(t.Context(), identity.SendRequest{
					Caller: f.Caller(), Mobile: number, Purpose: identity.PurposeForgotPassword, CaptchaToken: "token",
				})
				if e, ok := errors.AsType[*identity.HookError](err); !ok || e.Hook != "Captcha" {
					t.Errorf("send: %v", err)
				}
				return err
			})
		})
		within(t, "a login", time.Second, func() {
			_, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: number, Password: identity.NewSecret(oldPassword)})
			wantErr(t, "login", err, nil)
		})
	})
}

// A breached-password service that hangs fails each request that asked it. No login has
// to wait for a hash because of it.
func TestHangingBreachLookUpEndsTheReset(t *testing.T) {
	t.Parallel()
	inTime(t, func(c *identity.Config, h hanging) { c.Breached, c.HashQueue = h, 10 }, func(t *testing.T, f *identitytest.Fixture) {
		u := identity.NewUser{Mobile: number, Verified: true, PasswordHash: identity.NewSecret(bcryptHash)}
		if _, err := f.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		f.SendCode(number)
		code := f.Code(e164)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { wantHookError(t, reset(f, f.Caller(), code, newPassword), "Breached") })
			synctest.Wait()
		}
		within(t, "a login and a code meanwhile", time.Second, func() {
			_, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: number, Password: identity.NewSecret("wrong")})
			wantErr(t, "login", err, identity.ErrWrongCredentials)
			codeLeaves(t, f, 1)
		})
		within(t, "the resets", 6*time.Second, wg.Wait)
	})
}

// A provider that never returns, and ignores its context, occupies no worker: each send
// ends as one that may have arrived, and the next code gets its turn.
func TestHangingProviderKeepsNoWorker(t *testing.T) {
	t.Parallel()
	const held = 30
	inTime(t, func(c *identity.Config, h hanging) {
		good := c.SMS
		c.SendConcurrency = 10
		c.SMS = senderFunc(func(ctx context.Context, m sms.Message) (sms.Accepted, error) {
			if strings.HasSuffix(m.To, "0") {
				h.wait()
			}
			return good.Send(ctx, m)
		})
	}, func(t *testing.T, f *identitytest.Fixture) {
		users(t, f, 0, 10*held)
		for i := range held {
			wantErr(t, "send", send(f, at(device(f.Caller(), i), v4(i)), mobileOf(10*i)), nil)
		}
		time.Sleep(time.Minute)
		if n := inState(t, f.Service, outbox.Uncertain); n != held {
			t.Errorf("%d sends ended as uncertain, want %d", n, held)
		}
		codeLeaves(t, f, 1001)
	})
}

// The pauses of a failing event function grow to hours. Its log lines are of a kind of
// their own, so they hide no lines about other failures.
func TestFailingHookIsLoggedApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		var mu sync.Mutex
		var calls []time.Time
		f := identitytest.New(t, func(c *identity.Config) {
			c.Now = time.Now
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			c.OnPasswordReset = func(context.Context, identity.PasswordResetEvent) error {
				mu.Lock()
				defer mu.Unlock()
				calls = append(calls, time.Now())
				return errors.New("session store down")
			}
			good, failed := c.SMS, false
			c.SMS = senderFunc(func(ctx context.Context, m sms.Message) (sms.Accepted, error) {
				if m.Kind == sms.KindPasswordChanged && !failed {
					failed = true
					return sms.Accepted{}, &sms.Error{Outcome: sms.Temporary, Err: errors.New("provider down")}
				}
				return good.Send(ctx, m)
			})
		})
		f.User(number, oldPassword)
		f.SendCode(number)
		wantErr(t, "reset", reset(f, f.Caller(), f.Code(e164), newPassword), nil)
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		last := len(calls) - 1
		if pause := calls[last].Sub(calls[last-1]); pause < time.Hour || pause > 3*time.Hour {
			t.Errorf("after ten hours the pause is %s", pause)
		}
		for _, want := range []string{
			`msg="hook failed, to be tried again" lane=event hook=OnPasswordReset`, "session store down",
			`msg="delivery failed, to be tried again" lane=notice`, "provider down",
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%.2000s", want, log.String())
			}
		}
	})
}
