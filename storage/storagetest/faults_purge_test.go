package storagetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func purgeFaults() []fault {
	return []fault{
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
		{"purge of states in use", []string{"Purge/KnownDevicesStay", "Purge/AfterChange", "Purge/SpendRenews", "Purge/AfterRefund"}, func(b *broken) {
			b.purge = func(ctx context.Context, p identity.Purge) (int, error) {
				p.Now = p.Now.AddDate(2, 0, 0)
				return b.Store.Purge(ctx, p)
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
				pending, err := b.Store.LeaseMessages(ctx, outbox.Lease{Now: p.Now.AddDate(9, 0, 0), Until: p.Now.AddDate(10, 0, 0), Token: "purge", Lane: outbox.LaneCode, KeyIDs: []string{"0f1e2d3c4b5a6978"}, Max: 100})
				for _, m := range pending {
					_, finishErr := b.Store.FinishMessages(ctx, []outbox.Result{{ID: m.ID, LeaseToken: "purge", State: outbox.Dead, Now: m.CreatedAt}})
					err = errors.Join(err, finishErr)
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
