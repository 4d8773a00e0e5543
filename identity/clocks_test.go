package identity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// The clocks of two servers on one store differ by ten seconds. A code sent by one
// server is redeemed at the other, expires by the clock of the server that handles the
// request, and works once. The server that is behind lets no caller pass a limit.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	const apart = 10 * time.Second
	ahead := identitytest.New(t)
	behindClock := identitytest.NewClock(ahead.Clock.Now().Add(-apart))
	behind := idleService(t, ahead.Store, behindClock, ahead.SMS, func(c *identity.Config) { c.AnswerStep = -1 })
	advance := func(d time.Duration) { ahead.Clock.Advance(d); behindClock.Advance(d) }
	const mobile, e164 = "13912345678", "+8613912345678"
	ahead.User(mobile, "violet-Harbor-93")
	send := func(s *identity.Service) error {
		return s.SendVerifyCode(t.Context(), identity.SendRequest{Caller: ahead.Caller(), Mobile: mobile, Purpose: identity.PurposeForgotPassword})
	}
	reset := func(s *identity.Service, code, password string) error {
		return s.ResetByMobile(t.Context(), identity.ResetRequest{Caller: ahead.Caller(), Mobile: mobile,
			Code: identity.NewSecret(code), Password: identity.NewSecret(password)})
	}
	limited := func(err error) (wait time.Duration, ok bool) {
		e, ok := errors.AsType[*identity.RateLimitedError](err)
		if ok {
			wait = e.RetryAfter
		}
		return wait, ok
	}

	if err := send(ahead.Service); err != nil {
		t.Fatal(err)
	}
	code := ahead.Code(e164)
	// The cooldown also holds at the server that is behind, at most as much longer as the
	// clocks differ.
	if wait, ok := limited(send(behind)); !ok || wait > time.Minute+apart {
		t.Errorf("a second send at the other server: limited %v, for %s", ok, wait)
	}
	if err := reset(behind, code, "amber-Lantern-27"); err != nil {
		t.Errorf("the code at the other server: %v", err)
	}
	if err := reset(ahead.Service, code, "granite-Willow-58"); !errors.Is(err, identity.ErrCodeRefused) {
		t.Errorf("the used code, at the server that sent it: %v", err)
	}

	// A code from the server that is behind expires at the other server by that server's
	// clock.
	advance(time.Minute + apart)
	if err := send(behind); err != nil {
		t.Fatal(err)
	}
	ahead.Nudge()
	code = ahead.Code(e164)
	advance(5*time.Minute - apart)
	if err := reset(ahead.Service, code, "granite-Willow-58"); !errors.Is(err, identity.ErrCodeRefused) {
		t.Errorf("expired at the server that is ahead: %v", err)
	}
	// The code stays expired, even for the clock that is behind.
	if err := reset(behind, code, "granite-Willow-58"); !errors.Is(err, identity.ErrCodeRefused) {
		t.Errorf("expired at one server, still valid at the other: %v", err)
	}
}
