package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func outboxFaults() []fault {
	return []fault{
		{"sealed text not handed out", []string{"AppendEvent/Messages", "Bytes/Sealed"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				leased, err := b.Store.LeaseMessages(ctx, lease)
				for i := range leased {
					leased[i].Sealed = nil
				}
				return leased, err
			}
		}},
		{"leased messages as before the lease", []string{"AppendEvent/Messages", "LeaseMessages/Lease", "LeaseMessages/Concurrent"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				leased, err := b.Store.LeaseMessages(ctx, lease)
				for i := range leased {
					leased[i].Attempts--
				}
				return leased, err
			}
		}},
		{"due a millisecond late", []string{"LeaseMessages/NextAt"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				lease.Now = lease.Now.Add(-time.Millisecond)
				return b.Store.LeaseMessages(ctx, lease)
			}
		}},
		{"due early", []string{"LeaseMessages/NextAt", "FinishMessages/PendingAgain"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				lease.Now = lease.Now.Add(time.Second)
				return b.Store.LeaseMessages(ctx, lease)
			}
		}},
		{"latest first", []string{"LeaseMessages/EarliestFirst"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				leased, err := b.Store.LeaseMessages(ctx, lease)
				slices.Reverse(leased)
				return leased, err
			}
		}},
		{"max ignored", []string{"LeaseMessages/EarliestFirst"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				lease.Max = 100
				return b.Store.LeaseMessages(ctx, lease)
			}
		}},
		{"lease without a term", []string{"LeaseMessages/Lease", "FinishMessages/LeaseLost"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				until := lease.Until
				lease.Until = until.AddDate(100, 0, 0)
				leased, err := b.Store.LeaseMessages(ctx, lease)
				for i := range leased {
					leased[i].LeaseUntil = until
				}
				return leased, err
			}
		}},
		{"lease ends immediately", []string{"LeaseMessages/Lease", "LeaseMessages/Concurrent"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				until := lease.Until
				lease.Until = lease.Now
				leased, err := b.Store.LeaseMessages(ctx, lease)
				for i := range leased {
					leased[i].LeaseUntil, leased[i].Attempts = until, 1
				}
				return leased, err
			}
		}},
		{"expired messages left alone", []string{"LeaseMessages/Expired"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				leased, err := b.Store.LeaseMessages(ctx, lease)
				return slices.DeleteFunc(leased, func(m outbox.Message) bool { return !m.ExpiresAt.After(lease.Now) }), err
			}
		}},
		{"states in reverse", []string{"MessageStates/Pages"}, func(b *broken) {
			b.messageStates = func(ctx context.Context, afterID string, limit int) ([]outbox.Message, error) {
				states, err := b.Store.MessageStates(ctx, afterID, limit)
				slices.Reverse(states)
				return states, err
			}
		}},
		{"limit below one means all", []string{"MessageStates/Pages"}, func(b *broken) {
			b.messageStates = func(ctx context.Context, afterID string, limit int) ([]outbox.Message, error) {
				if limit < 1 {
					limit = 1000
				}
				return b.Store.MessageStates(ctx, afterID, limit)
			}
		}},
		{"lanes not told apart", []string{"LeaseMessages/Lanes", "LeaseMessages/BacklogOfOthers"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				var all []outbox.Message
				for _, lane := range []outbox.Lane{outbox.LaneEvent, outbox.LaneCode, outbox.LaneNotice, outbox.LaneDecoy} {
					l := lease
					l.Lane, l.Max = lane, lease.Max-len(all)
					leased, err := b.Store.LeaseMessages(ctx, l)
					if err != nil {
						return nil, err
					}
					all = append(all, leased...)
				}
				return all, nil
			}
		}},
		{"lane lost", []string{"LeaseMessages/Lanes"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				leased, err := b.Store.LeaseMessages(ctx, lease)
				for i := range leased {
					leased[i].Lane = ""
				}
				return leased, err
			}
		}},
		{"keys not looked at", []string{"LeaseMessages/KeyIDs", "LeaseMessages/BacklogOfOthers"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				lease.KeyIDs = append([]string{"old", "new", "next", "unknown", ""}, lease.KeyIDs...)
				return b.Store.LeaseMessages(ctx, lease)
			}
		}},
		{"no keys mean all", []string{"LeaseMessages/KeyIDs"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				if len(lease.KeyIDs) == 0 {
					lease.KeyIDs = []string{"old", "new", "next"}
				}
				return b.Store.LeaseMessages(ctx, lease)
			}
		}},
		{"keys looked at after the first were picked", []string{"LeaseMessages/KeyIDs", "LeaseMessages/BacklogOfOthers"}, func(b *broken) {
			b.leaseMessages = func(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
				states, err := b.Store.MessageStates(ctx, "", 1000)
				if err != nil {
					return nil, err
				}
				states = slices.DeleteFunc(states, func(m outbox.Message) bool { return m.Lane != lease.Lane || m.LeaseToken != "" })
				slices.SortStableFunc(states, func(x, y outbox.Message) int { return x.NextAt.Compare(y.NextAt) })
				lease.Max = min(max(lease.Max, 0), len(states))
				for _, m := range states[:lease.Max] {
					if !slices.Contains(lease.KeyIDs, m.KeyID) {
						lease.Max--
					}
				}
				return b.Store.LeaseMessages(ctx, lease)
			}
		}},
		{"backlog without the leased", []string{"Backlog/Counts"}, func(b *broken) {
			b.backlog = func(ctx context.Context) ([]outbox.Backlog, error) {
				lanes, err := b.Store.Backlog(ctx)
				states, statesErr := b.Store.MessageStates(ctx, "", 1000)
				for _, m := range states {
					for i := range lanes {
						if lanes[i].Lane == m.Lane && m.LeaseToken != "" {
							lanes[i].Pending--
						}
					}
				}
				return lanes, errors.Join(err, statesErr)
			}
		}},
		{"backlog with the latest", []string{"Backlog/Counts"}, func(b *broken) {
			b.backlog = func(ctx context.Context) ([]outbox.Backlog, error) {
				lanes, err := b.Store.Backlog(ctx)
				states, statesErr := b.Store.MessageStates(ctx, "", 1000)
				for _, m := range states {
					for i := range lanes {
						if lanes[i].Lane == m.Lane && lanes[i].Earliest.Before(m.NextAt) {
							lanes[i].Earliest = m.NextAt
						}
					}
				}
				return lanes, errors.Join(err, statesErr)
			}
		}},
	}
}
