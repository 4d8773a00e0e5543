package limit_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

func TestRefundGivesExactlyOneBack(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 2, Per: time.Hour})
	c.spend(t, epoch)
	c.spend(t, epoch)
	c.wantRoom(t, "used up", epoch, 0)
	c.change(t, limit.Change{SpentAt: epoch.Add(time.Second)}, epoch)
	c.wantRoom(t, "refund of an event that never was", epoch, 0)
	c.with(from(1, 0)).change(t, limit.Change{SpentAt: epoch}, epoch)
	c.with(from(0, 1)).change(t, limit.Change{SpentAt: epoch}, epoch)
	c.with(func(l *limit.Limit) { l.Kind = 1 }).change(t, limit.Change{SpentAt: epoch}, epoch)
	c.wantRoom(t, "refund of events of other marks and kinds", epoch, 0)
	c.change(t, limit.Change{}, epoch)
	c.wantRoom(t, "no change", epoch, 0)
	c.change(t, limit.Change{SpentAt: epoch}, epoch)
	c.wantRoom(t, "one back", epoch, 1)
	for range 3 {
		c.change(t, limit.Change{SpentAt: epoch}, epoch)
	}
	c.wantRoom(t, "both back, and no third", epoch, 2)
	state, _, err := limit.Change{Limit: c.one, SpentAt: epoch}.Apply(nil, epoch)
	if err != nil {
		t.Fatal(err)
	}
	c.shards[0] = state
	c.wantRoom(t, "refund of nothing", epoch, 2)
}

// A refund leaves the state that would be there without the event, even if the instant
// was rounded meanwhile.
func TestRefundUndoesTheEvent(t *testing.T) {
	t.Parallel()
	for _, rates := range [][]limit.Rate{
		{{Limit: 40, Per: time.Hour}},
		{{Limit: 200, Per: 6 * time.Hour}},
		{{Limit: 10, Per: time.Minute}, {Limit: 300, Per: 6 * time.Hour}},
	} {
		rng := rand.New(rand.NewPCG(11, 12))
		for range 25 {
			c, without := counterOf(rates...), counterOf(rates...)
			now, at := epoch, time.Time{}
			marks := []func(*limit.Limit){from(1, 1), from(1, 2), from(2, 1)}
			for i := range 35 {
				now = now.Add(time.Duration(6000+rng.IntN(60_000)) * time.Millisecond)
				m := marks[rng.IntN(3)]
				if i == 10 {
					m, at = marks[0], now
				} else {
					without.mustSpend(t, now, m)
				}
				c.mustSpend(t, now, m)
			}
			paid := c.with(marks[0])
			paid.change(t, limit.Change{SpentAt: at}, now)
			for _, later := range []time.Duration{0, time.Minute, 40 * time.Minute, 5*time.Hour + 50*time.Minute, 7 * time.Hour} {
				if got, want := paid.room(t, now.Add(later)), without.room(t, now.Add(later)); got != want {
					t.Fatalf("%v: %s later room for %d, without the event %d", rates, later, got, want)
				}
			}
		}
	}
}

func TestRefundOfTheNewest(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 3, Per: time.Hour}, limit.Rate{Limit: 300, Per: 24 * time.Hour})
	for i := range 3 {
		c.mustSpend(t, epoch.Add(time.Duration(i)*time.Minute), from(uint32(i/2), 0))
	}
	now := epoch.Add(3 * time.Minute)
	c.with(from(9, 9)).change(t, limit.Change{Newest: true}, now)
	c.wantRoom(t, "of marks that never were", now, 0)
	c.with(from(0, 0)).change(t, limit.Change{Newest: true}, now)
	c.wantRoom(t, "one back", now, 1)
	// The events at 0 and 2 min are left: the refund removed the newer event of its mark.
	c.wantRoom(t, "when the first has left", epoch.Add(time.Hour), 2)
	c.wantRoom(t, "1 ms before", epoch.Add(time.Hour-time.Millisecond), 1)
	state, _, err := limit.Change{Limit: c.one, Newest: true}.Apply(nil, now)
	if err != nil || len(state) > 4 {
		t.Errorf("of nothing: state %x, error %v", state, err)
	}
}

func TestClearKeepsKnownDevices(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 2, Per: time.Hour})
	c.one.Device, c.one.Retain = 7, time.Hour
	c.change(t, limit.Change{Remember: true}, epoch)
	c.mustSpend(t, epoch, from(1, 1))
	c.mustSpend(t, epoch, func(l *limit.Limit) { l.Kind = 4 })
	c.change(t, limit.Change{Clear: true}, epoch)
	c.wantRoom(t, "cleared", epoch, 2)
	c.with(func(l *limit.Limit) { l.Kind = 4 }).wantRoom(t, "another kind", epoch, 2)
	if _, _, spent := c.spend(t, epoch); !spent.Known {
		t.Error("clearing forgot the device")
	}
	b := bucketCounter(3, time.Minute)
	for i := range 10 {
		b.spend(t, epoch.Add(time.Duration(i)*time.Minute))
	}
	b.change(t, limit.Change{Clear: true}, epoch.Add(10*time.Minute))
	b.wantRoom(t, "a bucket cleared", epoch.Add(10*time.Minute), 3)
}

// The parts of a change are applied in the order of its fields.
func TestChangeInOneStep(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 3, Per: time.Hour})
	c.one.Device = 7
	c.spend(t, epoch)
	c.change(t, limit.Change{SpentAt: epoch, Clear: true, Remember: true}, epoch)
	if _, _, spent := c.try(t, epoch); !spent.Known {
		t.Error("cleared after it was remembered")
	}
	c.wantRoom(t, "cleared", epoch, 3)
}

// A known device and a stranger who spend at one instant from one network are told apart:
// whoever was right gets its own event back, in whichever order they came.
func TestRefundOfOneAudienceLeavesTheOther(t *testing.T) {
	t.Parallel()
	const owner, stranger = 1, 2
	for _, first := range []uint64{owner, stranger} {
		for _, right := range []uint64{owner, stranger} {
			c := &counter{one: limit.Limit{Key: "k", Rules: []limit.Rule{
				{Name: "strangers", For: limit.Strangers, Rates: []limit.Rate{{Limit: 5, Per: time.Hour}}},
				{Name: "known", For: limit.KnownDevices, Bucket: limit.Bucket{Burst: 5, Every: time.Hour}},
			}}}
			c.shards = map[int][]byte{}
			c.with(on(owner)).change(t, limit.Change{Remember: true}, epoch)
			now := epoch.Add(time.Minute)
			c.mustSpend(t, now, on(first))
			c.mustSpend(t, now, on(owner+stranger-first))
			c.with(on(right)).change(t, limit.Change{SpentAt: now}, now)
			c.with(on(right)).wantRoom(t, "whoever was right", now, 5)
			c.with(on(owner+stranger-right)).wantRoom(t, "the other one", now, 4)
		}
	}
	// A device that became known in between gets back what it spent as a stranger.
	c := &counter{one: limit.Limit{Key: "k", Device: owner, Rules: []limit.Rule{
		{Name: "strangers", For: limit.Strangers, Rates: []limit.Rate{{Limit: 5, Per: time.Hour}}},
	}}}
	c.spend(t, epoch)
	c.change(t, limit.Change{Remember: true}, epoch)
	c.change(t, limit.Change{SpentAt: epoch}, epoch)
	c.with(on(stranger)).wantRoom(t, "strangers", epoch, 5)
}
