package identity_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// senderFunc is a sender made of a function.
type senderFunc func(context.Context, sms.Message) (sms.Accepted, error)

func (f senderFunc) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	return f(ctx, m)
}

// patience is how long a test waits for something that must happen. No test measures
// time.
const patience = time.Minute

// eventually polls, by the real clock, until another goroutine has done something.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never happened: " + what)
		}
	}
}

func messages(t testing.TB, s *identity.Service) []outbox.Message {
	t.Helper()
	all, err := s.Messages(context.Background(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// overPause moves the clock to a message's next attempt.
func overPause(f *identitytest.Fixture, m outbox.Message) {
	if m.State.Final() {
		return
	}
	if pause := m.NextAt.Sub(f.Clock.Now()); pause > 0 {
		f.Clock.Advance(pause)
	}
	f.Nudge()
}

func inState(t testing.TB, s *identity.Service, state outbox.State) (n int) {
	t.Helper()
	for _, m := range messages(t, s) {
		if m.State == state {
			n++
		}
	}
	return n
}

func TestDeliveryStates(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err      error
		fails    int // how often
		retry    bool
		want     outbox.State
		attempts int
	}{
		"accepted":            {want: outbox.Delivered, attempts: 1},
		"temporary, then not": {err: &sms.Error{Outcome: sms.Temporary}, fails: 2, want: outbox.Delivered, attempts: 3},
		"untyped":             {err: errors.New("down"), fails: 1, want: outbox.Uncertain, attempts: 1},
		"throttled":           {err: &sms.Error{Outcome: sms.Temporary, RetryAfter: time.Minute}, fails: 1, want: outbox.Delivered, attempts: 2},
		"permanent":           {err: &sms.Error{Outcome: sms.Permanent}, fails: 1, want: outbox.Dead, attempts: 1},
		"uncertain":           {err: &sms.Error{Outcome: sms.Uncertain}, fails: 1, want: outbox.Uncertain, attempts: 1},
		"uncertain, retried":  {err: &sms.Error{Outcome: sms.Uncertain}, fails: 1, retry: true, want: outbox.Delivered, attempts: 2},
		"never accepted":      {err: &sms.Error{Outcome: sms.Temporary}, fails: 1 << 30, want: outbox.Dead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				f.User(number, oldPassword)
				if test.fails > 0 {
					f.SMS.FailNext(test.fails, test.err)
				}
				f.SendCode(number)
				var m outbox.Message
				eventually(t, "the message's last state", func() bool {
					m = messages(t, f.Service)[0]
					overPause(f, m)
					return m.State.Final()
				})
				if m.State != test.want || len(m.Sealed) != 0 || m.FinishedAt.IsZero() {
					t.Errorf("state %s, %d sealed bytes, finished %s; want %s and wiped", m.State, len(m.Sealed), m.FinishedAt, test.want)
				}
				if test.attempts > 0 && m.Attempts != test.attempts {
					t.Errorf("%d attempts, want %d", m.Attempts, test.attempts)
				}
				if m.State == outbox.Delivered && m.Provider != smstest.RecorderName {
					t.Errorf("provider %q", m.Provider)
				}
			}, func(c *identity.Config) { c.RetryUncertain = test.retry })
		})
	}
}

