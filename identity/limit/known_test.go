package limit_test

import (
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

func from(mark, submark uint32) func(*limit.Limit) {
	return func(l *limit.Limit) { l.Mark, l.Submark = mark, submark }
}

func on(device uint64) func(*limit.Limit) {
	return func(l *limit.Limit) { l.Device = device }
}

func (c *counter) mustSpend(t testing.TB, now time.Time, change func(*limit.Limit)) limit.Spent {
	t.Helper()
	other := c.with(change)
	ok, wait, spent := other.spend(t, now)
	if !ok {
		t.Fatalf("refused for %s", wait)
	}
	c.shards = other.shards
	return spent
}

// One state counts all events, the events of a network, and the events of a device.
func TestScopesCountByMark(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	c := &counter{one: limit.Limit{Key: "k", Rules: []limit.Rule{
		{Name: "all", Rates: []limit.Rate{{Limit: 10, Per: day}}},
		{Name: "network", Scope: limit.SameMark, Rates: []limit.Rate{{Limit: 4, Per: day}}},
		{Name: "device", Scope: limit.SameSubmark, Rates: []limit.Rate{{Limit: 2, Per: day}}},
	}}}
	for i := range 4 {
		c.mustSpend(t, epoch.Add(time.Duration(i)*time.Second), from(1, uint32(10+i/2)))
	}
	now := epoch.Add(time.Minute)
	for _, test := range []struct {
		what          string
		mark, submark uint32
		want          int
	}{
		{"device and network used up", 1, 10, 0},
		{"network used up", 1, 99, 0},
		{"device used up, elsewhere", 2, 11, 0},
		{"another network and device", 2, 12, 2},
		{"no marks", 0, 0, 2},
		{"marks swapped", 10, 1, 2},
	} {
		c.with(from(test.mark, test.submark)).wantRoom(t, test.what, now, test.want)
	}
	for i := range 6 {
		c.mustSpend(t, now, from(uint32(100+i), uint32(200+i)))
	}
	c.with(from(7, 8)).wantRoom(t, "all used up", now, 0)
}

// Coarse rates also count by mark if they are configured so.
func TestScopesOfCoarseRates(t *testing.T) {
	t.Parallel()
	rate := []limit.Rate{{Limit: 200, Per: time.Hour}}
	c := &counter{one: limit.Limit{Key: "k", Rules: []limit.Rule{
		{Name: "network", Scope: limit.SameMark, Rates: rate},
		{Name: "device", Scope: limit.SameSubmark, Rates: rate},
	}}}
	for i := range 150 {
		c.mustSpend(t, epoch.Add(time.Duration(i)*time.Second), from(1, uint32(1+i%2)))
	}
	now := epoch.Add(10 * time.Minute)
	c.with(from(1, 3)).wantRoom(t, "same network", now, 50)
	c.with(from(2, 1)).wantRoom(t, "same device", now, 125)
	c.with(from(2, 3)).wantRoom(t, "neither", now, 200)
}

func TestKindsCountApart(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 2, Per: time.Hour})
	c.one.Retain = 24 * time.Hour
	kind := func(k limit.Kind) func(*limit.Limit) { return func(l *limit.Limit) { l.Kind = k } }
	short := func(l *limit.Limit) {
		l.Kind, l.Rules = 3, []limit.Rule{{Rates: []limit.Rate{{Limit: 100, Per: time.Minute}}}}
	}
	c.mustSpend(t, epoch, kind(1))
	c.mustSpend(t, epoch, kind(31))
	for i := range 50 { // must not make the state forget the other devices
		c.mustSpend(t, epoch.Add(time.Duration(i)*time.Minute), short)
	}
	for _, k := range []limit.Kind{1, 31} {
		c.with(kind(k)).wantRoom(t, "one event of the kind", epoch.Add(50*time.Minute), 1)
	}
	c.with(kind(2)).wantRoom(t, "no event of the kind", epoch.Add(50*time.Minute), 2)
	if len(c.shards[0]) > 200 {
		t.Errorf("state of %d bytes", len(c.shards[0]))
	}
}

