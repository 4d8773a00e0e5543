package failover_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/failover"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

var (
	temporary = &sms.Error{Outcome: sms.Temporary, RetryAfter: 9 * time.Second, Err: errors.New("busy")}
	permanent = &sms.Error{Outcome: sms.Permanent, Err: errors.New("refused")}
	uncertain = &sms.Error{Outcome: sms.Uncertain, Err: errors.New("no answer")}
	atOnce    = &sms.Error{Outcome: sms.Temporary, Err: errors.New("busy")}
	// repeatable is uncertain, and the provider recognises a repetition.
	repeatable = &sms.Error{Outcome: sms.Repeatable, Err: errors.New("no answer")}
	errPlain   = errors.New("plain")
)

// team is a failover of recorders. Each recorder always fails with its error, or never
// fails if the error is nil.
func team(t *testing.T, c failover.Config, errs ...error) (*failover.Sender, []*smstest.Recorder) {
	t.Helper()
	var recorders []*smstest.Recorder
	for i, err := range errs {
		r := &smstest.Recorder{}
		if err != nil {
			r.FailNext(-1, err)
		}
		recorders = append(recorders, r)
		c.Providers = append(c.Providers, failover.Provider{Name: string(rune('a' + i)), Sender: r})
	}
	s, err := failover.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s, recorders
}

func TestProvidersThatAreAsked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		c    failover.Config
		errs []error
		want string // providers asked
		by   string // who sent it, or the outcome
		wait time.Duration
	}{
		"first takes it":             {errs: []error{nil, nil}, want: "a", by: "a"},
		"temporary":                  {errs: []error{temporary, nil}, want: "ab", by: "b"},
		"plain error is uncertain":   {errs: []error{errPlain, nil}, want: "a", by: "uncertain"},
		"refusal":                    {errs: []error{permanent, nil}, want: "ab", by: "b"},
		"refusal stops":              {c: failover.Config{StopAfterRefusal: true}, errs: []error{permanent, nil}, want: "a", by: "permanent"},
		"uncertain stops":            {errs: []error{uncertain, nil}, want: "a", by: "uncertain"},
		"uncertain repeated":         {c: failover.Config{RetryUncertain: true}, errs: []error{uncertain, nil}, want: "ab", by: "b"},
		"uncertain stays uncertain":  {c: failover.Config{RetryUncertain: true}, errs: []error{uncertain, permanent}, want: "ab", by: "uncertain"},
		"repeatable here only":       {errs: []error{repeatable, nil}, want: "a", by: "repeatable"},
		"repeatable repeated":        {c: failover.Config{RetryUncertain: true}, errs: []error{repeatable, nil}, want: "ab", by: "b"},
		"all refuse":                 {errs: []error{permanent, permanent}, want: "ab", by: "permanent"},
		"one may recover":            {errs: []error{temporary, permanent}, want: "ab", by: "temporary", wait: 9 * time.Second},
		"shortest wait":              {errs: []error{temporary, atOnce}, want: "ab", by: "temporary", wait: 0},
		"uncertain after temporary":  {errs: []error{temporary, uncertain, nil}, want: "ab", by: "uncertain"},
		"third":                      {errs: []error{temporary, permanent, nil}, want: "abc", by: "c"},
		"all temporary, waits named": {errs: []error{temporary, temporary}, want: "ab", by: "temporary", wait: 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, recorders := team(t, tt.c, tt.errs...)
			receipt, err := s.Send(t.Context(), sms.Message{ID: "m1", To: "+8613912345678"})
			by := receipt.Provider
			if err != nil {
				se, ok := errors.AsType[*sms.Error](err)
				if !ok {
					t.Fatalf("error is a %T", err)
				}
				by = se.Outcome.String()
				if se.RetryAfter != tt.wait {
					t.Errorf("RetryAfter %v, want %v", se.RetryAfter, tt.wait)
				}
			}
			var asked string
			for i, r := range recorders {
				if r.Attempts() > 0 {
					asked += string(rune('a' + i))
				}
			}
			if asked != tt.want || by != tt.by {
				t.Errorf("asked %s, ended with %q (%v); want %s and %q", asked, by, err, tt.want, tt.by)
			}
		})
	}
}

