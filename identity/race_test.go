package identity_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// rounds is how often a race is run: REKEY_RACE_ROUNDS, or few.
func rounds(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("REKEY_RACE_ROUNDS"))
	if err != nil {
		return 2
	}
	return n
}

// 200 requests with one valid code arrive at the same time, each with a different
// password.
func TestOneCodeHasOneWinner(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		for range rounds(t) {
			f.Clock.Advance(24 * time.Hour)
			f.SendCode(number)
			code := f.Code(e164)
			password := func(i int) string { return fmt.Sprintf("violet-Harbor-%03d", i) }
			errs := atOnce(200, func(i int) error { return reset(f, f.Caller(), code, password(i)) })
			winner := -1
			for i, err := range errs {
				if err == nil && winner >= 0 {
					t.Fatalf("%d and %d both won", winner, i)
				}
				if err == nil {
					winner = i
				}
			}
			if winner < 0 {
				t.Fatalf("no request won: %v", errs[0])
			}
			if !passwordIs(t, f, password(winner)) {
				t.Fatal("the stored hash is not the winner's")
			}
		}
	}, roomy)
}

// roomy lifts limits that would stop 200 requests of one address before the code does.
func roomy(c *identity.Config) {
	identitytest.Lift(c)
	realHashes(c)
	c.HashWait = -1 // however busy the machine is
	c.HashQueue = 1000
}

// Of 200 wrong guesses at the same time, at most 5 are compared with the code. The
// audit trail counts them. After that even the right code is refused.
func TestAtMostFiveGuessesAreCompared(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		for range rounds(t) {
			f.Clock.Advance(24 * time.Hour)
			f.SendCode(number)
			code := f.Code(e164)
			errs := atOnce(200, func(int) error { return reset(f, f.Caller(), wrongCode(code), newPassword) })
			if n := count(errs, identity.ErrCodeRefused); n != 200 {
				t.Fatalf("%d refused, want 200", n)
			}
			wrong := 0
			for _, e := range events(t, f.Service) {
				if e.Outcome == "wrong code" && e.At.Equal(f.Clock.Now().UTC().Truncate(time.Millisecond)) {
					wrong++
				}
			}
			if wrong != 5 {
				t.Errorf("%d guesses were compared, want 5", wrong)
			}
			wantErr(t, "right code after", reset(f, f.Caller(), code, newPassword), identity.ErrCodeRefused)
		}
	}, roomy)
}

// 200 sends to one number at the same time: the provider gets as many messages as the
// cap allows, and not one more.
func TestCapOnSendsHoldsUnderConcurrency(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		errs := atOnce(200, func(i int) error { return send(f, device(f.Caller(), i), number) })
		if n := count(errs, nil); n != 2 {
			t.Errorf("%d accepted, want 2", n)
		}
		settled(t, f)
		if n := f.SMS.Attempts(); n != 2 {
			t.Errorf("%d messages reached the provider, want 2", n)
		}
	}, func(c *identity.Config) {
		c.Limits.SendCooldown = -1 // only the cap limits sends
		c.Limits.SendsPerAddress = []limit.Rate{{Limit: 100_000, Per: time.Hour}}
		c.Limits.SendsPerNetwork = c.Limits.SendsPerAddress
	})
}
