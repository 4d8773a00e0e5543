package attack_test

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// An attacker makes one guess each at 10,000 numbers, from as many addresses and
// devices, under the default limits. No limit of a number or of a network is reached.
// The alarm is raised at 1,000 guesses, and the breaker lets no more guesses through
// than its limit. The same number of earlier guesses at numbers without a user trips
// nothing.
func TestOneGuessEachAtTenThousandNumbers(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.CodeDigits = 10 }) // so that no guess is right
	const workers, each = 50, 210                                            // 500 more than the breaker lets through
	refused, limited := guessEach(t, f, 139, workers, 20)
	if refused != workers*20 || limited != 0 {
		t.Errorf("of the guesses at numbers without an account, %d were compared and %d stopped", refused, limited)
	}
	for i := range workers * each {
		if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: fmt.Sprintf("138%08d", i), Verified: true, PasswordHash: identity.NewSecret(walkHash)}); err != nil {
			t.Fatal(err)
		}
	}
	if refused, limited = guessEach(t, f, 138, workers, each); refused != 10_000 || limited != 500 {
		t.Errorf("%d guesses were compared and %d stopped, want 10000 and 500", refused, limited)
	}
	if refused, limited = guessEach(t, f, 137, 10, 1); refused != 0 || limited != 10 {
		t.Errorf("of guesses at numbers without an account %d were compared and %d stopped: the breaker shows which numbers have an account", refused, limited)
	}
	alarms := 0
	for after := ""; ; {
		page, err := f.Events(t.Context(), audit.Query{AfterID: after, Max: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if e.Type == audit.LimitAlarm && e.Outcome == "wrong codes in total" {
				alarms++
			}
		}
		after = page[len(page)-1].ID
	}
	if alarms != 1 {
		t.Errorf("%d alarms, want 1", alarms)
	}
}

// guessEach asks for a code for each number, and enters a wrong one.
func guessEach(t *testing.T, f *identitytest.Fixture, series, workers, each int) (refused, limited int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				n := w*each + i
				c := f.Caller()
				c.Device = fmt.Sprintf("device-%d", n)
				c.Address = netip.AddrFrom4([4]byte{byte(series - 100), byte(n), byte(n >> 8), 1})
				mobile := fmt.Sprintf("%d%08d", series, n)
				if err := f.SendVerifyCode(t.Context(), identity.SendRequest{Caller: c, Mobile: mobile, Purpose: identity.PurposeForgotPassword}); err != nil {
					t.Errorf("send %d: %v", n, err)
				}
				err := f.ResetByMobile(t.Context(), identity.ResetRequest{
					Caller: c, Mobile: mobile, Code: identity.NewSecret("0000000000"), Password: identity.NewSecret("violet-Harbor-93"),
				})
				mu.Lock()
				if errors.Is(err, identity.ErrCodeRefused) {
					refused++
				} else if _, ok := errors.AsType[*identity.RateLimitedError](err); ok {
					limited++
				} else {
					t.Errorf("guess %d: %v", n, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return refused, limited
}