// A message that a provider may have sent goes to no other provider at the next try
// either, even if the first provider then reports that it did not accept the message.
func TestUncertainMessageStaysWithItsProvider(t *testing.T) {
	t.Parallel()
	s, recorders := team(t, failover.Config{}, nil, nil)
	a, b := recorders[0], recorders[1]
	m := sms.Message{ID: "m1", To: "+8613912345678", ExpiresAt: time.Now().Add(time.Hour)}
	a.FailNext(1, repeatable)
	_, err := s.Send(t.Context(), m)
	if se, ok := errors.AsType[*sms.Error](err); !ok || se.Outcome != sms.Repeatable {
		t.Errorf("first try: %v", err)
	}
	a.FailNext(1, temporary)
	if _, err := s.Send(t.Context(), m); err == nil {
		t.Error("second try: sent")
	}
	if receipt, err := s.Send(t.Context(), m); err != nil || receipt.Provider != "a" {
		t.Errorf("third try: %v, %v", receipt, err)
	}
	if n := b.Attempts(); n != 0 {
		t.Errorf("the other provider was asked %d times", n)
	}
	a.FailNext(1, temporary)
	if receipt, err := s.Send(t.Context(), sms.Message{ID: "m2", To: m.To}); err != nil || receipt.Provider != "b" {
		t.Errorf("another message: %v, %v", receipt, err)
	}
}

func TestErrorsAreWrapped(t *testing.T) {
	t.Parallel()
	s, _ := team(t, failover.Config{}, permanent, errPlain)
	_, err := s.Send(t.Context(), sms.Message{To: "+1"})
	if !errors.Is(err, errPlain) || !errors.Is(err, permanent.Err) || !strings.Contains(err.Error(), "b: plain") {
		t.Errorf("got %v", err)
	}
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	var all, cn, hk, nanp smstest.Recorder
	providers := []failover.Provider{
		{Name: "all", Sender: &all},
		{Name: "nanp", Sender: &nanp, Prefixes: []string{"+1"}},
		{Name: "cn", Sender: &cn, Prefixes: []string{"+86", "+85"}},
		{Name: "hk", Sender: &hk, Prefixes: []string{"+852"}},
	}
	everywhere, err := failover.New(failover.Config{Providers: providers})
	if err != nil {
		t.Fatal(err)
	}
	somewhere, err := failover.New(failover.Config{Providers: providers[1:]})
	if err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]string{
		"+8613912345678": "cn", "+85212345678": "hk", "+85312345678": "cn", "+14155550100": "nanp", "+4915112345678": "all",
	} {
		if r, err := everywhere.Send(t.Context(), sms.Message{To: to}); err != nil || r.Provider != want {
			t.Errorf("%s went to %s, %v; want %s", to, r.Provider, err, want)
		}
	}
	_, err = somewhere.Send(t.Context(), sms.Message{To: "+4915112345678"})
	if se, ok := errors.AsType[*sms.Error](err); !ok || se.Outcome != sms.Permanent {
		t.Errorf("number that no provider serves: %v", err)
	}
	hk.FailNext(1, temporary)
	cn.FailNext(1, temporary)
	if r, err := everywhere.Send(t.Context(), sms.Message{To: "+85212345678"}); err != nil || r.Provider != "all" {
		t.Errorf("after the prefix's providers failed: %+v, %v", r, err)
	}
}

func TestCircuitBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := team(t, failover.Config{FailuresToOpen: 3, OpenFor: time.Minute}, temporary, nil)
		send := func() {
			t.Helper()
			if _, err := s.Send(t.Context(), sms.Message{To: "+1"}); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			send()
		}
		if n := r[0].Attempts(); n != 3 {
			t.Errorf("%d attempts at a provider that fails, want 3", n)
		}
		want := []failover.Counts{{Name: "a", State: "open", Temporary: 3, Skipped: 7}, {Name: "b", State: "closed", Sent: 10}}
		if d := cmp.Diff(want, s.Counts()); d != "" {
			t.Error(d)
		}
		time.Sleep(time.Minute + time.Millisecond)
		send() // half-open: one message finds that the provider still fails
		send()
		if n := r[0].Attempts(); n != 4 {
			t.Errorf("%d attempts after a minute, want 4", n)
		}
		r[0].Reset()
		time.Sleep(time.Minute + time.Millisecond)
		send()
		send()
		if n := len(r[0].All()); n != 2 || s.Counts()[0].State != "closed" {
			t.Errorf("recovered provider got %d messages, want 2; %+v", n, s.Counts()[0])
		}
	})
}

