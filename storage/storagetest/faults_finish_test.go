package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func finishFaults() []fault {
	// each passes every result through f before it is recorded.
	each := func(f func(outbox.Result) outbox.Result) func(*broken) {
		return func(b *broken) {
			b.finishMessages = func(ctx context.Context, results []outbox.Result) ([]string, error) {
				results = slices.Clone(results)
				for i := range results {
					results[i] = f(results[i])
				}
				return b.Store.FinishMessages(ctx, results)
			}
		}
	}
	return []fault{
		{"lease token not compared", []string{"FinishMessages/LeaseLost", "FinishMessages/BatchWithLostLeases"}, func(b *broken) {
			var mu sync.Mutex
			tokens := make(map[string]string)
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				mu.Lock()
				defer mu.Unlock()
				leased, err := b.Store.LeaseMessages(ctx, lease)
				for _, m := range leased {
					tokens[m.ID] = lease.Token
				}
				return leased, err
			}
			b.finishMessages = func(ctx context.Context, results []outbox.Result) ([]string, error) {
				mu.Lock()
				defer mu.Unlock()
				results = slices.Clone(results)
				for i := range results {
					results[i].LeaseToken = tokens[results[i].ID]
				}
				return b.Store.FinishMessages(ctx, results)
			}
		}},
		{"lost leases not told", []string{"FinishMessages/Final", "FinishMessages/PendingAgain", "FinishMessages/NotLeased", "FinishMessages/Concurrent", "FinishMessages/BatchWithLostLeases"}, func(b *broken) {
			b.finishMessages = func(ctx context.Context, results []outbox.Result) ([]string, error) {
				_, err := b.Store.FinishMessages(ctx, results)
				return nil, err
			}
		}},
		{"a lost lease fails the batch", []string{"FinishMessages/BatchWithLostLeases", "FinishMessages/LeaseLost"}, func(b *broken) {
			b.finishMessages = func(ctx context.Context, results []outbox.Result) ([]string, error) {
				lost, err := b.Store.FinishMessages(ctx, results)
				if len(lost) > 0 {
					return nil, identity.ErrConflict
				}
				return lost, err
			}
		}},
		{"a batch stops at the first lost lease", []string{"FinishMessages/BatchWithLostLeases"}, func(b *broken) {
			b.finishMessages = func(ctx context.Context, results []outbox.Result) ([]string, error) {
				for i, result := range results {
					lost, err := b.Store.FinishMessages(ctx, []outbox.Result{result})
					if err != nil || len(lost) == 0 {
						continue
					}
					for _, rest := range results[i+1:] {
						lost = append(lost, rest.ID)
					}
					return lost, nil
				}
				return nil, nil
			}
		}},
		{"one state for the whole batch", []string{"FinishMessages/Batch"}, func(b *broken) {
			b.finishMessages = func(ctx context.Context, results []outbox.Result) ([]string, error) {
				results = slices.Clone(results)
				for i := range results {
					results[i].State = results[0].State
				}
				return b.Store.FinishMessages(ctx, results)
			}
		}},
		{"batches in another order deadlock", []string{"FinishMessages/ConcurrentBatches"}, func(b *broken) {
			b.finishMessages = func(ctx context.Context, results []outbox.Result) ([]string, error) {
				if len(results) > 1 && results[0].ID > results[1].ID {
					return nil, errors.New("deadlock detected")
				}
				return b.Store.FinishMessages(ctx, results)
			}
		}},
		{"uncertain messages tried again", []string{"FinishMessages/Final", "FinishMessages/Batch"}, each(func(r outbox.Result) outbox.Result {
			if r.State == outbox.Uncertain {
				r.State = outbox.Pending
			}
			return r
		})},
		{"retry without its pause", []string{"FinishMessages/PendingAgain"}, each(func(r outbox.Result) outbox.Result {
			r.NextAt = r.Now
			return r
		})},
		{"late result refused", []string{"FinishMessages/LeaseOver"}, func(b *broken) {
			b.finishMessages = func(ctx context.Context, results []outbox.Result) ([]string, error) {
				states, err := b.Store.MessageStates(ctx, "", 100)
				if err != nil {
					return nil, err
				}
				for _, m := range states {
					if m.ID == results[0].ID && !m.LeaseUntil.After(results[0].Now) {
						return []string{m.ID}, nil
					}
				}
				return b.Store.FinishMessages(ctx, results)
			}
		}},
	}
}
