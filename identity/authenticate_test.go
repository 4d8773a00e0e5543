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

// Failed logins make the next ones wait, known user or not, and never for good.
func TestLoginWaitsGrowAndEnd(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		var waits []time.Duration
		for range 12 {
			_, err := login(t, f, number, newPassword)
			_, other := login(t, f, "13800000000", newPassword)
			wait, limited := rateLimited(err)
			if otherWait, otherLimited := rateLimited(other); limited != otherLimited || wait != otherWait {
				t.Fatalf("known %v, unknown %v", err, other)
			}
			if limited {
				waits = append(waits, wait)
				f.Clock.Advance(wait)
			}
		}
		if fmt.Sprint(waits[:3]) != "[1s 2s 4s]" {
			t.Errorf("waits %v", waits)
		}
		f.Clock.Advance(time.Hour)
		if _, err := login(t, f, number, oldPassword); err != nil {
			t.Errorf("the right password after a wait: %v", err)
		}
		for range 4 {
			if _, err := login(t, f, number, newPassword); !errors.Is(err, identity.ErrWrongCredentials) {
				t.Errorf("a login did not end the row of failures: %v", err)
			}
		}
	})
}

// At most 100 failures in a row before a login waits a whole day
// (SP 800-63B-4, 3.2.2).
func TestHundredConsecutiveFailures(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) {
		c.Limits.LoginsPerAddress = []limit.Rate{{Limit: 100_000, Per: time.Hour}}
		c.HashConcurrency = 4
	})
	f.User(number, oldPassword)
	failures := 0
	for range 1000 {
		_, err := login(t, f, number, newPassword)
		if wait, ok := rateLimited(err); ok && wait >= 24*time.Hour {
			break
		} else if ok {
			f.Clock.Advance(wait)
			continue
		}
		failures++
	}
	if failures > 100 || failures < 90 {
		t.Errorf("%d failures in a row", failures)
	}
}

func TestLoginsPerAddress(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.Limits.LoginsPerAddress = []limit.Rate{{Limit: 5, Per: time.Hour}} })
	f.User(number, oldPassword)
	for range 20 { // right ones do not count
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

// Hashes that an embedder brings along become argon2id at the next login, and
// hashes with other costs are made anew; the password stays and counts as unchanged.
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
		created, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: number, PasswordHash: identity.NewSecret(d.Encode())})
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
	})
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
