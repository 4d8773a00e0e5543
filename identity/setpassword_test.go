package identity_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/sms"
)

func verify(t *testing.T, f *identitytest.Fixture, u identity.User, typed, password string, from int) error {
	t.Helper()
	_, err := f.VerifyPassword(t.Context(), u, identity.LoginRequest{
		Mobile: typed, Password: identity.NewSecret(password), Address: netip.AddrFrom4([4]byte{198, 51, byte(100 + from/200), byte(from % 200)}),
	})
	return err
}

// A login by any row that the application found.
func TestVerifyPassword(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		u := f.User(number, oldPassword)
		row := identity.User{ID: u.ID} // what an application knows of the user
		if err := verify(t, f, row, "li@example.com", oldPassword, 1); err != nil {
			t.Error(err)
		}
		if err := f.Store.CreateUser(t.Context(), identity.User{ID: "no-number", PasswordHash: u.PasswordHash}); err != nil {
			t.Fatal(err)
		}
		if err := verify(t, f, identity.User{ID: "no-number"}, "wang@example.com", oldPassword, 1); err != nil {
			t.Errorf("a user without a number: %v", err)
		}
		for name, who := range map[string]identity.User{"no user": {}, "gone": {ID: "gone"}, "of another tenant": {ID: u.ID, Tenant: "t"}} {
			if err := verify(t, f, who, "li@example.com", oldPassword, 2); !errors.Is(err, identity.ErrWrongCredentials) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// The row that the application read may be old, or made up, so it is read again.
		forged := u
		forged.PasswordHash = f.User("13800000001", newPassword).PasswordHash
		if err := verify(t, f, forged, "", newPassword, 3); !errors.Is(err, identity.ErrWrongCredentials) {
			t.Errorf("a hash that the caller brought: %v", err)
		}
	})
}

// Two ways to sign in do not allow twice as many guesses, and a login without an
// account is refused after the same count.
func TestVerifyPasswordCounts(t *testing.T) {
	t.Parallel()
	tries := func(t *testing.T, f *identitytest.Fixture, u identity.User, typed string) (n int) {
		t.Helper()
		for ; n < 200; n++ {
			err := verify(t, f, u, typed, newPassword, n)
			if _, limited := rateLimited(err); limited {
				return n
			}
			wantErr(t, "wrong password", err, identity.ErrWrongCredentials)
		}
		return n
	}
	f := identitytest.New(t, func(c *identity.Config) { c.Limits.LoginsPerNumber = []limit.Rate{{Limit: 12, Per: 24 * time.Hour}} })
	u := f.User(number, oldPassword)
	if err := f.Store.CreateUser(t.Context(), identity.User{ID: "no-number", PasswordHash: u.PasswordHash}); err != nil {
		t.Fatal(err)
	}
	known := tries(t, f, identity.User{ID: u.ID}, "li@example.com")
	unknown := tries(t, f, identity.User{}, "nobody@example.com")
	again := tries(t, f, identity.User{}, " Nobody@Example.com ")
	other := tries(t, f, identity.User{}, "other@example.com")
	without := tries(t, f, identity.User{ID: "no-number"}, "wang@example.com")
	if known == 0 || known == 200 || unknown != known || other != known || without != known || again != 0 {
		t.Errorf("refused after %d (known), %d (unknown), %d (the same login in another spelling), %d (another login), %d (without a number)", known, unknown, again, other, without)
	}
	_, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: number, Password: identity.NewSecret(newPassword), Address: netip.MustParseAddr("203.0.113.7")})
	if _, limited := rateLimited(err); !limited {
		t.Errorf("login by number after the guesses by e-mail: %v", err)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	ended := make(chan identity.PasswordResetEvent, 8)
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		u := f.User(number, oldPassword)
		f.SendCode(number)
		code := f.Code(e164)
		change := func(id, old, password string) (identity.User, error) {
			return f.ChangePassword(t.Context(), identity.ChangePasswordRequest{
				UserID: id, Old: identity.NewSecret(old), New: identity.NewSecret(password), Address: netip.MustParseAddr("192.0.2.9"), Language: "en",
			})
		}
		_, err := change(u.ID, newPassword, newPassword)
		wantErr(t, "a wrong old password", err, identity.ErrWrongCredentials)
		_, err = change("gone", oldPassword, newPassword)
		wantErr(t, "a user who is gone", err, identity.ErrWrongCredentials)
		if _, err = change(u.ID, oldPassword, "password"); !isFault(err, identity.PasswordWeak) {
			t.Errorf("a weak password: %v", err)
		}
		if _, err = change(u.ID, oldPassword, oldPassword); !isFault(err, identity.PasswordReused) {
			t.Errorf("the same password: %v", err)
		}
		if !passwordIs(t, f, oldPassword) {
			t.Fatal("a refusal changed the password")
		}
		f.Clock.Advance(time.Minute)
		got, err := change(u.ID, oldPassword, newPassword)
		if err != nil || !got.PasswordChangedAt.After(u.PasswordChangedAt) || !passwordIs(t, f, newPassword) {
			t.Fatalf("%+v, %v", got, err)
		}
		if m := f.Message(e164, sms.KindPasswordChanged); m.Text == "" {
			t.Error("no notice")
		}
		select {
		case e := <-ended:
			if e.UserID == "" || e.ChangedAt.IsZero() {
				t.Errorf("event %+v", e)
			}
		case <-time.After(patience):
			t.Error("OnPasswordReset was not called")
		}
		if err := reset(f, f.Caller(), code, "granite-Willow-58"); !errors.Is(err, identity.ErrCodeRefused) {
			t.Errorf("a code from before: %v", err)
		}
		if got := outcomes(t, f, audit.PasswordSet); !slices.Equal(got, []string{"by the user"}) {
			t.Errorf("recorded as %q", got)
		}
	}, func(c *identity.Config) {
		c.Password.History = 2
		c.OnPasswordReset = func(_ context.Context, e identity.PasswordResetEvent) error { ended <- e; return nil }
	})
}

