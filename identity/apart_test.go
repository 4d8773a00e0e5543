package identity_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// elsewhere keeps users in a separate store, whose password change fails as a test
// demands.
type elsewhere struct {
	*memory.Store
	replace func(ctx context.Context, change identity.PasswordChange) error
	calls   atomic.Int64
}

func (e *elsewhere) ReplacePassword(ctx context.Context, change identity.PasswordChange) error {
	e.calls.Add(1)
	if e.replace != nil {
		return e.replace(ctx, change)
	}
	return e.Store.ReplacePassword(ctx, change)
}

const (
	apartMobile   = "13912345678"
	apartE164     = "+86" + apartMobile
	apartPassword = "violet-Harbor-93"
	apartNext     = "amber-Lantern-27"
)

type apartScene struct {
	*identitytest.Fixture
	users  *elsewhere
	events chan identity.PasswordResetEvent
}

func newApart(t *testing.T, configure ...func(*identity.Config)) *apartScene {
	t.Helper()
	sc := &apartScene{users: &elsewhere{Store: memory.New()}, events: make(chan identity.PasswordResetEvent, 10)}
	sc.Fixture = identitytest.New(t, append(configure, func(c *identity.Config) {
		c.Users = sc.users
		c.OnPasswordReset = func(_ context.Context, e identity.PasswordResetEvent) error { sc.events <- e; return nil }
	})...)
	sc.User(apartMobile, apartPassword)
	sc.SendCode(apartMobile)
	return sc
}

func (sc *apartScene) reset(ctx context.Context, code, password string) error {
	return sc.ResetByMobile(ctx, identity.ResetRequest{Caller: sc.Caller(), Mobile: apartMobile,
		Code: identity.NewSecret(code), Password: identity.NewSecret(password)})
}

func (sc *apartScene) login(password string) error {
	_, err := sc.Authenticate(context.Background(), identity.LoginRequest{Mobile: apartMobile, Password: identity.NewSecret(password)})
	return err
}

