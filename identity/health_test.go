package identity_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// If codes leave too late to be of use, and not just at one reading, a send is refused
// instead. So a clock that jumps refuses no caller.
func TestNoCodeIsAcceptedThatWouldLeaveTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := identitytest.NewClock(time.Now())
		svc := idleService(t, memory.New(), clock, &smstest.Recorder{}, func(c *identity.Config) { // no Run: nothing leaves
			identitytest.Lift(c)
			c.AnswerStep = -1
		})
		send := func() error {
			return svc.SendVerifyCode(t.Context(), identity.SendRequest{Caller: caller(), Mobile: number, Purpose: identity.PurposeForgotPassword})
		}
		user(t, svc)
		if err := send(); err != nil {
			t.Fatal(err)
		}
		clock.Advance(4 * time.Minute)
		time.Sleep(2 * time.Second)
		if err := send(); err != nil {
			t.Errorf("at the first late reading: %v", err)
		}
		time.Sleep(2 * time.Second)
		if _, busy := errors.AsType[*identity.BusyError](send()); !busy {
			t.Error("accepted although codes have been leaving too late for seconds")
		}
		if err := svc.Health(t.Context()); err == nil {
			t.Error("healthy with a code that has been due for minutes")
		}
	})
}

// unwritable is a store that reports that it accepts no writes.
type unwritable struct {
	*memory.Store
	err error
}

func (u *unwritable) Check(context.Context) error { return u.err }

func TestHealthAsksTheStorage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &unwritable{Store: memory.New()}
		svc := idleService(t, store, identitytest.NewClock(time.Now()), &smstest.Recorder{})
		if err := svc.Health(t.Context()); err != nil {
			t.Fatal(err)
		}
		store.err = errors.New("read-only")
		time.Sleep(3 * time.Second) // when the last answer is too old to be reused
		if err := svc.Health(t.Context()); !errors.Is(err, store.err) {
			t.Errorf("Health: %v", err)
		}
	})
}