// Strangers cannot use up the limits of known devices, nor known devices those of
// strangers.
func TestStrangersAndKnownDevicesSpendApart(t *testing.T) {
	t.Parallel()
	rate := func(n int) []limit.Rate { return []limit.Rate{{Limit: n, Per: time.Hour}} }
	c := &counter{one: limit.Limit{Key: "k", Rules: []limit.Rule{
		{Name: "strangers", For: limit.Strangers, Rates: rate(3)},
		{Name: "known", For: limit.KnownDevices, Rates: rate(5)},
	}}}
	c.with(on(1)).wantRoom(t, "a device before it is known", epoch, 3)
	known := c.with(on(1))
	known.change(t, limit.Change{Remember: true}, epoch)
	c.shards = known.shards
	for i, want := range []int{3, 2, 1, 0} {
		c.with(on(2)).wantRoom(t, "a stranger", epoch, want)
		c.with(on(0)).wantRoom(t, "no device", epoch, want)
		c.with(on(1)).wantRoom(t, "the known device", epoch, 5)
		if i < 3 {
			if spent := c.mustSpend(t, epoch, on(uint64(2+i))); spent.Known {
				t.Error("a stranger is known")
			}
		}
	}
	if spent := c.mustSpend(t, epoch, on(1)); !spent.Known {
		t.Error("the known device is not known")
	}
	c.with(on(1)).wantRoom(t, "the known device after one", epoch, 4)
	// A device that becomes known leaves behind what it spent as a stranger.
	later := c.with(on(2))
	later.change(t, limit.Change{Remember: true}, epoch)
	later.wantRoom(t, "a stranger that became known", epoch, 4)
}

func TestKnownDevicesAreBounded(t *testing.T) {
	t.Parallel()
	c := counterOf(limit.Rate{Limit: 1000, Per: time.Hour})
	remember := func(device uint64, at time.Time) {
		d := c.with(on(device))
		d.change(t, limit.Change{Remember: true}, at)
		c.shards = d.shards
	}
	known := func(device uint64, at time.Time) bool {
		_, _, spent := c.with(on(device)).try(t, at)
		return spent.Known
	}
	remember(0, epoch)
	if known(0, epoch) {
		t.Error("no device is known")
	}
	for i := range uint64(8) {
		remember(i+1, epoch.Add(time.Duration(i)*time.Second))
	}
	remember(1, epoch.Add(time.Minute))    // seen again, so no longer the oldest
	remember(9, epoch.Add(2*time.Minute))  // takes the place of device 2
	remember(10, epoch.Add(3*time.Minute)) // takes the place of device 3
	for i := range uint64(11) {
		if want := i == 1 || i >= 4; known(i, epoch.Add(time.Hour)) != want {
			t.Errorf("device %d: known %v, want %v", i, !want, want)
		}
	}
	if len(c.shards[0]) > 150 {
		t.Errorf("state of %d bytes", len(c.shards[0]))
	}
	seen := epoch.Add(time.Minute)
	if at := seen.Add(limit.KnownFor); !known(1, at.Add(-time.Millisecond)) || known(1, at) {
		t.Errorf("1 ms before KnownFor is over known %v, then %v", known(1, at.Add(-time.Millisecond)), known(1, at))
	}
	// The state lasts as long as the device is known.
	d := c.with(on(1))
	_, expires, err := limit.Change{Limit: d.one, Remember: true}.Apply(c.shards[0], epoch.Add(time.Hour))
	if want := epoch.Add(time.Hour + limit.KnownFor); err != nil || expires.Before(want) {
		t.Errorf("expires at %s, want %s or later (error %v)", expires, want, err)
	}
	if _, _, spent := c.spend(t, epoch.Add(time.Hour)); spent.ExpiresAt.Before(epoch.Add(limit.KnownFor)) {
		t.Errorf("after an event the state expires at %s", spent.ExpiresAt)
	}
}

func TestAnyShardKnowsTheDevice(t *testing.T) {
	t.Parallel()
	c := &counter{one: limit.Limit{Key: "k", Shards: 2, Device: 1, Rules: []limit.Rule{{For: limit.Strangers, Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}}}}
	c.change(t, limit.Change{Remember: true}, epoch)
	c.one.Shard = 1
	for range 3 {
		if ok, _, spent := c.spend(t, epoch); !ok || !spent.Known {
			t.Fatalf("passed %v, known %v", ok, spent.Known)
		}
	}
}
