package limit_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// everything is a limit that uses each part of a state.
func everything(device uint64, mark, submark uint32) limit.Limit {
	return limit.Limit{Key: "k", Kind: 3, Mark: mark, Submark: submark, Device: device, Retain: 24 * time.Hour, Rules: []limit.Rule{
		{Name: "whole", Rates: []limit.Rate{{Limit: 60, Per: time.Hour}, {Limit: 300, Per: 24 * time.Hour}}},
		{Name: "network", Scope: limit.SameMark, Rates: []limit.Rate{{Limit: 40, Per: time.Hour}, {Limit: 200, Per: 24 * time.Hour}}},
		{Name: "strangers", For: limit.Strangers, Bucket: limit.Bucket{Burst: 20, Every: 2 * time.Minute}},
		{Name: "device", For: limit.KnownDevices, Scope: limit.SameSubmark, Bucket: limit.Bucket{Burst: 5, Every: time.Minute}},
	}}
}

// fill returns the states of a busy key.
func fill(t testing.TB, events int) (states [][]byte, now time.Time) {
	t.Helper()
	rng := rand.New(rand.NewPCG(13, 14))
	now = epoch
	var state []byte
	for range events {
		l := everything(1+rng.Uint64N(12), rng.Uint32(), rng.Uint32())
		now = now.Add(time.Duration(rng.IntN(120_000)) * time.Millisecond)
		spent, err := l.Spend(state, nil, now)
		if _, refused := errors.AsType[*limit.Error](err); refused {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		state = spent.State
		if rng.IntN(5) == 0 {
			if state, _, err = (limit.Change{Limit: l, SpentAt: now, Remember: true}).Apply(state, now); err != nil {
				t.Fatal(err)
			}
		}
		states = append(states, state)
	}
	return states, now
}

// An empty change reads a state and writes it back unchanged.
func TestStateRoundTrip(t *testing.T) {
	t.Parallel()
	states, now := fill(t, 2000)
	longest := 0
	for _, state := range states {
		again, _, err := limit.Change{Limit: everything(1, 2, 3)}.Apply(state, now)
		if err != nil || !bytes.Equal(again, state) {
			t.Fatalf("state %x came back as %x (error %v)", state, again, err)
		}
		longest = max(longest, len(state))
	}
	t.Logf("a busy key's state is up to %d bytes", longest)
	if longest > 4096 {
		t.Errorf("state of %d bytes", longest)
	}
	// The zero time and times before 1970, as of a machine without a clock.
	for _, at := range []time.Time{{}, time.Unix(-5, 0), time.Unix(0, 0)} {
		c := counterOf(limit.Rate{Limit: 2, Per: time.Hour})
		c.spend(t, at)
		c.spend(t, at.Add(time.Second))
		c.wantRoom(t, "at "+at.String(), at.Add(time.Minute), 0)
	}
}

// How large the states of the kinds of limits become when they are used up.
func TestStateSizeIsBounded(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a long random walk: run it without -short")
	}
	for _, test := range []struct {
		what  string
		rates []limit.Rate
		most  int
	}{
		{"10 in 24 h", []limit.Rate{{Limit: 10, Per: 24 * time.Hour}}, 256},
		{"128 in 1 h, marked", []limit.Rate{{Limit: 128, Per: time.Hour}}, 4096},
		{"20000 in 24 h", []limit.Rate{{Limit: 20000, Per: 24 * time.Hour}}, 1024},
		{"100 in 1 min and 20000 in 24 h", []limit.Rate{{Limit: 100, Per: time.Minute}, {Limit: 20000, Per: 24 * time.Hour}}, 6144},
	} {
		c := counterOf(test.rates...)
		last := test.rates[len(test.rates)-1]
		longest, now := 0, epoch
		for i := range 6000 { // a hundred at a time, over two windows
			now = now.Add(100 * time.Millisecond)
			if i%100 == 0 {
				now = now.Add(last.Per / 30)
			}
			c.one.Mark, c.one.Submark = uint32(i+1), uint32(i+1)
			if ok, _, spent := c.spendOnly(t, now); ok {
				longest = max(longest, len(spent.State))
			}
		}
		t.Logf("%s: state of up to %d bytes", test.what, longest)
		if longest > test.most {
			t.Errorf("%s: state of %d bytes, want at most %d", test.what, longest, test.most)
		}
	}
}

// spendOnly spends without the checks of spend, which take time.
func (c *counter) spendOnly(t testing.TB, now time.Time) (ok bool, wait time.Duration, spent limit.Spent) {
	t.Helper()
	spent, err := c.one.Spend(c.shards[0], nil, now)
	if le, refused := errors.AsType[*limit.Error](err); refused {
		return false, le.RetryAfter, spent
	} else if err != nil {
		t.Fatal(err)
	}
	c.shards = map[int][]byte{0: spent.State}
	return true, 0, spent
}

