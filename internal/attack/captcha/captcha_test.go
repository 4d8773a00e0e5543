package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/puzzle"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// target is a service behind a CAPTCHA, and an attacker who can solve it.
type target struct {
	*identitytest.Fixture
	solve func(mobile string) string // returns a token for the number in E.164
	t     *testing.T
	calls atomic.Int32
}

// targets runs a test on both self-hosted CAPTCHAs. Each has two servers that share a
// store.
func targets(t *testing.T, attack func(*testing.T, *target)) {
	t.Helper()
	t.Run("altcha", func(t *testing.T) {
		t.Parallel()
		x := newTarget(t, func(store *memory.Store, now func() time.Time) (identity.CaptchaVerifier, func(string) string) {
			cfg := altcha.Config{Secret: secret, Counter: store, Levels: []altcha.Difficulty{{Iterations: 100, Numbers: 20}}, Now: now}
			one, two := must(altcha.New(cfg)), must(altcha.New(cfg))
			return one, func(mobile string) string {
				r := identity.CaptchaRequest{Mobile: mobile, Purpose: identity.PurposeForgotPassword}
				return must(altcha.Solve(context.Background(), must(two.Challenge(context.Background(), r))))
			}
		})
		attack(t, x)
	})
	t.Run("puzzle", func(t *testing.T) {
		t.Parallel()
		x := newTarget(t, func(store *memory.Store, now func() time.Time) (identity.CaptchaVerifier, func(string) string) {
			cfg := puzzle.Config{Secret: secret, Counter: store, Now: now, Concurrency: 64}
			one, two := must(puzzle.New(cfg)), must(puzzle.New(cfg))
			return one, func(mobile string) string {
				for {
					z := must(two.New(context.Background()))
					x := must(findHole(z.Picture, z.Piece))
					if token, err := two.Solve(context.Background(), z.Token, mobile, float64(x), puzzle.PointY); err == nil {
						return token
					}
				}
			}
		})
		attack(t, x)
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newTarget(t *testing.T, build func(*memory.Store, func() time.Time) (identity.CaptchaVerifier, func(string) string)) *target {
	t.Helper()
	x := &target{t: t}
	store := memory.New()
	x.Fixture = identitytest.New(t, func(c *identity.Config) {
		identitytest.Lift(c) // so that only the tokens stop the attacker
		c.Store = store
		c.Captcha, x.solve = build(store, func() time.Time { return c.Now() })
	})
	return x
}

// send uses a new device each time, so that only the CAPTCHA refuses.
func (x *target) send(mobile, token string) error {
	c := x.Caller()
	c.Device = fmt.Sprint("device ", x.calls.Add(1))
	return x.SendVerifyCode(x.t.Context(), identity.SendRequest{Caller: c, Mobile: mobile, Purpose: identity.PurposeForgotPassword, CaptchaToken: token})
}

func (x *target) want(what string, err, want error) {
	x.t.Helper()
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		x.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

const victim = "+8612345678901"

// One token is good for one SMS, even if it is sent again, sent many times at the same
// time, or sent for other numbers.
func TestReplay(t *testing.T) {
	t.Parallel()
	targets(t, func(t *testing.T, x *target) {
		token := x.solve(victim)
		var wg sync.WaitGroup
		var sent atomic.Int32
		for range 40 {
			wg.Go(func() {
				if x.send(victim, token) == nil {
					sent.Add(1)
				}
			})
		}
		wg.Wait()
		if sent.Load() != 1 {
			t.Errorf("40 sends with one token: %d passed", sent.Load())
		}
		x.Clock.Advance(2 * time.Minute) // past the pause between two sends to a number
		x.want("later", x.send(victim, token), identity.ErrCaptchaExpired)
	})
}

// A token for one number is refused for every other number.
func TestTokenOfAnotherNumber(t *testing.T) {
	t.Parallel()
	targets(t, func(t *testing.T, x *target) {
		token := x.solve(victim)
		for i := range 100 {
			x.want("another number", x.send(fmt.Sprintf("138000%05d", i), token), identity.ErrCaptchaWrong)
		}
		x.want("the number in another spelling", x.send("(123) 4567-8901", token), nil)
	})
}

// Tokens cannot be hoarded: a token that was solved yesterday is refused today.
func TestTokensCannotBeHoarded(t *testing.T) {
	t.Parallel()
	targets(t, func(t *testing.T, x *target) {
		hoard := map[string]string{}
		for i := range 10 {
			e164 := fmt.Sprintf("+86138000%05d", i)
			hoard[e164] = x.solve(e164)
		}
		x.Clock.Advance(6 * time.Minute)
		for e164, token := range hoard {
			x.want("hoarded", x.send(e164, token), identity.ErrCaptchaExpired)
		}
	})
}

// Tokens for known and unknown numbers are treated alike, whether they are right or
// wrong.
func TestSaysNothingAboutUsers(t *testing.T) {
	t.Parallel()
	targets(t, func(t *testing.T, x *target) {
		x.User("12345678901", "violet-Harbor-93")
		for _, mobile := range []string{victim, "+8613800138000"} {
			token := x.solve(mobile)
			x.want(mobile+" with another's", x.send(mobile, x.solve("+8613900139000")), identity.ErrCaptchaWrong)
			x.want(mobile+" with its own", x.send(mobile, token), nil)
			x.want(mobile+" again", x.send(mobile, token), identity.ErrCaptchaExpired)
			x.want(mobile+" without", x.send(mobile, ""), identity.ErrCaptchaMissing)
		}
	})
}

// Sending in bulk has a price: each SMS takes its own work.
func TestBulkPaysForEachSMS(t *testing.T) {
	t.Parallel()
	store := memory.New()
	d := altcha.Difficulty{Iterations: 100, Numbers: 200}
	v := must(altcha.New(altcha.Config{Secret: secret, Counter: store, Levels: []altcha.Difficulty{d}}))
	x := &target{t: t, Fixture: identitytest.New(t, func(c *identity.Config) {
		c.Store, c.Captcha, c.AnswerStep = store, v, -1
		c.Now = time.Now
	})}
	const bulk = 20
	var work time.Duration
	for i := range bulk {
		e164 := fmt.Sprintf("+86138000%05d", i)
		challenge := must(v.Challenge(t.Context(), identity.CaptchaRequest{Mobile: e164, Purpose: identity.PurposeForgotPassword}))
		start := cpu()
		token := must(altcha.Solve(t.Context(), challenge))
		work += cpu() - start
		x.want("solved", x.send(e164, token), nil)
	}
	t.Logf("%d SMS cost %.4f CPU seconds each, at the lowest difficulty", bulk, work.Seconds()/bulk)
	if work == 0 {
		t.Error("the work cost nothing")
	}
}
