package identity_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// One line of each kind is logged per minute of the service's clock, with the number of
// lines left out. A clock that was wrong silences no line.
func TestQuietLog(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	f := identitytest.New(t, func(c *identity.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Limits.SendsPerAddress = []limit.Rate{{Limit: 1, Per: 24 * time.Hour}}
		c.Captcha = captcha{}
	})
	refused := func() {
		t.Helper()
		err := send(f, f.Caller(), number)
		if _, limited := rateLimited(err); !limited && !errors.Is(err, identity.ErrCaptchaMissing) {
			t.Fatal(err)
		}
	}
	wantErr(t, "send", f.SendVerifyCode(context.Background(), identity.SendRequest{
		Caller: f.Caller(), Mobile: number, Purpose: identity.PurposeForgotPassword, CaptchaToken: "good",
	}), nil)
	lines := func() int { return strings.Count(log.String(), "sends per address") }
	for range 5 {
		refused()
	}
	if n := lines(); n != 1 {
		t.Errorf("%d lines at the same moment, want 1", n)
	}
	f.Clock.Advance(time.Minute)
	refused()
	if n := lines(); n != 2 || !strings.Contains(log.String(), "left_out=4") {
		t.Errorf("%d lines a minute later, want 2, the second with those left out:\n%s", n, &log)
	}
	f.Clock.Advance(-30 * time.Second)
	refused()
	if n := lines(); n != 3 {
		t.Errorf("%d lines after the clock was set back, want 3", n)
	}
}
