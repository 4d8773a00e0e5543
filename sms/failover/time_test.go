package failover_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/failover"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

// slow takes a fixed time for each message, and records how much time it was given.
type slow struct {
	takes time.Duration
	given *[]time.Duration
	err   error
}

func (s slow) Send(ctx context.Context, _ sms.Message) (sms.Accepted, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(-1)
	}
	if s.given != nil {
		*s.given = append(*s.given, time.Until(deadline))
	}
	select {
	case <-time.After(s.takes):
		return sms.Accepted{}, s.err
	case <-ctx.Done():
		return sms.Accepted{}, &sms.Error{Err: ctx.Err()}
	}
}

// blackhole never connects: it uses all its time, and sends nothing.
type blackhole struct{ given *[]time.Duration }

func (b blackhole) Send(ctx context.Context, _ sms.Message) (sms.Accepted, error) {
	deadline, _ := ctx.Deadline()
	*b.given = append(*b.given, time.Until(deadline))
	<-ctx.Done()
	return sms.Accepted{}, &sms.Error{Outcome: sms.Temporary, Err: ctx.Err()}
}

// Providers that do not serve the number take none of its time.
func TestTimeIsNotSharedWithOtherPrefixes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var providers []failover.Provider
		for i, prefix := range []string{"+86", "+852", "+1", "+49", "+33"} {
			providers = append(providers, failover.Provider{Name: string(rune('a' + i)), Prefixes: []string{prefix}, Sender: slow{takes: 2500 * time.Millisecond}})
		}
		s, err := failover.New(failover.Config{Providers: providers})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if r, err := s.Send(ctx, sms.Message{To: "+4915112345678"}); err != nil || r.Provider != "d" {
			t.Errorf("a provider that takes 2.5 s of 10 s: %+v, %v", r, err)
		}
	})
}

// The time that is left is divided among the providers that are still to be asked.
func TestTimeIsDividedAmongRemainingProviders(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		deadline time.Duration // of the caller; 0 for none
		timeout  time.Duration // of each provider
		want     []time.Duration
	}{
		"equal parts":           {12 * time.Second, 0, []time.Duration{4 * time.Second, 4 * time.Second, 4 * time.Second}},
		"a cap leaves more":     {12 * time.Second, time.Second, []time.Duration{time.Second, time.Second, time.Second}},
		"a cap that is too far": {3 * time.Second, 5 * time.Second, []time.Duration{time.Second, time.Second, time.Second}},
		"no deadline, no cap":   {0, 0, []time.Duration{failover.DefaultTimeout, failover.DefaultTimeout, failover.DefaultTimeout}},
		"no deadline, a cap":    {0, 15 * time.Second, []time.Duration{15 * time.Second, 15 * time.Second, 15 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var given []time.Duration
				var providers []failover.Provider
				for i := range 3 {
					providers = append(providers, failover.Provider{Name: string(rune('a' + i)), Sender: blackhole{&given}, Timeout: tt.timeout})
				}
				providers = append(providers, failover.Provider{Name: "elsewhere", Sender: &smstest.Recorder{}, Prefixes: []string{"+1"}})
				s, err := failover.New(failover.Config{Providers: providers})
				if err != nil {
					t.Fatal(err)
				}
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				_, _ = s.Send(ctx, sms.Message{To: "+8613912345678"})
				if len(given) != 3 {
					t.Fatalf("%d providers were asked, want 3", len(given))
				}
				for i, want := range tt.want {
					if given[i] != want {
						t.Errorf("provider %d was given %v, want %v", i, given[i], want)
					}
				}
			})
		})
	}
}

// A provider that is skipped takes no time. If a message is pinned to one provider, the
// other providers take no time either.
func TestTimeOfProvidersThatAreNotAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var given []time.Duration
		repeats := slow{given: &given, err: repeatable}
		s, err := failover.New(failover.Config{FailuresToOpen: 1, OpenFor: time.Hour, Providers: []failover.Provider{
			{Name: "a", Sender: repeats}, {Name: "b", Sender: slow{err: temporary}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		send := func(m sms.Message) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, _ = s.Send(ctx, m)
		}
		m := sms.Message{ID: "m1", To: "+1", ExpiresAt: time.Now().Add(24 * time.Hour)}
		send(m) // pins it to a, and opens a's breaker
		time.Sleep(time.Hour + time.Second)
		send(m)                               // only a is asked, and its breaker opens again
		send(sms.Message{ID: "m2", To: "+1"}) // only b is asked, and its breaker opens
		time.Sleep(59 * time.Minute)
		send(sms.Message{ID: "m3", To: "+1"}) // no provider
		time.Sleep(2 * time.Minute)
		send(sms.Message{ID: "m4", To: "+1"}) // a, with time left for b
		want := []time.Duration{5 * time.Second, 10 * time.Second, 5 * time.Second}
		if len(given) != len(want) || given[0] != want[0] || given[1] != want[1] || given[2] != want[2] {
			t.Errorf("a was given %v, want %v", given, want)
		}
	})
}
