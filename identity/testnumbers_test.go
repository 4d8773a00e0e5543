package identity_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func withTestNumber(log io.Writer) func(*identity.Config) {
	return func(c *identity.Config) {
		c.TestNumbers = []identity.TestNumber{{Mobile: "12345678901", UserID: "review", Code: identity.NewSecret("246810"), Until: c.Now().Add(time.Hour)}}
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
	}
}

func resetAs(f *identitytest.Fixture, code, password string) error {
	return f.ResetByMobile(context.Background(), identity.ResetRequest{
		Caller: f.Caller(), Mobile: "12345678901", Code: identity.NewSecret(code), Password: identity.NewSecret(password),
	})
}

func createAs(t *testing.T, f *identitytest.Fixture, id, mobile string) {
	t.Helper()
	_, err := f.CreateUser(t.Context(), identity.NewUser{ID: id, Mobile: mobile, Verified: true, Password: identity.NewSecret("violet-Harbor-93")})
	if err != nil {
		t.Fatal(err)
	}
}

func sendOutcomes(t *testing.T, f *identitytest.Fixture) (all []string) {
	t.Helper()
	events, err := f.Events(t.Context(), audit.Query{Max: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Type == audit.CodeSent {
			all = append(all, e.Outcome)
		}
	}
	return all
}

// nothingSent sends to an ordinary number, and fails if the listed number got anything
// before that.
func nothingSent(t *testing.T, f *identitytest.Fixture) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	createAs(t, f, "other", "12345678902")
	f.SendCode("12345678902")
	f.Code("+8612345678902")
	if m, err := f.SMS.Next(ctx, "+8612345678901"); err == nil {
		t.Errorf("an SMS went to the test number: %+v", m.Kind)
	}
}

func TestTestNumber(t *testing.T) {
	t.Parallel()
	log := &syncBuffer{}
	f := identitytest.New(t, withTestNumber(log))
	createAs(t, f, "review", "12345678901")
	if err := resetAs(f, "246810", "marble-Lantern-58"); !errors.Is(err, identity.ErrCodeRefused) {
		t.Errorf("the code works without a send: %v", err)
	}
	f.SendCode("12345678901")
	if err := resetAs(f, "246811", "marble-Lantern-58"); !errors.Is(err, identity.ErrCodeRefused) {
		t.Errorf("another code works: %v", err)
	}
	if err := resetAs(f, "246810", "marble-Lantern-58"); err != nil {
		t.Error(err)
	}
	if err := resetAs(f, "246810", "velvet-Anchor-17"); !errors.Is(err, identity.ErrCodeRefused) {
		t.Errorf("the code works twice: %v", err)
	}
	var limited *identity.RateLimitedError
	var err error
	for range 50 {
		if err == nil {
			err = f.SendVerifyCode(t.Context(), identity.SendRequest{Caller: f.Caller(), Mobile: "12345678901", Purpose: identity.PurposeForgotPassword})
		}
	}
	if !errors.As(err, &limited) {
		t.Errorf("no limit of sends: %v", err)
	}
	nothingSent(t, f)
	if got := sendOutcomes(t, f); got[0] != "queued: test number" {
		t.Errorf("the trail says %q", got)
	}
	if text := log.String(); !strings.Contains(text, "+86*******8901") || strings.Contains(text, "246810") {
		t.Errorf("the log at the start: %s", text)
	}
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestTestNumberOfARealUser: if a user's number is listed by mistake, the fixed code
// does not take over that user's account.
func TestTestNumberOfARealUser(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, withTestNumber(io.Discard))
	createAs(t, f, "a user", "12345678901")
	f.SendCode("12345678901")
	if err := resetAs(f, "246810", "marble-Lantern-58"); !errors.Is(err, identity.ErrCodeRefused) {
		t.Errorf("the fixed code resets a user's password: %v", err)
	}
	if got := sendOutcomes(t, f); !slices.Equal(got, []string{"test number of another user"}) {
		t.Errorf("the trail says %q", got)
	}
}

func TestTestNumberEnds(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, withTestNumber(io.Discard))
	createAs(t, f, "review", "12345678901")
	f.Clock.Advance(time.Hour + time.Millisecond)
	f.SendCode("12345678901")
	code := f.Code("+8612345678901") // an ordinary number again: its code is sent
	if code != "246810" {            // one in a million
		if err := resetAs(f, "246810", "marble-Lantern-58"); !errors.Is(err, identity.ErrCodeRefused) {
			t.Errorf("the fixed code works after its date: %v", err)
		}
	}
}

func TestTestNumberFaults(t *testing.T) {
	t.Parallel()
	good := identity.TestNumber{Mobile: "12345678901", Code: identity.NewSecret("246810"), Until: time.Now()}
	for want, change := range map[string]func(*identity.TestNumber){
		"TestNumbers[0].Mobile": func(n *identity.TestNumber) { n.Mobile = "+4915112345678" },
		"TestNumbers[0].Code":   func(n *identity.TestNumber) { n.Code = identity.NewSecret("24681") },
		"TestNumbers[0].Until":  func(n *identity.TestNumber) { n.Until = time.Time{} },
		"TestNumbers[1].Mobile": func(*identity.TestNumber) {},
	} {
		bad, second := good, good
		change(&bad)
		second.Mobile = "+86 123 4567 8901"
		c := identity.Config{
			Store: memory.New(), SMS: identitytest.New(t).SMS, Secret: identity.NewSecret(strings.Repeat("s", 32)),
			TestNumbers: []identity.TestNumber{bad},
		}
		if want == "TestNumbers[1].Mobile" {
			c.TestNumbers = append(c.TestNumbers, second)
		}
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), want+" ") || strings.Contains(err.Error(), "24681") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
