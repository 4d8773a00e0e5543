package storagetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// rendezvous returns a function whose first n callers wait for each other.
func rendezvous(n int) func() {
	var mu sync.Mutex
	all := make(chan struct{})
	return func() {
		mu.Lock()
		if n--; n == 0 {
			close(all)
		}
		mu.Unlock()
		<-all
	}
}

func limitFaults() []fault {
	return []fault{
		{"limits spent one by one", []string{"Spend/AllOrNothing"}, func(b *broken) {
			b.spend = func(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				var all []limit.Spent
				var refused *limit.Error
				for _, l := range limits {
					spent, err := b.Store.Spend(ctx, []limit.Limit{l}, now)
					if refusal, ok := errors.AsType[*limit.Error](err); ok {
						refused = refused.Join(refusal)
					} else if err != nil {
						return nil, err
					}
					all = append(all, spent...)
				}
				if refused != nil {
					return nil, refused
				}
				return all, nil
			}
		}},
		{"first refusal returned alone", []string{"Spend/AllOrNothing"}, func(b *broken) {
			b.spend = func(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				spent, err := b.Store.Spend(ctx, limits, now)
				if refusal, ok := errors.AsType[*limit.Error](err); ok {
					refusal.Refused = refusal.Refused[:1]
				}
				return spent, err
			}
		}},
		{"results in key order", []string{"Spend/Result"}, func(b *broken) {
			b.spend = func(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				spent, err := b.Store.Spend(ctx, limits, now)
				slices.SortFunc(spent, func(x, y limit.Spent) int { return strings.Compare(string(x.Key), string(y.Key)) })
				return spent, err
			}
		}},
		{"nothing counted", []string{"Spend/Cap", "Spend/Alarm", "Spend/Marks", "Spend/LargeState", "Shards/Alarm", "Spend/ConcurrentOrder", "LimitStates/SpendsNothing"}, func(b *broken) {
			b.spend = func(_ context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				var all []limit.Spent
				for _, l := range limits {
					spent, err := l.Spend(nil, nil, now)
					if err != nil {
						return nil, err
					}
					all = append(all, spent)
				}
				return all, nil
			}
		}},
		{"read before write without a lock", []string{"Spend/Concurrent"}, func(b *broken) {
			var mu sync.Mutex
			var state []byte
			meet := rendezvous(20)
			b.spend = func(_ context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				mu.Lock()
				seen := state
				mu.Unlock()
				meet()
				spent, err := limits[0].Spend(seen, nil, now)
				if err != nil {
					return nil, err
				}
				mu.Lock()
				state = spent.State
				mu.Unlock()
				return []limit.Spent{spent}, nil
			}
		}},
		{"calls on keys in another order deadlock", []string{"Spend/ConcurrentOrder"}, func(b *broken) {
			b.spend = func(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				if len(limits) > 1 && limits[0].Key == "b" {
					return nil, errors.New("deadlock detected")
				}
				return b.Store.Spend(ctx, limits, now)
			}
		}},
		{"keys compared without case", []string{"Spend/ExactKeys"}, func(b *broken) {
			b.spend = func(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				limits = slices.Clone(limits)
				for i := range limits {
					limits[i].Key = limit.Key(strings.ToLower(string(limits[i].Key)))
				}
				return b.Store.Spend(ctx, limits, now)
			}
		}},
		{"oldest keys evicted", []string{"Spend/NothingEvicts"}, func(b *broken) {
			var keys []limit.Key
			b.spend = func(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				for _, l := range limits {
					keys = append(keys, l.Key)
				}
				if over := len(keys) - 1024; over > 0 {
					var changes []limit.Change
					for _, key := range keys[:over] {
						changes = append(changes, limit.Change{Limit: limit.Limit{Key: key}, Clear: true})
					}
					if err := b.Store.ChangeLimits(ctx, changes, now); err != nil {
						return nil, err
					}
					keys = keys[over:]
				}
				return b.Store.Spend(ctx, limits, now)
			}
		}},
		{"a cap for each shard", []string{"Shards/SumIsCapped", "Shards/Alarm"}, func(b *broken) {
			b.spend = func(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				limits = slices.Clone(limits)
				for i := range limits {
					limits[i].Key += limit.Key(fmt.Sprint(limits[i].Shard))
				}
				return b.Store.Spend(ctx, limits, now)
			}
		}},
		{"shards in one row, overwritten", []string{"Shards/SumIsCapped", "Shards/Concurrent", "Purge/Shards"}, func(b *broken) {
			var mu sync.Mutex
			states := make(map[int][]byte)
			b.spend = func(_ context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				mu.Lock()
				defer mu.Unlock()
				spent, err := limits[0].Spend(states[limits[0].Shard], nil, now)
				if err == nil {
					clear(states)
					states[limits[0].Shard] = spent.State
				}
				return []limit.Spent{spent}, err
			}
		}},
		{"refund to the first shard", []string{"Shards/RefundAndClear"}, func(b *broken) {
			b.releaseAttempt = func(ctx context.Context, release identity.Release) error {
				for i := range release.Changes {
					release.Changes[i].Limit.Shard = 7
				}
				return b.Store.ReleaseAttempt(ctx, release)
			}
		}},
		{"marks lost", []string{"Spend/Marks"}, func(b *broken) {
			b.spend = func(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				limits = slices.Clone(limits)
				for i := range limits {
					limits[i].Mark, limits[i].Submark = 1, 1
				}
				return b.Store.Spend(ctx, limits, now)
			}
		}},
		{"states of one shard only", []string{"Shards/States"}, func(b *broken) {
			b.limitStates = func(ctx context.Context, keys []limit.Key) (map[limit.Key][][]byte, error) {
				states, err := b.Store.LimitStates(ctx, keys)
				for key := range states {
					states[key] = states[key][:1]
				}
				return states, err
			}
		}},
		{"an empty state for keys without one", []string{"LimitStates/States"}, func(b *broken) {
			b.limitStates = func(ctx context.Context, keys []limit.Key) (map[limit.Key][][]byte, error) {
				states, err := b.Store.LimitStates(ctx, keys)
				for _, key := range keys {
					if states[key] == nil {
						states[key] = [][]byte{nil}
					}
				}
				return states, err
			}
		}},
		{"a look writes", []string{"LimitStates/SpendsNothing"}, func(b *broken) {
			b.limitStates = func(ctx context.Context, keys []limit.Key) (map[limit.Key][][]byte, error) {
				for _, key := range keys {
					if _, err := b.Store.Spend(ctx, []limit.Limit{{Key: key, Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: 100, Per: time.Hour}}}}}}, time.Date(2024, time.March, 1, 0, 0, 0, 0, time.UTC)); err != nil {
						return nil, err
					}
				}
				return b.Store.LimitStates(ctx, keys)
			}
		}},
	}
}
