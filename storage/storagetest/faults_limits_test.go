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
					refusal.Keys = refusal.Keys[:1]
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
		{"nothing counted", []string{"Spend/Cap", "Spend/StreakAndAlarm", "Spend/LargeState", "Purge/BarStays", "Shards/Alarm", "Spend/ConcurrentOrder"}, func(b *broken) {
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
					if err := b.Store.ClearLimits(ctx, keys[:over]); err != nil {
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
				for i := range release.Refunds {
					release.Refunds[i].Shard = len(release.CodeIDs) + 7
				}
				return b.Store.ReleaseAttempt(ctx, release)
			}
		}},
		{"missing key an error", []string{"ClearLimits/Forgets"}, func(b *broken) {
			b.clearLimits = func(ctx context.Context, keys []limit.Key) error {
				if slices.Contains(keys, "missing") {
					return identity.ErrNotFound
				}
				return b.Store.ClearLimits(ctx, keys)
			}
		}},
		{"only the first key cleared", []string{"ClearLimits/Forgets"}, func(b *broken) {
			b.clearLimits = func(ctx context.Context, keys []limit.Key) error {
				return b.Store.ClearLimits(ctx, keys[:min(len(keys), 1)])
			}
		}},
		{"purge without bound", []string{"Purge/Bounded"}, func(b *broken) {
			b.purge = func(ctx context.Context, p identity.Purge) (int, error) {
				p.Max = 1 << 20
				return b.Store.Purge(ctx, p)
			}
		}},
		{"purge bounded over all kinds", []string{"Purge/Bounded"}, func(b *broken) {
			b.purge = func(ctx context.Context, p identity.Purge) (int, error) {
				n, err := b.Store.Purge(ctx, p)
				return min(n, p.Max), err
			}
		}},
		{"purge an hour early", []string{"Purge/Codes", "Purge/Limits"}, func(b *broken) {
			b.purge = func(ctx context.Context, p identity.Purge) (int, error) {
				p.Now = p.Now.Add(time.Hour)
				return b.Store.Purge(ctx, p)
			}
		}},
		{"purge of nothing", []string{"Purge/Codes", "Purge/Limits", "Purge/Messages", "Purge/Events", "Purge/Shards"}, func(b *broken) {
			b.purge = func(context.Context, identity.Purge) (int, error) { return 0, nil }
		}},
		{"purge lifts locks", []string{"Purge/BarStays", "Purge/SpendRenews"}, func(b *broken) {
			b.purge = func(ctx context.Context, _ identity.Purge) (int, error) {
				return 0, b.Store.ClearLimits(ctx, []limit.Key{"any"})
			}
		}},
		{"purge of messages at the instant kept", []string{"Purge/Messages"}, func(b *broken) {
			b.purge = func(ctx context.Context, p identity.Purge) (int, error) {
				if !p.MessagesBefore.IsZero() {
					p.MessagesBefore = p.MessagesBefore.Add(time.Millisecond)
				}
				return b.Store.Purge(ctx, p)
			}
		}},
		{"purge of pending messages", []string{"Purge/Messages", "Purge/Bounded"}, func(b *broken) {
			b.purge = func(ctx context.Context, p identity.Purge) (int, error) {
				pending, err := b.Store.LeaseMessages(ctx, identity.Lease{Now: p.Now.AddDate(9, 0, 0), Until: p.Now.AddDate(10, 0, 0), Token: "purge", Max: 100})
				for _, m := range pending {
					err = errors.Join(err, b.Store.FinishMessage(ctx, identity.MessageResult{ID: m.ID, LeaseToken: "purge", State: identity.MessageDead, Now: m.CreatedAt}))
				}
				n, purgeErr := b.Store.Purge(ctx, p)
				return n, errors.Join(err, purgeErr)
			}
		}},
		{"zero time purges all", []string{"Purge/Events", "Purge/Messages"}, func(b *broken) {
			b.purge = func(ctx context.Context, p identity.Purge) (int, error) {
				if p.EventsBefore.IsZero() {
					p.EventsBefore = p.Now
				}
				if p.MessagesBefore.IsZero() {
					p.MessagesBefore = p.Now
				}
				return b.Store.Purge(ctx, p)
			}
		}},
	}
}
