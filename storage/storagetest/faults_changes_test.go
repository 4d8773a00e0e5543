package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

func changeFaults() []fault {
	// each passes every change through f before it is carried out.
	each := func(f func(limit.Change) limit.Change) func(*broken) {
		return func(b *broken) {
			b.changeLimits = func(ctx context.Context, changes []limit.Change, now time.Time) error {
				changes = slices.Clone(changes)
				for i := range changes {
					changes[i] = f(changes[i])
				}
				return b.Store.ChangeLimits(ctx, changes, now)
			}
		}
	}
	return []fault{
		{"missing key an error", []string{"ChangeLimits/Clears", "ChangeLimits/Refunds"}, func(b *broken) {
			b.changeLimits = func(ctx context.Context, changes []limit.Change, now time.Time) error {
				if slices.ContainsFunc(changes, func(c limit.Change) bool { return c.Limit.Key == "missing" }) {
					return identity.ErrNotFound
				}
				return b.Store.ChangeLimits(ctx, changes, now)
			}
		}},
		{"only the first change applied", []string{"ChangeLimits/Clears", "ChangeLimits/OneKeyTwice", "ChangeLimits/ConcurrentOrder"}, func(b *broken) {
			b.changeLimits = func(ctx context.Context, changes []limit.Change, now time.Time) error {
				return b.Store.ChangeLimits(ctx, changes[:min(len(changes), 1)], now)
			}
		}},
		{"nothing cleared by an unlock", []string{"ChangeLimits/Clears", "Spend/ExactKeys"}, each(func(c limit.Change) limit.Change {
			c.Clear = false
			return c
		})},
		{"nothing refunded by a change", []string{"ChangeLimits/Refunds", "ChangeLimits/OneKeyTwice", "ChangeLimits/ConcurrentWithSpend", "ChangeLimits/ConcurrentOrder"}, each(func(c limit.Change) limit.Change {
			c.SpentAt = time.Time{}
			return c
		})},
		{"nothing remembered", []string{"ChangeLimits/Remembers", "ChangeLimits/OneKeyTwice", "ChangeLimits/ConcurrentWithSpend"}, each(func(c limit.Change) limit.Change {
			c.Remember = false
			return c
		})},
		{"a clear deletes the row", []string{"ChangeLimits/Remembers"}, func(b *broken) {
			b.changeLimits = func(ctx context.Context, changes []limit.Change, now time.Time) error {
				for _, change := range changes {
					if change.Clear { // eight other devices push out those that the row already knew
						for device := range uint64(8) {
							c := change
							c.Limit.Device, c.Remember, c.Clear = 1000+device, true, false
							if err := b.Store.ChangeLimits(ctx, []limit.Change{c}, now); err != nil {
								return err
							}
						}
					}
				}
				return b.Store.ChangeLimits(ctx, changes, now)
			}
		}},
		{"a clear of one shard", []string{"Shards/RefundAndClear"}, func(b *broken) {
			b.changeLimits = func(ctx context.Context, changes []limit.Change, now time.Time) error {
				for _, change := range changes {
					if change.Clear {
						change.SpentAt, change.Clear = time.Date(2024, time.February, 29, 23, 59, 58, 7e6, time.UTC), false
					}
					if err := b.Store.ChangeLimits(ctx, []limit.Change{change}, now); err != nil {
						return err
					}
				}
				return nil
			}
		}},
		{"changes of one key worked out from one state", []string{"ChangeLimits/OneKeyTwice"}, func(b *broken) {
			b.changeLimits = func(ctx context.Context, changes []limit.Change, now time.Time) error {
				last := make(map[limit.Key]limit.Change)
				for _, change := range changes {
					last[change.Limit.Key] = change
				}
				var kept []limit.Change
				for _, change := range last {
					kept = append(kept, change)
				}
				return b.Store.ChangeLimits(ctx, kept, now)
			}
		}},
		{"changes read before they are locked", []string{"ChangeLimits/ConcurrentWithSpend"}, func(b *broken) {
			var mu sync.Mutex
			var state []byte
			meet := rendezvous(10)
			b.spend = func(_ context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				mu.Lock()
				defer mu.Unlock()
				spent, err := limits[0].Spend(state, nil, now)
				if err == nil {
					state = spent.State
				}
				return []limit.Spent{spent}, err
			}
			b.changeLimits = func(_ context.Context, changes []limit.Change, now time.Time) error {
				mu.Lock()
				seen := state
				mu.Unlock()
				meet()
				changed, _, err := changes[0].Apply(seen, now)
				mu.Lock()
				state = changed
				mu.Unlock()
				return err
			}
		}},
		{"changes in another order deadlock", []string{"ChangeLimits/ConcurrentOrder"}, func(b *broken) {
			b.changeLimits = func(ctx context.Context, changes []limit.Change, now time.Time) error {
				if len(changes) > 1 && changes[0].Limit.Key == "b" {
					return errors.New("deadlock detected")
				}
				return b.Store.ChangeLimits(ctx, changes, now)
			}
		}},
		{"a clear turns the limit off", []string{"ChangeLimits/ConcurrentClear", "ChangeLimits/Clears"}, func(b *broken) {
			var mu sync.Mutex
			off := make(map[limit.Key]bool)
			b.changeLimits = func(ctx context.Context, changes []limit.Change, now time.Time) error {
				mu.Lock()
				defer mu.Unlock()
				for _, change := range changes {
					off[change.Limit.Key] = off[change.Limit.Key] || change.Clear
				}
				return b.Store.ChangeLimits(ctx, changes, now)
			}
			b.spend = func(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
				mu.Lock()
				defer mu.Unlock()
				if off[limits[0].Key] {
					return []limit.Spent{{Key: limits[0].Key}}, nil
				}
				return b.Store.Spend(ctx, limits, now)
			}
		}},
	}
}
