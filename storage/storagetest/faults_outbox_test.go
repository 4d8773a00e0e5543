package storagetest_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

func outboxFaults() []fault {
	return []fault{
		{"messages enqueued one by one", []string{"Enqueue/Duplicate"}, func(b *broken) {
			b.enqueue = func(ctx context.Context, messages []identity.OutboxMessage) error {
				for _, m := range messages {
					if err := b.Store.Enqueue(ctx, []identity.OutboxMessage{m}); err != nil {
						return err
					}
				}
				return nil
			}
		}},
		{"sealed text not handed out", []string{"Enqueue/RoundTrip", "Bytes/Sealed"}, func(b *broken) {
			b.claimMessages = func(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
				claimed, err := b.Store.LeaseMessages(ctx, claim)
				for i := range claimed {
					claimed[i].Sealed = nil
				}
				return claimed, err
			}
		}},
		{"claimed messages as before the claim", []string{"Enqueue/RoundTrip", "LeaseMessages/Lease", "LeaseMessages/Concurrent"}, func(b *broken) {
			b.claimMessages = func(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
				claimed, err := b.Store.LeaseMessages(ctx, claim)
				for i := range claimed {
					claimed[i].Attempts--
				}
				return claimed, err
			}
		}},
		{"due a millisecond late", []string{"LeaseMessages/NextAt"}, func(b *broken) {
			b.claimMessages = func(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
				claim.Now = claim.Now.Add(-time.Millisecond)
				return b.Store.LeaseMessages(ctx, claim)
			}
		}},
		{"due early", []string{"LeaseMessages/NextAt", "FinishMessage/PendingAgain"}, func(b *broken) {
			b.claimMessages = func(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
				claim.Now = claim.Now.Add(time.Second)
				return b.Store.LeaseMessages(ctx, claim)
			}
		}},
		{"latest first", []string{"LeaseMessages/EarliestFirst"}, func(b *broken) {
			b.claimMessages = func(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
				claimed, err := b.Store.LeaseMessages(ctx, claim)
				slices.Reverse(claimed)
				return claimed, err
			}
		}},
		{"max ignored", []string{"LeaseMessages/EarliestFirst"}, func(b *broken) {
			b.claimMessages = func(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
				claim.Max = 100
				return b.Store.LeaseMessages(ctx, claim)
			}
		}},
		{"lease without a term", []string{"LeaseMessages/Lease", "FinishMessage/LeaseLost"}, func(b *broken) {
			b.claimMessages = func(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
				until := claim.Until
				claim.Until = until.AddDate(100, 0, 0)
				claimed, err := b.Store.LeaseMessages(ctx, claim)
				for i := range claimed {
					claimed[i].LeaseUntil = until
				}
				return claimed, err
			}
		}},
		{"lease over at once", []string{"LeaseMessages/Lease", "LeaseMessages/Concurrent"}, func(b *broken) {
			b.claimMessages = func(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
				until := claim.Until
				claim.Until = claim.Now
				claimed, err := b.Store.LeaseMessages(ctx, claim)
				for i := range claimed {
					claimed[i].LeaseUntil, claimed[i].Attempts = until, 1
				}
				return claimed, err
			}
		}},
		{"expired messages left alone", []string{"LeaseMessages/Expired"}, func(b *broken) {
			b.claimMessages = func(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
				claimed, err := b.Store.LeaseMessages(ctx, claim)
				return slices.DeleteFunc(claimed, func(m identity.OutboxMessage) bool { return !m.ExpiresAt.After(claim.Now) }), err
			}
		}},
		{"claim token not compared", []string{"FinishMessage/LeaseLost", "FinishMessage/PendingAgain"}, func(b *broken) {
			var mu sync.Mutex
			tokens := make(map[string]string)
			b.claimMessages = func(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
				mu.Lock()
				defer mu.Unlock()
				claimed, err := b.Store.LeaseMessages(ctx, claim)
				for _, m := range claimed {
					tokens[m.ID] = claim.Token
				}
				return claimed, err
			}
			b.finishMessage = func(ctx context.Context, result identity.MessageResult) error {
				mu.Lock()
				defer mu.Unlock()
				result.LeaseToken = tokens[result.ID]
				return unless(identity.ErrConflict, b.Store.FinishMessage(ctx, result))
			}
		}},
		{"result lost without an error", []string{"FinishMessage/Final", "FinishMessage/NotLeased", "FinishMessage/Concurrent"}, func(b *broken) {
			b.finishMessage = func(ctx context.Context, result identity.MessageResult) error {
				return unless(identity.ErrConflict, b.Store.FinishMessage(ctx, result))
			}
		}},
		{"uncertain messages tried again", []string{"FinishMessage/Final"}, func(b *broken) {
			b.finishMessage = func(ctx context.Context, result identity.MessageResult) error {
				if result.State == identity.MessageUncertain {
					result.State = identity.MessagePending
				}
				return b.Store.FinishMessage(ctx, result)
			}
		}},
		{"retry at once", []string{"FinishMessage/PendingAgain"}, func(b *broken) {
			b.finishMessage = func(ctx context.Context, result identity.MessageResult) error {
				result.NextAt = result.Now
				return b.Store.FinishMessage(ctx, result)
			}
		}},
		{"late result refused", []string{"FinishMessage/LeaseOver"}, func(b *broken) {
			b.finishMessage = func(ctx context.Context, result identity.MessageResult) error {
				states, err := b.Store.MessageStates(ctx, "", 100)
				for _, m := range states {
					if m.ID == result.ID && !m.LeaseUntil.After(result.Now) {
						return identity.ErrConflict
					}
				}
				if err != nil {
					return err
				}
				return b.Store.FinishMessage(ctx, result)
			}
		}},
		{"states in reverse", []string{"MessageStates/Pages"}, func(b *broken) {
			b.messageStates = func(ctx context.Context, afterID string, limit int) ([]identity.OutboxMessage, error) {
				states, err := b.Store.MessageStates(ctx, afterID, limit)
				slices.Reverse(states)
				return states, err
			}
		}},
		{"limit below one means all", []string{"MessageStates/Pages", "Events/Pages"}, func(b *broken) {
			b.messageStates = func(ctx context.Context, afterID string, limit int) ([]identity.OutboxMessage, error) {
				if limit < 1 {
					limit = 1000
				}
				return b.Store.MessageStates(ctx, afterID, limit)
			}
			b.events = func(ctx context.Context, afterID string, limit int) ([]identity.Event, error) {
				if limit < 1 {
					limit = 1000
				}
				return b.Store.Events(ctx, afterID, limit)
			}
		}},
		{"page starts at the id", []string{"Events/Pages"}, func(b *broken) {
			b.events = func(ctx context.Context, afterID string, limit int) ([]identity.Event, error) {
				if afterID != "" {
					afterID = afterID[:len(afterID)-1]
				}
				return b.Store.Events(ctx, afterID, limit)
			}
		}},
		{"audit field lost", []string{"AppendEvent/RoundTrip", "IssueCode/Stores", "RedeemCode/DoesAll"}, func(b *broken) {
			b.events = func(ctx context.Context, afterID string, limit int) ([]identity.Event, error) {
				events, err := b.Store.Events(ctx, afterID, limit)
				for i := range events {
					events[i].OSVersion = ""
				}
				return events, err
			}
		}},
		{"duplicate event accepted", []string{"AppendEvent/Duplicate"}, func(b *broken) {
			b.appendEvent = func(ctx context.Context, e identity.Event) error {
				return unless(identity.ErrAlreadyExists, b.Store.AppendEvent(ctx, e))
			}
		}},
	}
}
