package storagetest_test

import (
	"context"
	"errors"
	"sync"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

func receiptFaults() []fault {
	return []fault{
		{"receipt for an unknown message acknowledged", []string{"RecordReceipt/Unknown", "RecordReceipt/Purged"}, func(b *broken) {
			b.recordReceipt = func(ctx context.Context, r sms.DeliveryReceipt) error {
				return unless(identity.ErrNotFound, b.Store.RecordReceipt(ctx, r))
			}
		}},
		{"provider not compared", []string{"RecordReceipt/Unknown"}, func(b *broken) {
			b.recordReceipt = func(ctx context.Context, r sms.DeliveryReceipt) error {
				r.Provider = "twilio"
				return b.Store.RecordReceipt(ctx, r)
			}
		}},
		{"a repetition is an error", []string{"RecordReceipt/FirstStands", "RecordReceipt/Concurrent"}, func(b *broken) {
			var mu sync.Mutex
			seen := map[string]bool{}
			b.recordReceipt = func(ctx context.Context, r sms.DeliveryReceipt) error {
				mu.Lock()
				defer mu.Unlock()
				err := b.Store.RecordReceipt(ctx, r)
				if err == nil && seen[r.Ref] {
					return errors.New("there is one")
				}
				seen[r.Ref] = true
				return err
			}
		}},
		{"last receipt stands", []string{"RecordReceipt/FirstStands", "RecordReceipt/Concurrent"}, func(b *broken) {
			var mu sync.Mutex
			last := map[string]sms.DeliveryReceipt{}
			b.recordReceipt = func(ctx context.Context, r sms.DeliveryReceipt) error {
				mu.Lock()
				defer mu.Unlock()
				last[r.Ref] = r
				return b.Store.RecordReceipt(ctx, r)
			}
			b.messageStates = func(ctx context.Context, afterID string, limit int) ([]outbox.Message, error) {
				states, err := b.Store.MessageStates(ctx, afterID, limit)
				for i, m := range states {
					if r, ok := last[m.ProviderRef]; ok && m.Receipt != "" {
						states[i].Receipt, states[i].ReceiptCode, states[i].ReceiptAt = r.State, r.Code, r.At
					}
				}
				return states, err
			}
		}},
		{"a failed receipt ends the message otherwise", []string{"RecordReceipt/Stores"}, func(b *broken) {
			b.messageStates = func(ctx context.Context, afterID string, limit int) ([]outbox.Message, error) {
				states, err := b.Store.MessageStates(ctx, afterID, limit)
				for i, m := range states {
					if m.Receipt == sms.ReceiptFailed {
						states[i].State = outbox.Dead
					}
				}
				return states, err
			}
		}},
		{"code lost", []string{"RecordReceipt/Stores"}, func(b *broken) {
			b.recordReceipt = func(ctx context.Context, r sms.DeliveryReceipt) error {
				r.Code = ""
				return b.Store.RecordReceipt(ctx, r)
			}
		}},
	}
}
