package identity_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/sms"
)

func TestForgottenPasswordIsReset(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		before := f.User(number, oldPassword)
		f.Clock.Advance(time.Hour)
		f.SendCode("+86 123 4567 8901")
		code := f.Code(e164)

		f.Clock.Advance(time.Minute)
		if err := reset(f, f.Caller(), code, newPassword); err != nil {
			t.Fatal(err)
		}
		if passwordIs(t, f, oldPassword) || !passwordIs(t, f, newPassword) {
			t.Fatal("the password is not the new one")
		}
		after, err := f.UserByMobile(t.Context(), "", number)
		if err != nil {
			t.Fatal(err)
		}
		if want := f.Clock.Now().UTC().Truncate(time.Millisecond); !after.PasswordChangedAt.Equal(want) || !before.PasswordChangedAt.Before(want) {
			t.Errorf("PasswordChangedAt %s, want %s", after.PasswordChangedAt, want)
		}
		wantErr(t, "second use", reset(f, f.Caller(), code, "another-Lantern-58"), identity.ErrCodeRefused)

		notice := f.Message(e164, sms.KindPasswordChanged)
		if !strings.Contains(notice.Text, "was changed at "+after.PasswordChangedAt.Format("2006-01-02 15:04")) {
			t.Errorf("notice %q", notice.Text)
		}
		var types []audit.Type
		for _, e := range events(t, f.Service) {
			types = append(types, e.Type)
		}
		want := []audit.Type{"client.created", "user.created", "code.sent", "password.reset", "reset.refused"}
		if !slices.Equal(types, want) {
			t.Errorf("events %v, want %v", types, want)
		}
	})
}

// A code works only for what it was sent for, and the one answer does not say why it
// was refused.
func TestCodeWorksOnlyForWhatItWasSentFor(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		for _, c := range []identity.Client{{ID: "other"}, {ID: "isv", MultiTenant: true}, {ID: "bound", Tenant: "t1"}} {
			if err := f.RegisterClient(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.CreateUser(t.Context(), identity.NewUser{Tenant: "t1", Mobile: number, Verified: true, Password: identity.NewSecret(oldPassword)}); err != nil {
			t.Fatal(err)
		}
		f.SendCode(number)
		code := f.Code(e164)

		with := func(change func(*identity.Caller)) identity.Caller {
			c := f.Caller()
			change(&c)
			return c
		}
		for name, caller := range map[string]identity.Caller{
			"device":        with(func(c *identity.Caller) { c.Device = "another" }),
			"device case":   with(func(c *identity.Caller) { c.Device = strings.ToUpper(c.Device) }),
			"client":        with(func(c *identity.Caller) { c.ClientID = "other" }),
			"tenant":        with(func(c *identity.Caller) { c.ClientID, c.TenantID = "isv", "t1" }),
			"bound client":  with(func(c *identity.Caller) { c.ClientID = "bound" }),
			"tenant forged": with(func(c *identity.Caller) { c.ClientID, c.TenantID = "bound", "t2" }),
		} {
			wantErr(t, name, reset(f, caller, code, newPassword), identity.ErrCodeRefused)
		}
		f.Clock.Advance(time.Minute)
		if err := f.SendVerifyCode(t.Context(), identity.SendRequest{Caller: f.Caller(), Mobile: number, Purpose: identity.PurposeLogin}); err != nil {
			t.Fatal(err)
		}
		if login := f.Code(e164); login != code {
			wantErr(t, "purpose", reset(f, f.Caller(), login, newPassword), identity.ErrCodeRefused)
		}
		if err := reset(f, f.Caller(), code, newPassword); err != nil {
			t.Errorf("the right caller with the right code: %v", err)
		}
	}, func(c *identity.Config) {
		c.Purposes = []identity.Purpose{identity.PurposeForgotPassword, identity.PurposeLogin}
	})
}

func TestCodeExpiresOnTimeAndStaysExpired(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		f.SendCode(number)
		first := f.Code(e164)

		f.Clock.Advance(5*time.Minute - time.Millisecond)
		if err := reset(f, f.Caller(), first, newPassword); err != nil {
			t.Errorf("a millisecond before expiry: %v", err)
		}
		f.SendCode(number)
		second := f.Code(e164)
		f.Clock.Advance(5 * time.Minute)
		wantErr(t, "at expiry", reset(f, f.Caller(), second, oldPassword), identity.ErrCodeRefused)
		f.Clock.Advance(-2 * time.Minute)
		wantErr(t, "the clock stepped back", reset(f, f.Caller(), second, oldPassword), identity.ErrCodeRefused)
	})
}

// Any other change of the password or of the number's owner ends the code.
func TestCodeEndsWhenTheUserChanges(t *testing.T) {
	t.Parallel()
	otherNumber, disabled := "12345678902", true
	for name, change := range map[string]func(t *testing.T, f *identitytest.Fixture, u identity.User) error{
		"password changed otherwise": func(t *testing.T, f *identitytest.Fixture, u identity.User) error {
			return f.Store.ReplacePassword(t.Context(), identity.PasswordChange{
				UserID: u.ID, OldHash: u.PasswordHash, NewHash: strings.Replace(u.PasswordHash, "$m=", "$m=", 1) + "A", ChangedAt: u.PasswordChangedAt,
			})
		},
		"number moved to another user": func(t *testing.T, f *identitytest.Fixture, u identity.User) error {
			verified := f.Clock.Now()
			e164 := "+86" + otherNumber
			if err := f.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, Mobile: &e164, VerifiedAt: &verified}); err != nil {
				return err
			}
			_, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: number, Verified: true, Password: identity.NewSecret(oldPassword)})
			return err
		},
		"user disabled": func(t *testing.T, f *identitytest.Fixture, u identity.User) error {
			return f.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, Disabled: &disabled})
		},
		"number no longer verified": func(t *testing.T, f *identitytest.Fixture, u identity.User) error {
			return f.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, VerifiedAt: &time.Time{}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				u := f.User(number, oldPassword)
				f.SendCode(number)
				code := f.Code(e164)
				if err := change(t, f, u); err != nil {
					t.Fatal(err)
				}
				wantErr(t, name, reset(f, f.Caller(), code, newPassword), identity.ErrCodeRefused)
			})
		})
	}
}

