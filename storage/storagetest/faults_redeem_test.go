package storagetest_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
)

func redeemFaults() []fault {
	return []fault{
		{"code of a failed reset burnt", []string{"RedeemCode/Conflict", "RedeemCode/UserGone", "RedeemCode/Duplicate"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				err := b.Store.RedeemCode(ctx, r)
				if err != nil && !errors.Is(err, identity.ErrCodeSpent) {
					return errors.Join(err, b.Store.RedeemCode(ctx, identity.Redemption{
						Now: r.Now, CodeID: r.CodeID, Event: audit.Event{ID: r.Event.ID + "x"},
					}))
				}
				return err
			}
		}},
		{"code spent twice", []string{"RedeemCode/Once", "RedeemCode/Missing", "RedeemCode/ExpiryEdge", "RedeemCode/Concurrent", "RedeemCode/ConcurrentWithoutPassword", "RedeemCode/EndsExhausted"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				return unless(identity.ErrCodeSpent, b.Store.RedeemCode(ctx, r))
			}
		}},
		{"loser's password stored", []string{"RedeemCode/Once", "RedeemCode/Concurrent", "RedeemCode/ExpiryEdge"}, func(b *broken) {
			var mu sync.Mutex
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				mu.Lock()
				defer mu.Unlock()
				err := b.Store.RedeemCode(ctx, r)
				if u, found := b.Store.UserByMobile(ctx, "acme", "+8612345678901"); err != nil && found == nil {
					change := *r.Password
					change.OldHash = u.PasswordHash
					return errors.Join(err, b.Store.ReplacePassword(ctx, change))
				}
				return err
			}
		}},
		{"reset over a newer password", []string{"RedeemCode/ConcurrentWithChange", "RedeemCode/Conflict"}, func(b *broken) {
			var mu sync.Mutex
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				mu.Lock()
				defer mu.Unlock()
				err := b.Store.RedeemCode(ctx, r)
				if errors.Is(err, identity.ErrConflict) {
					r.Password = nil
					return b.Store.RedeemCode(ctx, r)
				}
				return err
			}
			b.replacePassword = func(ctx context.Context, change identity.PasswordChange) error {
				return unless(identity.ErrConflict, b.Store.ReplacePassword(ctx, change))
			}
		}},
		{"password always asked for", []string{"RedeemCode/WithoutPassword"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				if r.Password == nil {
					return identity.ErrNotFound
				}
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"reset at the expiry", []string{"RedeemCode/ExpiryEdge"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				r.Now = r.Now.Add(-time.Millisecond)
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"attempts compared again", []string{"RedeemCode/LastAttempt"}, func(b *broken) {
			exhausted := false
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				charged, err := b.Store.ChargeAttempt(ctx, attempt)
				for _, code := range charged.Codes {
					exhausted = code.Attempts == code.MaxAttempts
				}
				return charged, err
			}
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				if exhausted {
					return identity.ErrCodeSpent
				}
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"other codes not ended", []string{"RedeemCode/DoesAll", "RedeemCode/EndsExhausted", "RedeemCode/ConcurrentSiblings", "ChargeAttempt/UsedOrEnded"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				r.NumberKey = nil
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"password not replaced", []string{"RedeemCode/DoesAll", "RedeemCode/Conflict", "RedeemCode/UserGone"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				r.Password = nil
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"limits not changed", []string{"RedeemCode/Changes", "RedeemCode/AsJudged", "Shards/RefundAndClear"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				r.Changes = nil
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"client not looked at", []string{"RedeemCode/ClientDisabled", "RedeemCode/ClientGone"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				r.ClientID = ""
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"missing client not found", []string{"RedeemCode/ClientGone"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				if _, err := b.Store.ClientByID(ctx, r.ClientID); r.ClientID != "" && err != nil {
					return err
				}
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"user not looked at", []string{"RedeemCode/UserDisabled", "RedeemCode/UserUnverified", "RedeemCode/NumberMoved"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				if r.Password != nil {
					change := *r.Password
					change.Mobile = ""
					r.Password = &change
				}
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"hash not looked at", []string{"RedeemCode/HashChanged"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				u, err := b.Store.UserByMobile(ctx, "acme", "+8612345678901")
				if err == nil && r.Password != nil {
					change := *r.Password
					change.OldHash = u.PasswordHash
					r.Password = &change
				}
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"user looked at before the transaction", []string{"RedeemCode/ConcurrentWithDisable"}, func(b *broken) {
			meet := rendezvous(2)
			b.updateUser = func(ctx context.Context, change identity.UserChange) error {
				err := b.Store.UpdateUser(ctx, change)
				meet()
				return err
			}
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				change := *r.Password
				change.Mobile = ""
				r.Password = &change
				meet() // disabled in between
				err := b.Store.RedeemCode(ctx, r)
				return errors.Join(err, b.Store.UpdateUser(ctx, identity.UserChange{Tenant: change.Tenant, ID: change.UserID, Disabled: new(false)}))
			}
		}},
		{"conditions always asked for", []string{"RedeemCode/NoConditions", "ReplacePassword/NumberCondition"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				if r.Password != nil {
					change := *r.Password
					change.Mobile = "+8612345678901"
					r.Password = &change
				}
				return b.Store.RedeemCode(ctx, r)
			}
			b.replacePassword = func(ctx context.Context, change identity.PasswordChange) error {
				change.Mobile = "+8612345678901"
				return b.Store.ReplacePassword(ctx, change)
			}
		}},
		{"user not updated", []string{"RedeemCode/AsJudged", "RedeemCode/SetsNumber", "RedeemCode/NumberTaken", "RedeemCode/ChangedUserGone"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				r.User = nil
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"user updated in a separate transaction", []string{"RedeemCode/NumberTaken", "RedeemCode/ChangedUserGone"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				change := r.User
				r.User = nil
				if err := b.Store.RedeemCode(ctx, r); err != nil || change == nil {
					return err
				}
				return b.Store.UpdateUser(ctx, *change)
			}
		}},
		{"notice enqueued after the transaction", []string{"RedeemCode/Duplicate"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				messages := r.Messages
				r.Messages = nil
				if err := b.Store.RedeemCode(ctx, r); err != nil {
					return err
				}
				return b.Store.AppendEvent(ctx, audit.Event{ID: r.Event.ID + "x"}, messages)
			}
		}},
		{"failed reset refunded", []string{"RedeemCode/Conflict", "RedeemCode/Missing", "RedeemCode/UserGone"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				if err := b.Store.ChangeLimits(ctx, r.Changes, r.Now); err != nil {
					return err
				}
				r.Changes = nil
				return b.Store.RedeemCode(ctx, r)
			}
		}},
	}
}
