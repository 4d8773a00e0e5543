package identity_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-crypt/crypt/algorithm/bcrypt"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

func login(t *testing.T, f *identitytest.Fixture, mobile, password string) (identity.User, error) {
	return f.Authenticate(t.Context(), identity.LoginRequest{
		Mobile: mobile, Password: identity.NewSecret(password), Address: netip.MustParseAddr("192.0.2.9"),
	})
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		u := f.User(number, oldPassword)
		if got, err := login(t, f, "+86 123-4567-8901", oldPassword); err != nil || got.ID != u.ID {
			t.Fatalf("right password: %v, %v", got.ID, err)
		}
		disabled := true
		for name, call := range map[string]func() error{
			"wrong":     func() error { _, err := login(t, f, number, newPassword); return err },
			"empty":     func() error { _, err := login(t, f, number, ""); return err },
			"unknown":   func() error { _, err := login(t, f, "13800000000", oldPassword); return err },
			"no number": func() error { _, err := login(t, f, "x", oldPassword); return err },
			"tenant": func() error {
				_, err := f.Authenticate(t.Context(), identity.LoginRequest{Tenant: "t", Mobile: number, Password: identity.NewSecret(oldPassword)})
				return err
			},
			"disabled": func() error {
				if err := f.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, Disabled: &disabled}); err != nil {
					return err
				}
				defer func() {
					disabled = false
					if err := f.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, Disabled: &disabled}); err != nil {
						t.Error(err)
					}
				}()
				_, err := login(t, f, number, oldPassword)
				return err
			},
		} {
			if err := call(); !errors.Is(err, identity.ErrWrongCredentials) || err.Error() != identity.ErrWrongCredentials.Error() {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestLoginsPerAddress(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.Limits.LoginsPerAddress = []limit.Rate{{Limit: 5, Per: time.Hour}} })
	f.User(number, oldPassword)
	for range 20 { // right passwords do not count
		if _, err := login(t, f, number, oldPassword); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		if _, err := login(t, f, fmt.Sprintf("138%08d", i), oldPassword); !errors.Is(err, identity.ErrWrongCredentials) {
			t.Fatal(err)
		}
	}
	if _, err := login(t, f, number, oldPassword); err == nil {
		t.Error("the sixth failure of an address is not limited")
	}
}

// Hashes that an application brings become argon2id hashes at the next login, and
// hashes with other costs are replaced. The password stays the same and counts as
// unchanged.
func TestLoginRehashes(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		b, err := bcrypt.New(bcrypt.WithCost(10))
		if err != nil {
			t.Fatal(err)
		}
		d, err := b.Hash(oldPassword)
		if err != nil {
			t.Fatal(err)
		}
		created, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: number, Verified: true, PasswordHash: identity.NewSecret(d.Encode())})
		if err != nil {
			t.Fatal(err)
		}
		f.Clock.Advance(time.Hour)
		for range 2 {
			u, err := login(t, f, number, oldPassword)
			if err != nil || !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
				t.Fatalf("hash %.30s, %v", u.PasswordHash, err)
			}
			if !u.PasswordChangedAt.Equal(created.PasswordChangedAt) {
				t.Error("rehashing counts as a change of the password")
			}
		}
	}, realHashes)
}

func TestResetNeitherLocksNorOpensTheLogin(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	f.User(number, oldPassword)
	for i := range 60 {
		c := device(f.Caller(), i)
		c.Address = netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		_ = reset(f, c, "123456", newPassword)
	}
	if _, err := login(t, f, number, oldPassword); err != nil {
		t.Errorf("login after 60 failed resets: %v", err)
	}
}
