package limit_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// counter spends one limit as a store does.
type counter struct {
	one    limit.Limit
	shards map[int][]byte
}

// counterOf returns a counter of one rule over the rates.
func counterOf(rates ...limit.Rate) *counter {
	return &counter{one: limit.Limit{Key: "k", Rules: []limit.Rule{{Name: "r", Rates: rates}}}}
}

// with returns a counter of another limit on the same state.
func (c *counter) with(change func(*limit.Limit)) *counter {
	other := *c
	change(&other.one)
	return &other
}

func (c *counter) states() (states [][]byte) {
	for _, state := range c.shards {
		states = append(states, state)
	}
	return states
}

// try spends without storing, and checks that Look agrees with Spend.
func (c *counter) try(t testing.TB, now time.Time) (ok bool, wait time.Duration, spent limit.Spent) {
	t.Helper()
	var others [][]byte
	for shard, state := range c.shards {
		if shard != c.one.Shard {
			others = append(others, state)
		}
	}
	usage, lookErr := c.one.Look(c.states(), now)
	spent, err := c.one.Spend(c.shards[c.one.Shard], others, now)
	le, refused := errors.AsType[*limit.Error](err)
	if err != nil && !refused {
		t.Fatal(err)
	}
	if look, ok := errors.AsType[*limit.Error](lookErr); ok != refused || refused && look.RetryAfter != le.RetryAfter {
		t.Fatalf("Look returns %v, Spend returns %v", lookErr, err)
	}
	if usage < 0 || usage > 1 || refused != (usage >= 1) {
		t.Fatalf("Look returns usage %v, Spend returns %v", usage, err)
	}
	if refused {
		if le.RetryAfter < time.Millisecond || le.RetryAfter > c.longest() {
			t.Fatalf("RetryAfter is %s with windows of at most %s", le.RetryAfter, c.longest())
		}
		if spent.State != nil {
			t.Fatal("a refusal comes with a state")
		}
		return false, le.RetryAfter, spent
	}
	return true, 0, spent
}

// longest returns the longest wait that the limit's rules may demand.
func (c *counter) longest() (d time.Duration) {
	for _, rule := range c.one.Rules {
		for _, r := range rule.Rates {
			d = max(d, r.Per)
		}
		d = max(d, rule.Bucket.Every)
	}
	return d
}

func (c *counter) spend(t testing.TB, now time.Time) (ok bool, wait time.Duration, spent limit.Spent) {
	t.Helper()
	ok, wait, spent = c.try(t, now)
	if ok {
		if c.shards == nil {
			c.shards = map[int][]byte{}
		}
		c.shards[c.one.Shard] = spent.State
	}
	return ok, wait, spent
}

// room is how many more events fit at now.
func (c *counter) room(t testing.TB, now time.Time) (n int) {
	t.Helper()
	probe := counter{one: c.one, shards: maps.Clone(c.shards)}
	for ; n < 100_000; n++ {
		if ok, _, _ := probe.spend(t, now); !ok {
			break
		}
	}
	return n
}

func (c *counter) wantRoom(t testing.TB, what string, now time.Time, want int) {
	t.Helper()
	if got := c.room(t, now); got != want {
		t.Errorf("%s: %d more events fit, want %d", what, got, want)
	}
}

// change applies a change of the counter's limit to its shard.
func (c *counter) change(t testing.TB, change limit.Change, now time.Time) {
	t.Helper()
	change.Limit = c.one
	state, _, err := change.Apply(c.shards[c.one.Shard], now)
	if err != nil {
		t.Fatal(err)
	}
	if c.shards == nil {
		c.shards = map[int][]byte{}
	}
	c.shards[c.one.Shard] = state
}

// held returns how many of the instants lie in the window of length per that ends at
// now.
func held(instants []time.Time, per time.Duration, now time.Time) (n int) {
	for i := len(instants) - 1; i >= 0 && instants[i].After(now.Add(-per)); i-- {
		n++
	}
	return n
}