// No message is sent at or after the time when its code expires.
func TestMessageExpiresWithItsCode(t *testing.T) {
	t.Parallel()
	store, clock := memory.New(), identitytest.NewClock(time.Now())
	idle := idleService(t, store, clock, &smstest.Recorder{})
	user(t, idle)
	if err := idle.SendVerifyCode(t.Context(), identity.SendRequest{Caller: caller(), Mobile: number, Purpose: identity.PurposeForgotPassword}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(5 * time.Minute)
	recorder := &smstest.Recorder{}
	late := idleService(t, store, clock, recorder)
	stop := runService(t, late)
	eventually(t, "dead", func() bool { return inState(t, late, outbox.Dead) == 1 })
	stop()
	if n := recorder.Attempts(); n != 0 {
		t.Errorf("%d attempts to send an expired code", n)
	}
}

// idleService is a service whose Run is not called, as if the process had died before
// it delivered a message.
func idleService(t testing.TB, store identity.Storage, clock *identitytest.Clock, recorder sms.Sender, configure ...func(*identity.Config)) *identity.Service {
	t.Helper()
	cfg := identity.Config{Store: store, SMS: recorder, Secret: identity.NewSecret(strings.Repeat("s", 32)), Now: clock.Now}
	for _, c := range configure {
		c(&cfg)
	}
	identitytest.CheapHashes(&cfg)
	svc, err := identity.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = svc.RegisterClient(context.Background(), identity.Client{ID: identitytest.ClientID})
	if err != nil && !errors.Is(err, identity.ErrAlreadyExists) {
		t.Fatal(err)
	}
	return svc
}

func user(t testing.TB, s *identity.Service) identity.User {
	t.Helper()
	u, err := s.CreateUser(context.Background(), identity.NewUser{Mobile: number, Verified: true, Password: identity.NewSecret(oldPassword)})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func caller() identity.Caller { return (&identitytest.Fixture{}).Caller() }

// runService runs deliveries until stop is called or the test ends.
func runService(t testing.TB, s *identity.Service) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

// The process dies between the commit and the send, and another process delivers.
func TestCommittedMessagesSurviveTheProcess(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, clock := open(t), identitytest.NewClock(time.Now())
			recorder := &smstest.Recorder{}
			dying := idleService(t, store, clock, recorder, func(c *identity.Config) {
				c.OnPasswordReset = func(context.Context, identity.PasswordResetEvent) error { return nil }
			})
			u := user(t, dying)
			if err := dying.SendVerifyCode(t.Context(), identity.SendRequest{Caller: caller(), Mobile: number, Purpose: identity.PurposeForgotPassword}); err != nil {
				t.Fatal(err)
			}

			var mu sync.Mutex
			var got []identity.PasswordResetEvent
			hook := func(c *identity.Config) {
				c.OnPasswordReset = func(_ context.Context, e identity.PasswordResetEvent) error {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, e)
					if len(got) == 1 {
						return errors.New("session store down")
					}
					return nil
				}
			}
			stop := runService(t, idleService(t, store, clock, recorder, hook))
			m, err := recorder.Next(t.Context(), e164)
			if err != nil {
				t.Fatal(err)
			}
			stop()
			// Commit the reset in a process that dies before it sends the notice.
			err = dying.ResetByMobile(t.Context(), identity.ResetRequest{
				Caller: caller(), Mobile: number, Code: identity.NewSecret(m.Params["code"]), Password: identity.NewSecret(newPassword),
			})
			if err != nil {
				t.Fatal(err)
			}
			second := idleService(t, store, clock, recorder, hook)
			runService(t, second)
			if m, err := recorder.Next(t.Context(), e164); err != nil || m.Kind != sms.KindPasswordChanged {
				t.Errorf("notice: %v, %v", m, err)
			}
			eventually(t, "the application gets the event, and again after its failure", func() bool {
				clock.Advance(5 * time.Second)
				second.Nudge()
				mu.Lock()
				defer mu.Unlock()
				return len(got) >= 2
			})
			mu.Lock()
			defer mu.Unlock()
			if got[0].UserID != u.ID || got[0] != got[1] || got[0].ID == "" {
				t.Errorf("events %+v, want the same event twice for %s", got, u.ID)
			}
		})
	}
}

