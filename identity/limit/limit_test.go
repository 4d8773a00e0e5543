package limit_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// counter spends one limit the way a store does.
type counter struct {
	one    limit.Limit
	shards map[int][]byte
}

func (c *counter) spend(t testing.TB, now time.Time) (ok bool, wait time.Duration, spent limit.Spent) {
	t.Helper()
	var others [][]byte
	for shard, state := range c.shards {
		if shard != c.one.Shard {
			others = append(others, state)
		}
	}
	spent, err := c.one.Spend(c.shards[c.one.Shard], others, now)
	if le, refused := errors.AsType[*limit.Error](err); refused {
		return false, le.RetryAfter, spent
	}
	if err != nil {
		t.Fatal(err)
	}
	if c.shards == nil {
		c.shards = map[int][]byte{}
	}
	c.shards[c.one.Shard] = spent.State
	return true, 0, spent
}

// No window ever holds more than the limit, and after RetryAfter, not before,
// the next event passes: on random walks of time, for exact and coarse limits.
func TestSlidingWindowNeverHoldsMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rate  limit.Rate
		exact bool
	}{
		{limit.Rate{Limit: 1, Per: time.Minute}, true},
		{limit.Rate{Limit: 3, Per: 10 * time.Minute}, true},
		{limit.Rate{Limit: 30, Per: time.Hour}, true},
		{limit.Rate{Limit: 200, Per: time.Hour}, false},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		c := counter{one: limit.Limit{Key: "k", Rates: []limit.Rate{test.rate}}}
		now := epoch
		var passed []time.Time
		for range 5000 {
			now = now.Add(time.Duration(rng.Int64N(int64(test.rate.Per) * 2 / int64(test.rate.Limit)))).Truncate(time.Millisecond)
			ok, wait, spent := c.spend(t, now)
			if !ok {
				if wait <= 0 || wait > test.rate.Per+test.rate.Per/64+time.Millisecond {
					t.Fatalf("%v: wait %s", test.rate, wait)
				}
				if probe := c; test.exact {
					if ok, _, _ := probe.spend(t, now.Add(wait-time.Millisecond)); ok {
						t.Fatalf("%v: passes before RetryAfter", test.rate)
					}
				}
				retry := counter{one: c.one, shards: map[int][]byte{0: c.shards[0]}}
				if ok, again, _ := retry.spend(t, now.Add(wait)); !ok {
					t.Fatalf("%v: refused after RetryAfter, now wait %s", test.rate, again)
				}
				continue
			}
			if spent.ExpiresAt.Before(now.Add(test.rate.Per)) {
				t.Fatalf("%v: state expires before its window ends", test.rate)
			}
			passed = append(passed, now)
			inWindow := 0
			for _, p := range passed {
				if p.After(now.Add(-test.rate.Per)) {
					inWindow++
				}
			}
			if inWindow > test.rate.Limit {
				t.Fatalf("%v: %d in one window", test.rate, inWindow)
			}
			if len(c.shards[0]) > 1024 {
				t.Fatalf("%v: state of %d bytes", test.rate, len(c.shards[0]))
			}
		}
		if len(passed) < 100 {
			t.Fatalf("%v: only %d passed: the walk shows nothing", test.rate, len(passed))
		}
	}
}

func TestSeveralRatesHoldTogether(t *testing.T) {
	t.Parallel()
	c := counter{one: limit.Limit{Key: "k", Rates: []limit.Rate{{Limit: 1, Per: time.Minute}, {Limit: 2, Per: time.Hour}}}}
	at := func(d time.Duration) bool { ok, _, _ := c.spend(t, epoch.Add(d)); return ok }
	for _, step := range []struct {
		at   time.Duration
		want bool
	}{{0, true}, {59 * time.Second, false}, {time.Minute, true}, {30 * time.Minute, false}, {time.Hour - 1, false}, {time.Hour, true}} {
		if got := at(step.at); got != step.want {
			t.Errorf("at %s: %v, want %v", step.at, got, step.want)
		}
	}
}

func TestShardsCountTogether(t *testing.T) {
	t.Parallel()
	for _, one := range []int{20, 500} {
		c := counter{one: limit.Limit{Key: "k", Rates: []limit.Rate{{Limit: one, Per: time.Hour}}, Shards: 8}}
		passed := 0
		for i := range 2 * one {
			c.one.Shard = rand.IntN(8)
			if ok, _, _ := c.spend(t, epoch.Add(time.Duration(i)*time.Millisecond)); ok {
				passed++
			}
		}
		if passed != one {
			t.Errorf("%d passed, want %d", passed, one)
		}
	}
}