func TestMalformedStates(t *testing.T) {
	t.Parallel()
	states, now := fill(t, 60)
	good := states[len(states)-1]
	entry := func(at int64, n uint64, more ...byte) []byte {
		return append(binary.AppendUvarint(binary.AppendVarint([]byte{2, 0}, at), n), more...)
	}
	bad := [][]byte{
		entry(1, 1<<60, 0), entry(1, 0, 0), entry(1<<60, 2, 0), entry(-1<<60, 2, 0), // counts and times that are impossible
		entry(1, 3, 0), entry(1, 3, 0, 0), entry(1, 3, 0, 100, 1), // a missing debt, or too many debts
		append(entry(1000, 2, 0), entry(-1, 2, 0)[2:]...), // out of order
	}
	bad = append(bad, [][]byte{{0}, {1}, {1, 0}, {2}, {2, 0xff}, {2, 9}, {2, 1}, {2, 0, 0}, {3, 0}, []byte("garbage"), append([]byte{3}, good[1:]...)}...)
	if _, _, err := (limit.Change{}).Apply(entry(1000, 2, 0), now); err != nil {
		t.Fatalf("a good entry: %v", err)
	}
	for _, state := range bad {
		l := everything(1, 2, 3)
		_, spendErr := l.Spend(state, nil, now)
		_, othersErr := l.Spend(nil, [][]byte{good, state}, now)
		_, lookErr := l.Look([][]byte{good, state}, now)
		changed, _, changeErr := limit.Change{Limit: l, Clear: true}.Apply(state, now)
		for what, err := range map[string]error{"Spend": spendErr, "Spend with others": othersErr, "Look": lookErr, "Apply": changeErr} {
			if !errors.Is(err, limit.ErrState) {
				t.Errorf("%s of state %x: got error %v", what, state, err)
			}
		}
		if changed != nil {
			t.Errorf("a changed state comes with an error")
		}
	}
}

// Property: a foreign state is an error, never an empty log. An accepted state goes on
// counting: writing it again makes no room, nothing takes long, and no wait is longer
// than a window.
func FuzzState(f *testing.F) {
	states, _ := fill(f, 120)
	for i := 0; i < len(states); i += 15 {
		f.Add(states[i])
	}
	f.Add([]byte{})
	f.Add([]byte{2, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, state []byte) {
		l := everything(1, 2, 3)
		for _, now := range []time.Time{epoch, epoch.Add(time.Hour)} {
			spent, err := l.Spend(state, nil, now)
			refused, limited := errors.AsType[*limit.Error](err)
			switch {
			case limited && (refused.RetryAfter < time.Millisecond || refused.RetryAfter > 24*time.Hour):
				t.Fatalf("RetryAfter is %s", refused.RetryAfter)
			case err != nil && spent.State != nil:
				t.Fatal("a state comes with an error")
			case err != nil && !limited && !errors.Is(err, limit.ErrState):
				t.Fatalf("got error %v", err)
			}
			changed, _, changeErr := limit.Change{Limit: l}.Apply(state, now)
			if (changeErr != nil) != errors.Is(err, limit.ErrState) {
				t.Fatalf("Spend returns %v, Apply %v", err, changeErr)
			}
			if changeErr != nil {
				return
			}
			if again, err2 := l.Spend(changed, nil, now); (err2 == nil) != (err == nil) || !bytes.Equal(again.State, spent.State) {
				t.Fatalf("the state that was written again gives %v instead of %v", err2, err)
			}
			if _, lookErr := l.Look([][]byte{state}, now); (lookErr == nil) != (err == nil) {
				t.Fatalf("Look returns %v, Spend %v", lookErr, err)
			}
			if err != nil {
				continue
			}
			if _, err := l.Spend(spent.State, nil, now); errors.Is(err, limit.ErrState) {
				t.Fatalf("own state refused: %v", err)
			}
		}
	})
}

func BenchmarkSpend(b *testing.B) {
	for _, test := range []struct {
		what string
		l    limit.Limit
		n    int
	}{
		{"number/10", limit.Limit{Key: "k", Mark: 1, Submark: 2, Device: 3, Retain: 24 * time.Hour, Rules: []limit.Rule{
			{Rates: []limit.Rate{{Limit: 100, Per: 24 * time.Hour}}},
			{Scope: limit.SameMark, For: limit.Strangers, Rates: []limit.Rate{{Limit: 10, Per: time.Hour}, {Limit: 20, Per: 24 * time.Hour}}},
			{For: limit.Strangers, Bucket: limit.Bucket{Burst: 20, Every: time.Hour}},
		}}, 10},
		{"total/20000", limit.Limit{Key: "k", Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: 20000, Per: 24 * time.Hour}}}}}, 19000},
	} {
		c := &counter{one: test.l}
		now := epoch
		for i := range test.n {
			now = now.Add(4 * time.Second)
			c.one.Mark = uint32(1 + i%5)
			c.spendOnly(b, now)
		}
		b.Run(test.what, func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(len(c.shards[0])), "B/state")
			for b.Loop() {
				if _, err := c.one.Spend(c.shards[0], nil, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