// Two processes on one database: each message is delivered by one of them.
func TestTwoProcessesDeliverOnce(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, clock := open(t), identitytest.NewClock(time.Now())
			var mu sync.Mutex
			seen := map[string]int{}
			recorder := senderFunc(func(_ context.Context, m sms.Message) (sms.Accepted, error) {
				mu.Lock()
				defer mu.Unlock()
				seen[m.ID]++
				return sms.Accepted{Provider: "test"}, nil
			})
			a, b := idleService(t, store, clock, recorder), idleService(t, store, clock, recorder)
			const users = 20
			for i := range users {
				mobile := "138000000" + string(rune('1'+i/10)) + string(rune('0'+i%10))
				if _, err := a.CreateUser(t.Context(), identity.NewUser{Mobile: mobile, Verified: true, PasswordHash: identity.NewSecret("$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")}); err != nil {
					t.Fatal(err)
				}
				if err := a.SendVerifyCode(t.Context(), identity.SendRequest{Caller: device(caller(), i), Mobile: mobile, Purpose: identity.PurposeForgotPassword}); err != nil {
					t.Fatal(err)
				}
			}
			runService(t, a)
			runService(t, b)
			eventually(t, "all delivered", func() bool { return inState(t, a, outbox.Delivered) == users })
			mu.Lock()
			defer mu.Unlock()
			for id, n := range seen {
				if n != 1 {
					t.Errorf("message %s was sent %d times", id, n)
				}
			}
			if len(seen) != users {
				t.Errorf("%d messages sent, want %d", len(seen), users)
			}
		})
	}
}

// A sender that panics, or whose error contains secrets, harms neither the process nor
// the record.
func TestSenderMayMisbehave(t *testing.T) {
	t.Parallel()
	var text string
	var calls int
	var mu sync.Mutex
	f := identitytest.New(t, func(c *identity.Config) {
		c.RetryUncertain = true // after the panic, which may have sent
		c.SMS = senderFunc(func(_ context.Context, m sms.Message) (sms.Accepted, error) {
			mu.Lock()
			defer mu.Unlock()
			text = m.Text
			if calls++; calls == 1 {
				panic(m.Text)
			}
			return sms.Accepted{}, &sms.Error{Outcome: sms.Permanent, Err: errors.New("cannot send " + m.Text + " code " + m.Params["code"] + " to " + m.To)}
		})
	})
	f.User(number, oldPassword)
	f.SendCode(number)
	eventually(t, "dead", func() bool {
		overPause(f, messages(t, f.Service)[0])
		return inState(t, f.Service, outbox.Dead) == 1
	})
	mu.Lock()
	defer mu.Unlock()
	m := messages(t, f.Service)[0]
	if m.LastError == "" || strings.Contains(m.LastError, text) || strings.Contains(m.LastError, number) {
		t.Errorf("LastError %q", m.LastError)
	}
}

// A slow provider delays neither the caller nor other messages.
func TestSlowProviderDelaysNoOtherMessage(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	arrived := make(chan string, 10)
	f := identitytest.New(t, func(c *identity.Config) {
		c.SMS = senderFunc(func(ctx context.Context, m sms.Message) (sms.Accepted, error) {
			arrived <- m.To
			select {
			case <-release:
			case <-ctx.Done():
			}
			return sms.Accepted{}, nil
		})
	})
	t.Cleanup(func() { close(release) })
	for _, mobile := range []string{"13800000001", "13800000002", "13800000003"} {
		f.User(mobile, oldPassword)
		f.SendCode(mobile) // returns while the first is still held
	}
	for range 3 {
		select {
		case <-arrived:
		case <-time.After(patience):
			t.Fatal("a message waits for the provider of another message")
		}
	}
}