func TestRefundGivesExactlyOneBack(t *testing.T) {
	t.Parallel()
	c := counter{one: limit.Limit{Key: "k", Rates: []limit.Rate{{Limit: 2, Per: time.Hour}}, Streak: &limit.Streak{LockAfter: 3, Forget: time.Hour}}}
	c.spend(t, epoch)
	c.spend(t, epoch)
	if ok, _, _ := c.spend(t, epoch); ok {
		t.Fatal("third passed")
	}
	refund := func(at time.Time) {
		state, err := c.one.Refund(c.shards[0], at)
		if err != nil {
			t.Fatal(err)
		}
		c.shards[0] = state
	}
	refund(epoch.Add(time.Second)) // no such event
	if ok, _, _ := c.spend(t, epoch); ok {
		t.Fatal("refund of an event that never was gave one back")
	}
	refund(epoch)
	if ok, _, _ := c.spend(t, epoch); !ok {
		t.Fatal("refund gave nothing back")
	}
	if ok, _, _ := c.spend(t, epoch); ok {
		t.Fatal("refund gave two back")
	}
}

func TestStreakBarsAfterAndIsForgotten(t *testing.T) {
	t.Parallel()
	c := counter{one: limit.Limit{Key: "k", Streak: &limit.Streak{LockAfter: 3, Forget: time.Hour}}}
	for i, want := range []bool{false, false, false, true, true} {
		_, _, spent := c.spend(t, epoch)
		if spent.Locked != want {
			t.Errorf("failure %d: locked %v, want %v", i+1, spent.Locked, want)
		}
		if i >= 2 && spent.ExpiresAt.Before(epoch.AddDate(100, 0, 0)) {
			t.Errorf("failure %d: the bar expires at %s", i+1, spent.ExpiresAt)
		}
	}
	if _, _, spent := c.spend(t, epoch.AddDate(1, 0, 0)); !spent.Locked {
		t.Error("a bar is forgotten")
	}

	idle := counter{one: c.one}
	idle.spend(t, epoch)
	idle.spend(t, epoch)
	for i := range 3 {
		if _, _, spent := idle.spend(t, epoch.Add(2*time.Hour)); spent.Locked {
			t.Errorf("failures from before Forget count (%d)", i)
		}
	}
}

func TestStreakWaitsGrow(t *testing.T) {
	t.Parallel()
	c := counter{one: limit.Limit{Key: "k", Streak: &limit.Streak{Backoff: []time.Duration{0, time.Second, 10 * time.Second}, Forget: time.Hour}}}
	now := epoch
	for i, want := range []time.Duration{0, 0, time.Second, 10 * time.Second, 10 * time.Second} {
		ok, wait, _ := c.spend(t, now)
		if ok != (want == 0) || wait != want {
			t.Fatalf("login %d: passed %v, wait %s; want wait %s", i+1, ok, wait, want)
		}
		if !ok {
			now = now.Add(wait)
			if ok, _, _ := c.spend(t, now); !ok {
				t.Fatalf("login %d refused after its wait", i+1)
			}
		}
	}
}

func TestAlarmOnceOnTheWayUp(t *testing.T) {
	t.Parallel()
	c := counter{one: limit.Limit{Key: "k", Rates: []limit.Rate{{Limit: 10, Per: time.Hour}}, Alarm: limit.Rate{Limit: 5, Per: time.Hour}}}
	var alarms []int
	for i := range 10 {
		if _, _, spent := c.spend(t, epoch.Add(time.Duration(i)*time.Second)); spent.Alarm {
			alarms = append(alarms, i+1)
		}
	}
	if len(alarms) != 1 || alarms[0] != 5 {
		t.Errorf("alarms at %v, want at the 5th only", alarms)
	}
}

func TestClockSteppingBackFreesNothing(t *testing.T) {
	t.Parallel()
	c := counter{one: limit.Limit{Key: "k", Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}}
	c.spend(t, epoch)
	if ok, _, _ := c.spend(t, epoch.Add(-30*time.Minute)); ok {
		t.Error("an event in the future of a clock that stepped back does not count")
	}
}

// Property: a state that is not ours is an error, never an empty counter; one
// that is ours goes on counting.
func FuzzLimitState(f *testing.F) {
	one := limit.Limit{Key: "k", Rates: []limit.Rate{{Limit: 3, Per: time.Hour}}}
	spent, err := one.Spend(nil, nil, epoch)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(spent.State)
	f.Add([]byte{1})
	f.Add([]byte{1, 0xff, 0xff})
	f.Add([]byte("garbage"))
	f.Fuzz(func(t *testing.T, state []byte) {
		spent, err := one.Spend(state, nil, epoch)
		if err != nil {
			if spent.State != nil {
				t.Fatal("a state comes with an error")
			}
			return
		}
		if len(state) > 0 && state[0] != 1 {
			t.Fatal("a foreign state was taken for a counter")
		}
		if _, err := one.Spend(spent.State, nil, epoch); err != nil {
			if _, refused := errors.AsType[*limit.Error](err); !refused {
				t.Fatalf("own state refused: %v", err)
			}
		}
	})
}