// Guesses of the old password count as failed logins.
func TestChangePasswordIsNoWayToGuess(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	u := f.User(number, oldPassword)
	for i := range 300 {
		_, err := f.ChangePassword(t.Context(), identity.ChangePasswordRequest{
			UserID: u.ID, Old: identity.NewSecret(newPassword), New: identity.NewSecret("granite-Willow-58"), Address: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}),
		})
		if _, limited := rateLimited(err); limited {
			return
		}
		wantErr(t, "a wrong old password", err, identity.ErrWrongCredentials)
	}
	t.Error("guesses are not limited")
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		u := f.User(number, oldPassword)
		if _, err := f.SetPassword(t.Context(), "", u.ID, identity.NewSecret("12345678")); !isFault(err, identity.PasswordWeak) {
			t.Errorf("weak: %v", err)
		}
		_, err := f.SetPassword(t.Context(), "", "gone", identity.NewSecret(newPassword))
		wantErr(t, "gone", err, identity.ErrNotFound)
		_, err = f.SetPassword(t.Context(), "t", u.ID, identity.NewSecret(newPassword))
		wantErr(t, "another tenant", err, identity.ErrNotFound)
		if _, err := f.SetPassword(t.Context(), "", u.ID, identity.NewSecret(newPassword)); err != nil || !passwordIs(t, f, newPassword) {
			t.Errorf("set: %v", err)
		}
		if got := outcomes(t, f, audit.PasswordSet); !slices.Equal(got, []string{"by an operator"}) {
			t.Errorf("recorded as %q", got)
		}
		if err := f.Store.CreateUser(t.Context(), identity.User{ID: "no-number"}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.SetPassword(t.Context(), "", "no-number", identity.NewSecret(newPassword)); err != nil {
			t.Errorf("a user without a number: %v", err)
		}
	})
}

func isFault(err error, fault identity.PasswordFault) bool {
	pe, ok := errors.AsType[*identity.PasswordError](err)
	return ok && pe.Fault == fault
}
