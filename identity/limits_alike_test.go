package identity_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

func outcome(err error) string {
	if wait, ok := rateLimited(err); ok {
		return "429 " + wait.String()
	}
	return fmt.Sprint(err)
}

// Known and unknown numbers reach every limit at the same count, for sends, guesses,
// logins and CAPTCHAs: a count that differs would tell which numbers have an account.
// Some of the devices are known devices of another number.
func TestUnknownNumberHitsLimitsAtTheSameCount(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a siege takes seconds: run it without -short")
	}
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		const unknown, other = "12345678902", "12345678999"
		f.User(number, oldPassword)
		f.User(other, oldPassword)
		for i := range 3 {
			if err := signIn(f, at(device(f.Caller(), i), v4(100)), other, oldPassword); err != nil {
				t.Fatal(err)
			}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		limited := map[string]int{}
		for i := range 500 {
			// Each number has its own networks, equally many and equally far apart.
			d, n, kind := rng.IntN(6), rng.IntN(12), rng.IntN(8)
			call := func(mobile string, network int) error {
				c := at(device(f.Caller(), d), v4(network))
				switch {
				case kind < 3:
					return send(f, c, mobile)
				case kind < 6:
					return enter(f, c, mobile)
				default:
					return signIn(f, c, mobile, newPassword)
				}
			}
			real, none := outcome(call(number, n)), outcome(call(unknown, n+30))
			if real != none {
				t.Fatalf("call %d of kind %d: known %s, unknown %s", i, kind, real, none)
			}
			if real[:3] == "429" {
				limited[fmt.Sprint(kind/3)]++
			}
			settled(t, f)
			f.Clock.Advance(time.Duration(rng.IntN(60)) * time.Second)
		}
		if len(limited) != 3 || limited["0"] < 10 || limited["1"] < 10 || limited["2"] < 10 {
			t.Errorf("few limits were met: %v", limited)
		}
	}, long, func(c *identity.Config) {
		c.Limits.FailuresPerNumber = []limit.Rate{{Limit: 25, Per: 24 * time.Hour}}
		c.Limits.LoginsPerNumber = []limit.Rate{{Limit: 25, Per: 24 * time.Hour}}
	})
}

// The breaker that stops strangers for one number stops them for every number.
func TestBreakerStopsEveryNumberAlike(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		owner := at(device(f.Caller(), 0), v4(0))
		known(t, f, owner)
		for i := range 30 { // of numbers without a user: counts nowhere
			wantErr(t, "guess at a number without a user", guess(f, at(device(f.Caller(), i+1), v4(i+1)), mobileOf(i)), identity.ErrCodeRefused)
		}
		for i := range 10 {
			wantErr(t, "guess", guess(f, at(device(f.Caller(), 100+i), v4(100+i)), number), identity.ErrCodeRefused)
		}
		for i, mobile := range []string{number, mobileOf(1), mobileOf(999)} {
			if _, ok := rateLimited(guess(f, at(device(f.Caller(), 200+i), v4(200+i)), mobile)); !ok {
				t.Errorf("guess at number %d is not stopped", i)
			}
		}
		wantErr(t, "guess of a known device", guess(f, owner, number), identity.ErrCodeRefused)
	}, long, func(c *identity.Config) { c.Limits.FailuresTotal = []limit.Rate{{Limit: 10, Per: time.Hour}} })
}

// A suspicious send needs a CAPTCHA, after the same count for every number.
func TestCaptchaOnSuspicion(t *testing.T) {
	t.Parallel()
	for name, caller := range map[string]func(f *identitytest.Fixture, i int) (identity.Caller, string){
		"of a network": func(f *identitytest.Fixture, i int) (identity.Caller, string) {
			return device(f.Caller(), i), mobileOf(10_000 * i)
		},
		"of a prefix": func(f *identitytest.Fixture, i int) (identity.Caller, string) {
			return at(device(f.Caller(), i), v4(i)), mobileOf(i)
		},
		"in total": func(f *identitytest.Fixture, i int) (identity.Caller, string) {
			return at(device(f.Caller(), i), v4(i)), mobileOf(10_000 * i)
		},
		"of a number": func(f *identitytest.Fixture, i int) (identity.Caller, string) {
			return at(device(f.Caller(), i), v4(i)), mobileOf(0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				asked := func(users bool) (count int) {
					for i := range 100 {
						c, mobile := caller(f, i)
						if users && (i == 0 || name != "of a number") {
							if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: mobile, Verified: true, PasswordHash: identity.NewSecret(bcryptHash)}); err != nil {
								t.Fatal(err)
							}
						}
						if err := send(f, c, mobile); err != nil {
							wantErr(t, "send", err, identity.ErrCaptchaMissing)
							return i
						}
					}
					return -1
				}
				unknown := asked(false)
				settled(t, f)
				f.Clock.Advance(25 * time.Hour)
				if real := asked(true); real != unknown || real < 1 {
					t.Errorf("a CAPTCHA is required after %d sends to numbers without a user, and after %d to users", unknown, real)
				}
				c, mobile := caller(f, 99)
				err := f.SendVerifyCode(context.Background(), identity.SendRequest{Caller: c, Mobile: mobile, Purpose: identity.PurposeForgotPassword, CaptchaToken: "good"})
				wantErr(t, "with a token", err, nil)
			}, func(c *identity.Config) {
				c.Captcha, c.CaptchaMode = tokens{}, identity.CaptchaOnSuspicion
				c.Limits.SuspiciousSendsTotal = []limit.Rate{{Limit: 60, Per: time.Hour}}
			})
		})
	}
}

const bcryptHash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

type tokens struct{}

func (tokens) VerifyCaptcha(context.Context, identity.CaptchaRequest) error { return nil }
