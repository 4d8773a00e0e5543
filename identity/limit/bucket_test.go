package limit_test

import (
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// bucket is the naive model: each event raises a debt, and time pays it off.
type bucket struct {
	limit.Bucket
	debt time.Duration
	at   time.Time
}

func (b *bucket) spend(now time.Time) (wait time.Duration) {
	b.debt, b.at = max(b.debt-now.Sub(b.at), 0), now
	if over := b.debt + b.Every - time.Duration(b.Burst)*b.Every; over > 0 {
		return over
	}
	b.debt += b.Every
	return 0
}

func bucketCounter(burst int, every time.Duration) *counter {
	return &counter{one: limit.Limit{Key: "k", Rules: []limit.Rule{{Name: "b", Bucket: limit.Bucket{Burst: burst, Every: every}}}}}
}

// The bucket equals the model, to the millisecond, in long walks and in steady streams:
// events that left the log must not be forgiven.
func TestBucketIsTheModel(t *testing.T) {
	t.Parallel()
	for _, b := range []limit.Bucket{{Burst: 1, Every: time.Minute}, {Burst: 5, Every: time.Minute}, {Burst: 20, Every: time.Hour}, {Burst: 128, Every: 5 * time.Minute}} {
		for _, pace := range []float64{0.2, 0.9, 1, 1.1, 2} {
			rng := rand.New(rand.NewPCG(uint64(b.Burst), uint64(pace*10)))
			c, model := bucketCounter(b.Burst, b.Every), &bucket{Bucket: b}
			now, passed := epoch, []time.Time(nil)
			for i := range 1000 {
				now = now.Add(time.Duration(rng.Float64() * 2 * pace * float64(b.Every))).Truncate(time.Millisecond)
				if rng.IntN(200) == 0 {
					now = now.Add(time.Duration(rng.IntN(b.Burst+1)) * b.Every)
				}
				ok, wait, _ := c.spend(t, now)
				if want := model.spend(now); wait != want {
					t.Fatalf("%v at pace %v, event %d: wait %s, want %s", b, pace, i, wait, want)
				}
				if !ok {
					if ok, _, _ := c.try(t, now.Add(wait)); !ok {
						t.Fatalf("%v: refused after RetryAfter", b)
					}
					continue
				}
				passed = append(passed, now)
				for j := max(0, len(passed)-3*b.Burst); j < len(passed); j++ {
					if n, d := len(passed)-j, now.Sub(passed[j]); n > b.Burst+int(d/b.Every) {
						t.Fatalf("%v: %d events in %s", b, n, d)
					}
				}
			}
			if len(c.shards[0]) > 4096 {
				t.Errorf("%v: state of %d bytes", b, len(c.shards[0]))
			}
		}
	}
}

// A greedy caller asks again as soon as it may. Over a long time it gets what the
// bucket allows, and no burst twice.
func TestBucketGivesNoSecondBurst(t *testing.T) {
	t.Parallel()
	c := bucketCounter(10, time.Minute)
	now, passed := epoch, 0
	for now.Before(epoch.Add(5 * time.Hour)) {
		ok, wait, _ := c.spend(t, now)
		if ok {
			passed++
		}
		now = now.Add(wait)
	}
	if want := 10 + 5*60 - 1; passed != want {
		t.Errorf("%d events in 5 h, want %d", passed, want)
	}
}

// A bucket by mark keeps a debt for each mark, even when the log forgets its events.
func TestBucketsOfMarksAreApart(t *testing.T) {
	t.Parallel()
	rules := []limit.Rule{
		{Name: "network", Scope: limit.SameMark, Bucket: limit.Bucket{Burst: 3, Every: time.Minute}},
		{Name: "device", Scope: limit.SameSubmark, Bucket: limit.Bucket{Burst: 2, Every: 2 * time.Minute}},
		{Name: "all", Bucket: limit.Bucket{Burst: 30, Every: time.Second}},
	}
	c := &counter{one: limit.Limit{Key: "k", Rules: rules}}
	models := map[[2]uint32]*bucket{}
	model := func(rule int, mark uint32) *bucket {
		k := [2]uint32{uint32(rule), mark}
		if models[k] == nil {
			models[k] = &bucket{Bucket: rules[rule].Bucket}
		}
		return models[k]
	}
	rng := rand.New(rand.NewPCG(7, 8))
	now, refused := epoch, 0
	for i := range 2000 {
		now = now.Add(time.Duration(rng.IntN(25_000)) * time.Millisecond)
		c.one.Mark, c.one.Submark = 1+rng.Uint32N(3), 10+rng.Uint32N(4)
		trio := []*bucket{model(0, c.one.Mark), model(1, c.one.Submark), model(2, 0)}
		var want time.Duration
		var after [3]bucket
		for j, m := range trio {
			after[j] = *m
			want = max(want, after[j].spend(now))
		}
		_, wait, _ := c.spend(t, now)
		if wait != want {
			t.Fatalf("event %d: wait %s, want %s", i, wait, want)
		}
		if want > 0 {
			refused++
			continue
		}
		for j, m := range trio {
			*m = after[j]
		}
	}
	if refused < 100 {
		t.Fatalf("%d refused: the walk proves nothing", refused)
	}
}

// A refund gives back what a bucket was charged, even if earlier events have left the
// log.
func TestBucketRefund(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	for range 300 {
		c, without := bucketCounter(6, time.Minute), bucketCounter(6, time.Minute)
		now := epoch
		n := 10 + rng.IntN(40)
		victim := n - 1 - rng.IntN(4)
		var at time.Time
		for i := range n {
			now = now.Add(time.Minute + time.Duration(rng.IntN(20_000)-12_000)*time.Millisecond)
			ok, _, _ := c.spend(t, now)
			if !ok {
				continue
			}
			if i == victim {
				at = now
			} else if ok, _, _ := without.spend(t, now); !ok {
				t.Fatal("refused with fewer events")
			}
		}
		if at.IsZero() {
			continue
		}
		c.change(t, limit.Change{SpentAt: at}, now)
		for _, later := range []time.Duration{0, 10 * time.Second, time.Minute, 3 * time.Minute, 6 * time.Minute} {
			if got, want := c.room(t, now.Add(later)), without.room(t, now.Add(later)); got != want {
				t.Fatalf("%s after a refund: room for %d, without the event %d", later, got, want)
			}
		}
	}
}

// A debt can depend on events of any age. An event of another kind, which knows nothing of
// the bucket, must not forget them while later events stay.
func TestOtherKindKeepsTheDebt(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	bucket := func(l *limit.Limit) {
		l.Kind, l.Rules = 1, []limit.Rule{{Name: "bucket", Bucket: limit.Bucket{Burst: 10, Every: 2 * time.Hour}}}
	}
	c := &counter{one: limit.Limit{Key: "k", Retain: day, Rules: []limit.Rule{{Name: "other", Rates: []limit.Rate{{Limit: 1000, Per: time.Hour}}}}}}
	for i := range 9 {
		c.mustSpend(t, epoch.Add(time.Duration(i)*time.Millisecond), bucket)
	}
	for range 5 { // 7 h of the first 18 h of debt are left
		c.mustSpend(t, epoch.Add(11*time.Hour), bucket)
	}
	now := epoch.Add(day + time.Hour) // 25 h of 28 h are paid
	without := &counter{one: c.one, shards: maps.Clone(c.shards)}
	c.mustSpend(t, now.Add(-10*time.Minute), func(*limit.Limit) {})
	c.mustSpend(t, now, func(*limit.Limit) {})
	want := without.with(bucket).room(t, now)
	c.with(bucket).wantRoom(t, "after events of another kind", now, want)
	if want > 8 {
		t.Errorf("room for %d: the debt does not go on, and the test shows nothing", want)
	}
}
