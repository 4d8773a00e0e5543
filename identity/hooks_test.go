package identity_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

type guard struct {
	mu          sync.Mutex
	send, reset error
	asked       []identity.GuardRequest
}

func (g *guard) set(send, reset error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.send, g.reset = send, reset
}

func (g *guard) AllowSend(_ context.Context, r identity.GuardRequest) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, r)
	return g.send
}

func (g *guard) AllowReset(_ context.Context, r identity.GuardRequest) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reset
}

func outcomes(t testing.TB, f *identitytest.Fixture, typ audit.Type) (all []string) {
	t.Helper()
	for _, e := range events(t, f.Service) {
		if e.Type == typ {
			all = append(all, e.Outcome)
		}
	}
	return all
}

func TestGuard(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, store := &guard{}, open(t)
			f := identitytest.New(t, func(c *identity.Config) { c.Guard, c.Store = g, store })
			u := f.User(number, oldPassword)

			g.set(&identity.GuardRefusal{Reason: "SIM changed\nyesterday"}, nil)
			f.SendCode(number) // the caller is told nothing
			eventually(t, "send refused", func() bool { return inState(t, f.Service, outbox.Dead) == 1 })
			if got := outcomes(t, f, audit.SendRefused); len(got) != 1 || !strings.Contains(got[0], "SIM changed") || strings.Contains(got[0], "\n") {
				t.Errorf("send.refused outcomes %q", got)
			}
			if f.SMS.Attempts() != 0 {
				t.Error("a refused code was sent")
			}
			if len(g.asked) != 1 || g.asked[0].User.ID != u.ID || g.asked[0].Caller.Device != f.Caller().Device {
				t.Errorf("guard asked %+v", g.asked)
			}

			g.set(nil, &identity.GuardRefusal{Reason: "MFA mandatory"})
			f.Clock.Advance(time.Minute)
			f.SendCode(number)
			code := f.Code(e164)
			wantErr(t, "refused", reset(f, f.Caller(), code, newPassword), identity.ErrCodeRefused)
			if got := outcomes(t, f, audit.ResetRefused); len(got) != 1 || got[0] != "guard: MFA mandatory" {
				t.Errorf("reset.refused outcomes %q", got)
			}

			// If a guard fails, the call fails, and the code loses no attempt.
			down := errors.New("guard down")
			g.set(nil, down)
			for range 12 {
				wantErr(t, "guard down", reset(f, f.Caller(), code, newPassword), down)
			}
			g.set(nil, nil)
			if err := reset(f, f.Caller(), code, newPassword); err != nil {
				t.Errorf("allowed: %v", err)
			}
		})
	}
}

// A guard is never asked about a number without an eligible user, and never while the
// caller waits: both would show which numbers have a user.
func TestGuardIsNotAskedWhileTheCallerWaits(t *testing.T) {
	t.Parallel()
	block := make(chan struct{})
	f := identitytest.New(t, func(c *identity.Config) { c.Guard = blockingGuard{block} })
	t.Cleanup(func() { close(block) })
	f.User(number, oldPassword)
	f.SendCode(number)
	f.SendCode("12345678902")
}

type blockingGuard struct{ block chan struct{} }

func (g blockingGuard) AllowSend(ctx context.Context, _ identity.GuardRequest) error {
	select {
	case <-g.block:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (blockingGuard) AllowReset(context.Context, identity.GuardRequest) error { return nil }

// A new user is unverified unless said otherwise.
func TestUnverifiedNumberRecoversNothing(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		u, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: number, Password: identity.NewSecret(oldPassword)})
		if err != nil {
			t.Fatal(err)
		}
		f.SendCode(number)
		eventually(t, "handled", func() bool { return inState(t, f.Service, outbox.Delivered) == 1 })
		if f.SMS.Attempts() != 0 {
			t.Error("a code was sent to an unverified number")
		}
		now := f.Clock.Now()
		if err := f.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, VerifiedAt: &now}); err != nil {
			t.Fatal(err)
		}
		f.Clock.Advance(time.Minute)
		f.SendCode(number)
		if err := reset(f, f.Caller(), f.Code(e164), newPassword); err != nil {
			t.Errorf("once verified: %v", err)
		}
		if got := outcomes(t, f, audit.CodeSent); got[0] != "number not verified" || got[1] != "queued" {
			t.Errorf("outcomes %q", got)
		}
	})
}

// A caller that may change a number must also say that it was verified (Zitadel
// CVE-2026-27946: numbers that verified themselves).
func TestChangedNumberIsUnverified(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	u := f.User("12345678902", oldPassword)
	mobile := number
	if err := f.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, Mobile: &mobile}); err != nil {
		t.Fatal(err)
	}
	if u, err := f.UserByMobile(t.Context(), "", number); err != nil || !u.VerifiedAt.IsZero() {
		t.Errorf("verified at %s, %v", u.VerifiedAt, err)
	}
}

func TestOneNumberOneUserInATenant(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		again := func(tenant, mobile string) error {
			_, err := f.CreateUser(t.Context(), identity.NewUser{Tenant: tenant, Mobile: mobile, Verified: true, Password: identity.NewSecret(newPassword)})
			return err
		}
		wantErr(t, "another spelling", again("", "+86 123-4567-8901"), identity.ErrAlreadyExists)
		wantErr(t, "another tenant", again("t", number), nil)
		if !passwordIs(t, f, oldPassword) {
			t.Error("the first user's password changed")
		}
	})
}