// trail returns the types of the events, except those of the preparation and of logins.
func (sc *apartScene) trail(t *testing.T) (types []audit.Type) {
	t.Helper()
	events, err := sc.Events(t.Context(), audit.Query{AfterID: "", Max: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		switch e.Type {
		case audit.ClientCreated, audit.UserCreated, audit.CodeSent, audit.LoginRefused:
		default:
			types = append(types, e.Type)
		}
	}
	return types
}

func (sc *apartScene) wantTrail(t *testing.T, want ...audit.Type) {
	t.Helper()
	if diff := cmp.Diff(want, sc.trail(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// settle delivers the messages of the reset, moving the clock step by step.
func (sc *apartScene) settle(t *testing.T) (states map[outbox.State]int) {
	t.Helper()
	for range 2000 {
		messages, err := sc.Messages(t.Context(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		states = map[outbox.State]int{}
		for _, m := range messages {
			states[m.State]++
		}
		if states[outbox.Pending] == 0 {
			return states
		}
		sc.Clock.Advance(time.Second)
		sc.Nudge()
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("messages %v", states)
	return nil
}

func TestUsersElsewhere(t *testing.T) {
	t.Parallel()
	sc := newApart(t)
	code := sc.Code(apartE164)
	if err := sc.reset(t.Context(), code, apartNext); err != nil {
		t.Fatal(err)
	}
	if err := sc.reset(t.Context(), code, "granite-Willow-58"); !errors.Is(err, identity.ErrCodeRefused) {
		t.Errorf("the code again: %v", err)
	}
	if sc.login(apartPassword) == nil || sc.login(apartNext) != nil {
		t.Error("the password is not the new one")
	}
	if states := sc.settle(t); states[outbox.Delivered] != 3 {
		t.Errorf("messages %v", states)
	}
	sc.Message(apartE164, sms.KindPasswordChanged)
	if e := <-sc.events; e.UserID == "" {
		t.Errorf("event %+v", e)
	}
	if _, err := sc.Store.UserByMobile(t.Context(), "", apartE164); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("the first store has the user: %v", err)
	}
	sc.wantTrail(t, audit.CodeRedeemed, audit.PasswordReset, audit.ResetRefused)
}

// Whatever the result of the second step, the code is used up. The person gets a notice
// if and only if the password was changed.
func TestSecondStepFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		replace func(*elsewhere) func(context.Context, identity.PasswordChange) error
		changed bool
		trail   []audit.Type
	}{
		"not replaced": {func(*elsewhere) func(context.Context, identity.PasswordChange) error {
			return func(context.Context, identity.PasswordChange) error { return errors.New("database down") }
		}, false, []audit.Type{audit.CodeRedeemed, audit.ResetFailed, audit.ResetRefused}},
		"replaced, answer lost": {func(e *elsewhere) func(context.Context, identity.PasswordChange) error {
			return func(ctx context.Context, c identity.PasswordChange) error {
				_ = e.Store.ReplacePassword(ctx, c)
				return errors.New("connection lost")
			}
		}, true, []audit.Type{audit.CodeRedeemed, audit.ResetFailed, audit.ResetRefused}},
		"process dies in between": {func(*elsewhere) func(context.Context, identity.PasswordChange) error {
			return func(context.Context, identity.PasswordChange) error { panic("killed") }
		}, false, []audit.Type{audit.CodeRedeemed, audit.ResetRefused}},
		"process dies after it": {func(e *elsewhere) func(context.Context, identity.PasswordChange) error {
			return func(ctx context.Context, c identity.PasswordChange) error {
				_ = e.Store.ReplacePassword(ctx, c)
				panic("killed")
			}
		}, true, []audit.Type{audit.CodeRedeemed, audit.ResetRefused}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := newApart(t)
			code := sc.Code(apartE164)
			sc.users.replace = tt.replace(sc.users)
			func() {
				defer func() { _ = recover() }()
				if err := sc.reset(t.Context(), code, apartNext); err == nil || errors.Is(err, identity.ErrCodeRefused) {
					t.Errorf("reset: %v", err)
				}
			}()
			sc.users.replace = nil
			if err := sc.reset(t.Context(), code, "granite-Willow-58"); !errors.Is(err, identity.ErrCodeRefused) {
				t.Errorf("the code again: %v", err)
			}
			if changed := sc.login(apartNext) == nil; changed != tt.changed || changed == (sc.login(apartPassword) == nil) {
				t.Errorf("password changed: %v, want %v", changed, tt.changed)
			}
			want := map[outbox.State]int{outbox.Delivered: 1, outbox.Dead: 2}
			if tt.changed {
				want = map[outbox.State]int{outbox.Delivered: 3}
			}
			if diff := cmp.Diff(want, sc.settle(t)); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			if n := len(sc.events); n != map[bool]int{true: 1}[tt.changed] {
				t.Errorf("the application was told %d times", n)
			}
			sc.wantTrail(t, tt.trail...)
		})
	}
}

// Of many requests with one code, only one reaches the store of users.
func TestOneWinnerElsewhere(t *testing.T) {
	t.Parallel()
	sc := newApart(t, func(c *identity.Config) { c.HashQueue = 100 })
	code := sc.Code(apartE164)
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if err := sc.reset(context.Background(), code, apartNext); err == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || sc.users.calls.Load() != 1 {
		t.Errorf("%d won, the password was replaced %d times", won.Load(), sc.users.calls.Load())
	}
}

// If the caller leaves between the steps, the second step is still done.
func TestCallerLeavesBetweenTheSteps(t *testing.T) {
	t.Parallel()
	sc := newApart(t)
	code := sc.Code(apartE164)
	ctx, cancel := context.WithCancel(t.Context())
	sc.users.replace = func(ctx context.Context, c identity.PasswordChange) error {
		cancel()
		return sc.users.Store.ReplacePassword(ctx, c)
	}
	_ = sc.reset(ctx, code, apartNext)
	if sc.login(apartNext) != nil {
		t.Error("the password is not replaced")
	}
}

// A user and rows of the application are stored in one transaction: the user is
// prepared outside of it and stored inside.
func TestPrepareAndInsertUser(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	u, err := f.PrepareUser(t.Context(), identity.NewUser{Mobile: apartMobile, Verified: true, Password: identity.NewSecret(apartPassword)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.UserByMobile(t.Context(), "", apartMobile); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("stored already: %v", err)
	}
	other := memory.New()
	if err := f.InsertUser(t.Context(), other, u); err != nil {
		t.Fatal(err)
	}
	if err := f.InsertUser(t.Context(), other, u); !errors.Is(err, identity.ErrAlreadyExists) {
		t.Errorf("again: %v", err)
	}
	got, err := other.UserByMobile(t.Context(), "", apartE164)
	if diff := cmp.Diff(u, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if events, err := other.Events(t.Context(), audit.Query{AfterID: "", Max: 10}); err != nil || len(events) != 1 || events[0].Type != audit.UserCreated {
		t.Errorf("events %v, %v", events, err)
	}
}