func TestAllOpen(t *testing.T) {
	t.Parallel()
	s, r := team(t, failover.Config{FailuresToOpen: 1, OpenFor: 20 * time.Second}, uncertain)
	_, _ = s.Send(t.Context(), sms.Message{To: "+1"})
	_, err := s.Send(t.Context(), sms.Message{To: "+1"})
	se, ok := errors.AsType[*sms.Error](err)
	if !ok || se.Outcome != sms.Temporary || se.RetryAfter != 20*time.Second || r[0].Attempts() != 1 {
		t.Errorf("got %v after %d attempts", err, r[0].Attempts())
	}
}

// Any person can cause refusals, and a cancelled call says nothing about a provider.
// Neither opens the breaker.
func TestErrorsThatDoNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	cancelled := &sms.Error{Outcome: sms.Uncertain, Err: context.Canceled}
	for _, err := range []error{permanent, cancelled} {
		s, _ := team(t, failover.Config{FailuresToOpen: 1}, err)
		for range 3 {
			_, _ = s.Send(t.Context(), sms.Message{To: "+1"})
		}
		if c := s.Counts()[0]; c.State != "closed" || c.Skipped != 0 {
			t.Errorf("%v opened the breaker: %+v", err, c)
		}
	}
}

type hanging struct{}

func (hanging) Send(ctx context.Context, _ sms.Message) (sms.Accepted, error) {
	<-ctx.Done()
	return sms.Accepted{}, &sms.Error{Outcome: sms.Temporary, Err: ctx.Err()}
}

func TestTimeoutLeavesTimeForTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var next smstest.Recorder
		s, err := failover.New(failover.Config{Providers: []failover.Provider{
			{Name: "a", Sender: hanging{}, Timeout: 4 * time.Second}, {Name: "b", Sender: &next},
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if r, err := s.Send(ctx, sms.Message{To: "+1"}); err != nil || r.Provider != "b" {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

func TestCancelledCallAsksNoOtherProvider(t *testing.T) {
	t.Parallel()
	s, r := team(t, failover.Config{}, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Send(ctx, sms.Message{To: "+1"})
	if !errors.Is(err, context.Canceled) || r[0].Attempts()+r[1].Attempts() != 0 {
		t.Errorf("got %v after %d attempts", err, r[0].Attempts()+r[1].Attempts())
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	s, r := team(t, failover.Config{}, temporary, nil)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if _, err := s.Send(t.Context(), sms.Message{ID: fmt.Sprint(i), To: "+1"}); err != nil {
				t.Error(err)
			}
			_ = s.Counts()
		})
	}
	wg.Wait()
	if c := s.Counts(); len(r[1].All()) != 50 || c[1].Sent != 50 || c[0].Temporary+c[0].Skipped != 50 {
		t.Errorf("%d messages, counts %+v", len(r[1].All()), c)
	}
}

// A webhook that accepts a message and fails to answer may have sent it. The next
// provider must not send it again. The same webhook may.
func TestWebhookThatMayHaveSent(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer server.Close()
	sender, err := hook(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var next smstest.Recorder
	s, err := failover.New(failover.Config{Providers: []failover.Provider{{Name: "hook", Sender: sender}, {Name: "next", Sender: &next}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Send(t.Context(), sms.Message{ID: "m1", To: "+1"})
	se, ok := errors.AsType[*sms.Error](err)
	if !ok || se.Outcome != sms.Repeatable || next.Attempts() != 0 {
		t.Errorf("cut connection: %v, %d messages by the next provider", err, next.Attempts())
	}
	server.Close() // now nothing can have been sent
	if r, err := s.Send(t.Context(), sms.Message{ID: "m2", To: "+1"}); err != nil || r.Provider != "next" {
		t.Errorf("connection refused: %+v, %v", r, err)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	if _, err := failover.New(failover.Config{}); err == nil || !strings.Contains(err.Error(), "no Providers") {
		t.Errorf("no providers: %v", err)
	}
	_, err := failover.New(failover.Config{FailuresToOpen: -1, OpenFor: -1, Providers: []failover.Provider{
		{Timeout: -1}, {Name: "a", Sender: hanging{}, Prefixes: []string{"86"}}, {Name: "a", Sender: hanging{}, Prefixes: []string{"+", "+01", "+8x"}},
	}})
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, want := range []string{
		"FailuresToOpen", "OpenFor", "Providers[0]: Name is required", "Providers[0]: Sender", "Providers[0]: Timeout",
		`"86"`, "Providers[2]: Name", `"+"`, `"+01"`, `"+8x"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}