// No window ever holds more events than the limit, and the next event passes after
// RetryAfter and not before. This is tested on random walks of time, with exact and
// coarse rates, alone and together.
func TestWindowsNeverHoldMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a long random walk: run it without -short")
	}
	for _, rates := range [][]limit.Rate{
		{{Limit: 1, Per: time.Minute}},
		{{Limit: 3, Per: 10 * time.Minute}},
		{{Limit: 128, Per: time.Hour}},
		{{Limit: 1, Per: time.Minute}, {Limit: 3, Per: 10 * time.Minute}, {Limit: 10, Per: 24 * time.Hour}},
		{{Limit: 129, Per: time.Hour}},
		{{Limit: 200, Per: time.Hour}},
		{{Limit: 100, Per: time.Minute}, {Limit: 20000, Per: 24 * time.Hour}},
		{{Limit: 300, Per: time.Hour}, {Limit: 1000, Per: 24 * time.Hour}, {Limit: 5, Per: time.Minute}},
	} {
		passed, refused := 0, 0
		for seed := range uint64(3) {
			p, r := walk(t, rates, seed)
			passed, refused = passed+p, refused+r
		}
		if passed < 100 || refused < 100 {
			t.Errorf("%v: %d passed and %d did not: the walks prove nothing", rates, passed, refused)
		}
	}
}

// walk asks at random times, at a pace that fills one of the rates.
func walk(t *testing.T, rates []limit.Rate, seed uint64) (passes, refusals int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 2))
	c := counterOf(rates...)
	exact, coarseStep := true, time.Duration(0)
	for _, r := range rates {
		if r.Limit > 128 {
			exact, coarseStep = false, max(coarseStep, r.Per/64)
		}
	}
	fill := rates[int(seed)%len(rates)]
	mean := fill.Per / time.Duration(fill.Limit)
	now, passed := epoch, []time.Time(nil)
	for range 1200 {
		now = now.Add(time.Duration(rng.Int64N(int64(mean)*3/2 + 1))).Truncate(time.Millisecond)
		if rng.IntN(500) == 0 {
			now = now.Add(time.Duration(rng.Int64N(int64(rates[0].Per)))).Truncate(time.Millisecond)
		}
		ok, wait, spent := c.spend(t, now)
		if !ok {
			refusals++
			if ok, again, _ := c.try(t, now.Add(wait)); !ok && (exact || again > coarseStep) {
				t.Fatalf("%v: refused after RetryAfter %s, now wait %s", rates, wait, again)
			}
			if ok, _, _ := c.try(t, now.Add(wait-time.Millisecond).Truncate(time.Millisecond)); ok && wait > time.Millisecond {
				t.Fatalf("%v: passes before RetryAfter", rates)
			}
			continue
		}
		if spent.ExpiresAt.Before(now.Add(c.longest())) {
			t.Fatalf("%v: state expires before its window ends", rates)
		}
		passed = append(passed, now)
		for _, r := range rates {
			if n := held(passed, r.Per, now); n > r.Limit {
				t.Fatalf("%v: %d in one window", rates, n)
			}
		}
		if len(c.shards[0]) > 4096 {
			t.Fatalf("%v: state of %d bytes", rates, len(c.shards[0]))
		}
	}
	return len(passed), refusals
}

// An exact rate must let an event pass if it has room, to the millisecond, even if the
// same limit also counts a coarse rate and an alarm.
func TestLargeRateKeepsOtherRatesExact(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 100, Per: time.Minute}, limit.Rate{Limit: 20000, Per: 24 * time.Hour})
	c.one.Alarm = limit.Rate{Limit: 10000, Per: 31 * 24 * time.Hour}
	alone := counterOf(limit.Rate{Limit: 100, Per: time.Minute})
	rng := rand.New(rand.NewPCG(3, 4))
	now := epoch
	for i := range 4000 {
		now = now.Add(time.Duration(rng.IntN(1000)) * time.Millisecond)
		ok, wait, _ := c.spendOnly(t, now)
		wantOK, wantWait, _ := alone.spendOnly(t, now)
		if ok != wantOK || wait != wantWait {
			t.Fatalf("event %d: passed %v, wait %s; with the small rate alone %v, %s", i, ok, wait, wantOK, wantWait)
		}
	}
}

// A coarse rate frees a place at most a step late, and never early.
func TestCoarseRateFreesAPlaceWithinAStep(t *testing.T) {
	t.Parallel()
	for _, r := range []limit.Rate{{Limit: 129, Per: time.Hour}, {Limit: 1000, Per: 24 * time.Hour}} {
		c := counterOf(r)
		for range r.Limit {
			c.spend(t, epoch.Add(123456789))
		}
		c.wantRoom(t, "1 ms early", epoch.Add(r.Per), 0)
		c.wantRoom(t, "a step late", epoch.Add(r.Per+r.Per/64+time.Second), r.Limit)
	}
}

