package identity_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/sms"
)

// refusing fails every message, or only those to numbers with the suffix.
func refusing(c *identity.Config, outcome sms.Outcome, suffix string) {
	good := c.SMS
	c.SMS = senderFunc(func(ctx context.Context, m sms.Message) (sms.Accepted, error) {
		if strings.HasSuffix(m.To, suffix) {
			return sms.Accepted{}, &sms.Error{Outcome: outcome, Err: errors.New("refused")}
		}
		return good.Send(ctx, m)
	})
}

// inBubble runs a test on a fake clock that jumps to the next event.
func inBubble(t *testing.T, test func(*testing.T, *identitytest.Fixture), configure func(*identity.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, identitytest.New(t, func(c *identity.Config) { c.Now = time.Now; configure(c) }))
	})
}

// sends asks for codes eight times, with pauses, and returns which sends were accepted.
func sends(t *testing.T, f *identitytest.Fixture, c identity.Caller, mobile string, pause time.Duration) (accepted []bool) {
	t.Helper()
	for range 8 {
		err := send(f, c, mobile)
		if _, limited := rateLimited(err); err != nil && !limited {
			t.Fatal(err)
		}
		accepted = append(accepted, err == nil)
		time.Sleep(pause)
	}
	return accepted
}

// If a provider refuses one number permanently, the sends of the owner's known device
// are not used up, because nothing was sent.
func TestRefusedNumberKeepsItsOwnersSends(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		c := f.Caller()
		c.Device = strings.Repeat("long fingerprint ", 100)
		login := identity.LoginRequest{Mobile: number, Password: identity.NewSecret(oldPassword), Address: c.Address, ClientID: c.ClientID, Device: c.Device}
		if _, err := f.Authenticate(t.Context(), login); err != nil {
			t.Fatal(err)
		}
		for i, ok := range sends(t, f, c, number, time.Second) {
			if !ok {
				t.Errorf("send %d was refused by a limit", i)
			}
		}
	}, func(c *identity.Config) { refusing(c, sms.Permanent, number) })
}

// A number that the provider refuses tells a stranger nothing: its sends run out at the
// same count as those of a number without a user.
func TestRefusedNumberRevealsNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		known := sends(t, f, at(device(f.Caller(), 1), v4(1)), number, time.Minute)
		unknown := sends(t, f, at(device(f.Caller(), 2), v4(2)), "13900000001", time.Minute)
		if diff := cmp.Diff(unknown, known); diff != "" || known[7] {
			t.Errorf("sends accepted (-number without a user +number of a user):\n%s", diff)
		}
	}, func(c *identity.Config) { refusing(c, sms.Permanent, number) })
}

// While the provider accepts no message at all, no number's sends are used up, and
// numbers with and without a user behave alike.
func TestOutageUsesUpNoSends(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		outcome sms.Outcome
		numbers int // numbers at which the provider has failed before
		pause   time.Duration
	}{
		"refuses for good": {sms.Permanent, 20, time.Minute},
		"is down":          {sms.Temporary, 3, 6 * time.Minute}, // a code is tried until it expires
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, f *identitytest.Fixture) {
				f.User(number, oldPassword)
				users(t, f, 0, test.numbers)
				for i := range test.numbers {
					wantErr(t, "send", send(f, at(device(f.Caller(), 10+i), v4(10+i)), mobileOf(i)), nil)
				}
				time.Sleep(6 * time.Minute)
				known := sends(t, f, at(device(f.Caller(), 1), v4(1)), number, test.pause)
				unknown := sends(t, f, at(device(f.Caller(), 2), v4(2)), "13900000001", test.pause)
				all := []bool{true, true, true, true, true, true, true, true}
				if diff := cmp.Diff(all, known); diff != "" {
					t.Errorf("sends to a number with a user:\n%s", diff)
				}
				if diff := cmp.Diff(all, unknown); diff != "" {
					t.Errorf("sends to a number without a user:\n%s", diff)
				}
			}, func(c *identity.Config) { refusing(c, test.outcome, "") })
		})
	}
}

// A person with some numbers that the provider refuses permanently cannot simulate an
// outage with them: sends to a number without a user run out as before.
func TestRefusedNumbersDoNotCountAsOutage(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, f *identitytest.Fixture) {
		users(t, f, 0, 10)
		for i := range 10 {
			wantErr(t, "send", send(f, at(device(f.Caller(), 10+i), v4(10+i)), mobileOf(i)), nil)
		}
		time.Sleep(time.Minute)
		accepted := sends(t, f, at(device(f.Caller(), 1), v4(1)), "13900000001", time.Minute)
		if accepted[7] {
			t.Errorf("sends to a number without a user: %v, want some refused", accepted)
		}
	}, func(c *identity.Config) { refusing(c, sms.Permanent, "") })
}