// An ISV client serves the tenants that it is registered for. A header that names
// another tenant gets the answers of an unknown number.
func TestTenantIsNotTakenFromTheHeaderAlone(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		if err := f.RegisterClient(t.Context(), identity.Client{ID: "isv", MultiTenant: true, Tenants: []string{"t1"}}); err != nil {
			t.Fatal(err)
		}
		for _, tenant := range []string{"t1", "t2"} {
			if _, err := f.CreateUser(t.Context(), identity.NewUser{Tenant: tenant, Mobile: number, Verified: true, Password: identity.NewSecret(oldPassword)}); err != nil {
				t.Fatal(err)
			}
		}
		for _, tenant := range []string{"t2", "nowhere", strings.Repeat("x", 1000), "t1"} {
			c := f.Caller()
			c.ClientID, c.TenantID, c.Device = "isv", tenant, "device "+tenant
			if err := send(f, c, number); err != nil {
				t.Fatalf("%.20s: %v", tenant, err)
			}
		}
		if m := f.Message(e164, sms.KindVerifyCode); m.Tenant != "t1" {
			t.Errorf("a code of tenant %q was sent", m.Tenant)
		}
		eventually(t, "all handled", func() bool { return inState(t, f.Service, outbox.Pending) == 0 })
		if n := f.SMS.Attempts(); n != 1 {
			t.Errorf("%d messages sent, want 1", n)
		}
	})
}

type captcha map[string]error

func (c captcha) VerifyCaptcha(_ context.Context, r identity.CaptchaRequest) error {
	if r.Mobile != e164 || r.Purpose != identity.PurposeForgotPassword || r.Caller.ClientID != identitytest.ClientID {
		return fmt.Errorf("the verifier is asked about %q, %q, %q", r.Mobile, r.Purpose, r.Caller.ClientID)
	}
	return c[r.Token]
}

func TestCaptcha(t *testing.T) {
	t.Parallel()
	down := errors.New("captcha service down")
	f := identitytest.New(t, func(c *identity.Config) {
		c.Captcha = captcha{"wrong": identity.ErrCaptchaWrong, "old": identity.ErrCaptchaExpired, "down": down}
	})
	for token, want := range map[string]error{"": identity.ErrCaptchaMissing, "wrong": identity.ErrCaptchaWrong, "old": identity.ErrCaptchaExpired, "down": down} {
		err := f.SendVerifyCode(t.Context(), identity.SendRequest{Caller: f.Caller(), Mobile: number, Purpose: identity.PurposeForgotPassword, CaptchaToken: token})
		wantErr(t, token, err, want)
	}
	err := f.SendVerifyCode(t.Context(), identity.SendRequest{Caller: f.Caller(), Mobile: number, Purpose: identity.PurposeForgotPassword, CaptchaToken: "good"})
	wantErr(t, "good", err, nil)
}

type breached struct{ err error }

func (b breached) Breached(_ context.Context, p identity.Secret) (bool, error) {
	return p.Reveal() == "breached-Lantern-58", b.err
}

func TestBreachedPasswords(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.Breached = breached{} })
	f.User(number, oldPassword)
	f.SendCode(number)
	code := f.Code(e164)
	for range 20 {
		for _, guess := range []string{code, wrongCode(code)} {
			if e, ok := errors.AsType[*identity.PasswordError](reset(f, f.Caller(), guess, "breached-Lantern-58")); !ok || e.Fault != identity.PasswordWeak {
				t.Fatal("a breached password is not refused, or the code shows in the answer")
			}
		}
	}
	wantErr(t, "another", reset(f, f.Caller(), code, newPassword), nil)
}

// If the random source fails, the send is refused; a weaker code is never made.
func TestRandomSourceFails(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	f.User(number, oldPassword)
	// A second service on the same storage, because Run of the first one reads its random
	// source.
	svc, err := identity.New(identity.Config{Store: f.Store, SMS: f.SMS, Secret: identity.NewSecret(strings.Repeat("s", 32)), Now: f.Clock.Now, AnswerStep: -1})
	if err != nil {
		t.Fatal(err)
	}
	request := identity.SendRequest{Caller: f.Caller(), Mobile: number, Purpose: identity.PurposeForgotPassword}
	svc.SetRandom(strings.NewReader(""))
	if err := svc.SendVerifyCode(t.Context(), request); err == nil {
		t.Error("a code was made without randomness")
	}
	if n := len(messages(t, svc)); n != 0 {
		t.Errorf("%d messages queued", n)
	}
}

// Every code is equally likely, leading zeros included.
func TestCodesAreUniform(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.Limits.SendsPerAddress = []limit.Rate{{Limit: 100_000, Per: time.Hour}} })
	f.User(number, oldPassword)
	var digits [6][10]int
	const codes = 600
	for i := range codes {
		f.Clock.Advance(24 * time.Hour)
		if err := send(f, device(f.Caller(), i), number); err != nil {
			t.Fatal(err)
		}
		code := f.Code(e164)
		if len(code) != 6 {
			t.Fatalf("code of %d digits", len(code))
		}
		for place, d := range code {
			digits[place][d-'0']++
		}
	}
	for place := range digits {
		chi := 0.0
		for _, n := range digits[place] {
			d := float64(n) - codes/10
			chi += d * d / (codes / 10)
		}
		if chi > 45 { // 9 degrees of freedom: fails by chance once in a million runs
			t.Errorf("place %d: chi-square %.1f", place, chi)
		}
	}
}