func TestSeveralRatesHoldTogether(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 1, Per: time.Minute}, limit.Rate{Limit: 2, Per: time.Hour})
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

func TestLimitOfZeroLetsNothingPass(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 0, Per: time.Hour})
	if ok, wait, _ := c.spend(t, epoch); ok || wait != time.Hour {
		t.Errorf("passed %v, wait %s", ok, wait)
	}
}

func TestShardsCountTogether(t *testing.T) {
	t.Parallel()
	for _, n := range []int{20, 500} {
		c := counterOf(limit.Rate{Limit: n, Per: time.Hour})
		c.one.Shards = 8
		rng := rand.New(rand.NewPCG(5, 6))
		passed := 0
		for i := range 2 * n {
			c.one.Shard = rng.IntN(8)
			if ok, _, _ := c.spend(t, epoch.Add(time.Duration(i)*time.Millisecond)); ok {
				passed++
			}
		}
		if passed != n {
			t.Errorf("%d passed, want %d", passed, n)
		}
	}
}

func TestErrorsNameEveryRuleThatRefused(t *testing.T) {
	t.Parallel()
	one := limit.Limit{Key: "a", Rules: []limit.Rule{
		{Name: "hourly", Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}},
		{Name: "roomy", Rates: []limit.Rate{{Limit: 9, Per: time.Hour}}},
		{Name: "daily", Rates: []limit.Rate{{Limit: 1, Per: 24 * time.Hour}}},
	}}
	spent, err := one.Spend(nil, nil, epoch)
	if err != nil {
		t.Fatal(err)
	}
	_, err = one.Spend(spent.State, nil, epoch)
	refused, ok := errors.AsType[*limit.Error](err)
	if !ok {
		t.Fatalf("got error %v", err)
	}
	other := &limit.Error{RetryAfter: time.Minute, Refused: []limit.Refusal{{Key: "b", Rule: "another"}}}
	var none *limit.Error
	sum := none.Join(refused).Join(other).Join(nil)
	if sum.RetryAfter != 24*time.Hour || len(sum.Refused) != 3 || len(refused.Refused) != 2 {
		t.Errorf("got %+v", sum)
	}
	if want := "limit reached: hourly, daily, another"; sum.Error() != want {
		t.Errorf("got %q, want %q", sum.Error(), want)
	}
}

func TestAlarmAsLongAsTheLevelIsReached(t *testing.T) {
	t.Parallel()
	for _, shards := range []int{1, 4} {
		c := counterOf(limit.Rate{Limit: 10, Per: time.Hour})
		c.one.Alarm, c.one.Shards = limit.Rate{Limit: 5, Per: time.Hour}, shards
		for i := range 10 {
			c.one.Shard = i % shards
			if _, _, spent := c.spend(t, epoch.Add(time.Duration(i)*time.Second)); spent.Alarm != (i >= 4) {
				t.Errorf("event %d: alarm %v", i+1, spent.Alarm)
			}
		}
		if _, _, spent := c.spend(t, epoch.Add(time.Hour+6*time.Second)); spent.Alarm {
			t.Error("alarm below the level")
		}
	}
}

// Lowering a limit during an attack does not reset its count.
func TestLoweredLimitCountsEarlierEvents(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 500, Per: time.Hour})
	for i := range 60 {
		c.spend(t, epoch.Add(time.Duration(i)*10*time.Second))
	}
	now := epoch.Add(11 * time.Minute)
	c.with(func(l *limit.Limit) { l.Rules = counterOf(limit.Rate{Limit: 50, Per: time.Hour}).one.Rules }).
		wantRoom(t, "lowered below what was spent", now, 0)
	c.with(func(l *limit.Limit) { l.Rules = counterOf(limit.Rate{Limit: 70, Per: time.Hour}).one.Rules }).
		wantRoom(t, "lowered", now, 10)
	exact := counterOf(limit.Rate{Limit: 100, Per: time.Hour})
	for range 60 {
		exact.spend(t, epoch)
	}
	exact.with(func(l *limit.Limit) { l.Rules = counterOf(limit.Rate{Limit: 200, Per: time.Hour}).one.Rules }).
		wantRoom(t, "raised", now, 140)
}