// A refused password says nothing about the code, and costs it no attempt.
func TestRefusedPasswordIsNoOracle(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		f.SendCode(number)
		code := f.Code(e164)
		for range 9 { // below the limit on refusals
			for _, weak := range []string{"short", "password1", "x" + number + "-Harbor"} {
				right, wrong := reset(f, f.Caller(), code, weak), reset(f, f.Caller(), wrongCode(code), weak)
				if _, ok := errors.AsType[*identity.PasswordError](right); !ok || right.Error() != wrong.Error() {
					t.Fatalf("%q: right code %v, wrong code %v", weak, right, wrong)
				}
			}
		}
		if err := reset(f, f.Caller(), code, newPassword); err != nil {
			t.Errorf("the code after 120 refused passwords: %v", err)
		}
	})
}

func TestPasswordIsNormalized(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	f.User(number, oldPassword)
	f.SendCode(number)
	const composed, decomposed = "caf\u00e9-Lantern-58", "cafe\u0301-Lantern-58"
	if err := reset(f, f.Caller(), f.Code(e164), decomposed); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: number, Password: identity.NewSecret(composed)}); err != nil {
		t.Errorf("the same password typed on another keyboard: %v", err)
	}
}

func TestPasswordHistory(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		passwords := []string{oldPassword, newPassword, "another-Lantern-58", "meadow-Cobalt-71"}
		f.User(number, passwords[0])
		try := func(password string) error {
			f.Clock.Advance(24 * time.Hour)
			f.SendCode(number)
			return reset(f, f.Caller(), f.Code(e164), password)
		}
		reused := func(err error) bool {
			e, ok := errors.AsType[*identity.PasswordError](err)
			return ok && e.Fault == identity.PasswordReused
		}
		for _, p := range passwords[1:] {
			if err := try(p); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range passwords[1:] { // the present password and the two before it
			if err := try(p); !reused(err) {
				t.Errorf("%s: %v, want reused", p, err)
			}
		}
		if err := try(passwords[0]); err != nil {
			t.Errorf("a password older than the history: %v", err)
		}
	}, func(c *identity.Config) { c.Password.History = 2 })
}

// A password that the history refuses is refused after the code proved right. This
// costs neither an attempt of the code nor one of the number.
func TestReusedPasswordKeepsTheCode(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		f.SendCode(number)
		code := f.Code(e164)
		for range 10 {
			if _, ok := errors.AsType[*identity.PasswordError](reset(f, f.Caller(), code, oldPassword)); !ok {
				t.Fatal("present password accepted")
			}
		}
		// Each of these computes a hash, so even a right code allows only a limited number.
		if _, limited := rateLimited(reset(f, f.Caller(), code, oldPassword)); !limited {
			t.Error("an eleventh used password is hashed")
		}
		f.Clock.Advance(time.Hour)
		f.SendCode(number)
		code = f.Code(e164)
		if err := reset(f, f.Caller(), code, newPassword); err != nil {
			t.Errorf("then a new password: %v", err)
		}
	}, func(c *identity.Config) { c.Password.History = 1 })
}

func TestErrorsOfTheCaller(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	for _, c := range []identity.Client{{ID: "isv", MultiTenant: true}, {ID: "off"}} {
		if err := f.RegisterClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetClientDisabled(t.Context(), "off", true); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		client, mobile string
		want           error
	}{
		{"", number, identity.ErrClientMissing},
		{"  ", number, identity.ErrClientMissing},
		{"nobody", number, identity.ErrClientNotFound},
		{strings.ToLower(identitytest.ClientID), number, identity.ErrClientNotFound},
		{strings.Repeat("x", 5000), number, identity.ErrClientNotFound},
		{"a\x00b", number, identity.ErrClientNotFound},
		{"off", number, identity.ErrClientDisabled},
		{"isv", number, identity.ErrTenantMissing},
		{identitytest.ClientID, "123", identity.ErrInvalidMobile},
		{identitytest.ClientID, "+14155550100", identity.ErrInvalidMobile},
	} {
		c := f.Caller()
		c.ClientID = test.client
		wantErr(t, "send "+test.client, send(f, c, test.mobile), test.want)
		err := f.ResetByMobile(t.Context(), identity.ResetRequest{Caller: c, Mobile: test.mobile, Code: identity.NewSecret("123456"), Password: identity.NewSecret(newPassword)})
		wantErr(t, "reset "+test.client, err, test.want)
	}
	err := f.SendVerifyCode(t.Context(), identity.SendRequest{Caller: f.Caller(), Mobile: number, Purpose: "forget_pwd_sms"})
	wantErr(t, "purpose", err, identity.ErrUnknownPurpose)
}

// InsecureAnyDevice does what its comment says.
func TestInsecureAnyDevice(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		f.SendCode(number)
		if err := reset(f, device(f.Caller(), 1), f.Code(e164), newPassword); err != nil {
			t.Errorf("from another device: %v", err)
		}
	}, func(c *identity.Config) { c.InsecureAnyDevice = true })
}