// Expired rows are deleted in bounded batches: codes, counters, messages, events.
func TestPurge(t *testing.T) {
	t.Parallel()
	store, clock := memory.New(), identitytest.NewClock(time.Now())
	recorder := &smstest.Recorder{}
	svc := idleService(t, store, clock, recorder, func(c *identity.Config) {
		c.EventRetention, c.MessageRetention = 24*time.Hour, 24*time.Hour
	})
	user(t, svc)
	if err := svc.SendVerifyCode(t.Context(), identity.SendRequest{Caller: caller(), Mobile: number, Purpose: identity.PurposeForgotPassword}); err != nil {
		t.Fatal(err)
	}
	stop := runService(t, svc)
	if _, err := recorder.Next(t.Context(), e164); err != nil {
		t.Fatal(err)
	}
	eventually(t, "delivered", func() bool { return inState(t, svc, outbox.Delivered) == 1 })
	stop()
	clock.Advance(48 * time.Hour)
	svc.SetPurgeInterval(time.Millisecond)
	runService(t, svc)
	eventually(t, "messages and events are gone", func() bool { return len(messages(t, svc)) == 0 && len(events(t, svc)) == 0 })
	n, err := store.Purge(t.Context(), identity.Purge{Now: clock.Now().AddDate(10, 0, 0), Max: 1000})
	if err != nil || n != 0 {
		t.Errorf("%d codes or counters left over (%v)", n, err)
	}
}

// Secret rotation: live codes and queued messages survive while the old secret
// is listed.
func TestRotationKeepsCodesAndMessages(t *testing.T) {
	t.Parallel()
	store, clock := memory.New(), identitytest.NewClock(time.Now())
	before := idleService(t, store, clock, &smstest.Recorder{})
	user(t, before)
	if err := before.SendVerifyCode(t.Context(), identity.SendRequest{Caller: caller(), Mobile: number, Purpose: identity.PurposeForgotPassword}); err != nil {
		t.Fatal(err)
	}
	recorder := &smstest.Recorder{}
	after := idleService(t, store, clock, recorder, func(c *identity.Config) {
		c.Secret, c.OldSecrets = identity.NewSecret(strings.Repeat("n", 32)), []identity.Secret{c.Secret}
	})
	runService(t, after)
	m, err := recorder.Next(t.Context(), e164)
	if err != nil {
		t.Fatal(err)
	}
	err = after.ResetByMobile(t.Context(), identity.ResetRequest{
		Caller: caller(), Mobile: number, Code: identity.NewSecret(m.Params["code"]), Password: identity.NewSecret(newPassword),
	})
	if err != nil {
		t.Errorf("a code sent before the rotation: %v", err)
	}
}

// A server has another secret, during a rotation or by mistake. It can neither open a
// queued message nor check the message's code. It must not give up the message, and the
// code must stay valid at the servers that have its secret.
func TestServerWithAnotherSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, serverWithAnotherSecret)
}

func serverWithAnotherSecret(t *testing.T) {
	store, clock := memory.New(), identitytest.NewClock(time.Now())
	right := idleService(t, store, clock, &smstest.Recorder{})
	user(t, right)
	if err := right.SendVerifyCode(t.Context(), identity.SendRequest{Caller: caller(), Mobile: number, Purpose: identity.PurposeForgotPassword}); err != nil {
		t.Fatal(err)
	}
	wrongRecorder := &smstest.Recorder{}
	wrong := idleService(t, store, clock, wrongRecorder, func(c *identity.Config) {
		c.Secret = identity.NewSecret(strings.Repeat("w", 32))
	})
	stop := runService(t, wrong)
	time.Sleep(10 * time.Second) // of the bubble's clock: the wrong server looks at the queue ten times
	stop()
	if n := len(wrongRecorder.All()); n != 0 {
		t.Errorf("the server with another secret sent %d messages", n)
	}
	clock.Advance(time.Minute) // past a lease that the wrong server may have taken
	recorder := &smstest.Recorder{}
	again := idleService(t, store, clock, recorder)
	runService(t, again)
	m, err := recorder.Next(t.Context(), e164)
	if err != nil {
		t.Fatalf("the queued message was lost: %v", err)
	}
	reset := identity.ResetRequest{
		Caller: caller(), Mobile: number, Code: identity.NewSecret(m.Params["code"]), Password: identity.NewSecret(newPassword),
	}
	if err := wrong.ResetByMobile(t.Context(), reset); err == nil {
		t.Error("a server with another secret accepted the code")
	}
	if err := again.ResetByMobile(t.Context(), reset); err != nil {
		t.Errorf("at a server with the right secret: %v", err)
	}
}
