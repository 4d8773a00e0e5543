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

func codeFaults() []fault {
	return []fault{
		{"sends not charged", []string{"IssueCode/Stores", "IssueCode/ChargeRefused", "IssueCode/ConcurrentAtLimit"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.Charges = nil
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"sends charged in a transaction of their own", []string{"IssueCode/Duplicate"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				spent, err := b.Store.Spend(ctx, issue.Charges, issue.Now)
				if err != nil {
					return nil, err
				}
				issue.Charges = nil
				_, err = b.Store.IssueCode(ctx, issue)
				return spent, err
			}
		}},
		{"refused send recorded", []string{"IssueCode/ChargeRefused"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				spent, err := b.Store.IssueCode(ctx, issue)
				if err != nil {
					return nil, errors.Join(err, b.Store.AppendEvent(ctx, issue.Event))
				}
				return spent, nil
			}
		}},
		{"codes never ended by newer ones", []string{"IssueCode/KeepLive", "IssueCode/KeepLiveAcrossDevices", "IssueCode/KeepLiveOldest", "IssueCode/ConcurrentKeepLive"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.KeepLive = 1000
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"one live code only", []string{"IssueCode/KeepLive", "IssueCode/KeepLiveOldest"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.KeepLive = 1
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"live codes counted by device", []string{"IssueCode/KeepLiveAcrossDevices", "RedeemCode/DoesAll", "RedeemCode/ConcurrentSiblings"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.Code.NumberKey = issue.Code.Binding
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"sends counted together for all numbers", []string{"IssueCode/KeepLive", "RedeemCode/DoesAll"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.Code.NumberKey = []byte("all")
				return b.Store.IssueCode(ctx, issue)
			}
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				r.NumberKey = []byte("all")
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"guesses not counted", []string{"ChargeAttempt/CountsAndStops", "ChargeAttempt/Concurrent"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				charged, err := b.Store.ChargeAttempt(ctx, attempt)
				var release identity.Release
				for _, code := range charged.Codes {
					release.CodeIDs = append(release.CodeIDs, code.ID)
				}
				return charged, errors.Join(err, b.Store.ReleaseAttempt(ctx, release))
			}
		}},
		{"guess returned as before it was counted", []string{"ChargeAttempt/CountsAndStops"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				charged, err := b.Store.ChargeAttempt(ctx, attempt)
				for i := range charged.Codes {
					charged.Codes[i].Attempts--
				}
				return charged, err
			}
		}},
		{"any device's codes found", []string{"ChargeAttempt/OnlyItsBinding"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.Code.Binding = []byte("any")
				return b.Store.IssueCode(ctx, issue)
			}
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				attempt.Binding = []byte("any")
				return b.Store.ChargeAttempt(ctx, attempt)
			}
		}},
		{"newest code first", []string{"ChargeAttempt/OldestFirst"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				charged, err := b.Store.ChargeAttempt(ctx, attempt)
				slices.Reverse(charged.Codes)
				return charged, err
			}
		}},
		{"code alive at its expiry", []string{"ChargeAttempt/ExpiryEdge"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				attempt.Now = attempt.Now.Add(-time.Millisecond)
				return b.Store.ChargeAttempt(ctx, attempt)
			}
		}},
		{"code dead a millisecond early", []string{"ChargeAttempt/ExpiryEdge"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				attempt.Now = attempt.Now.Add(time.Millisecond)
				return b.Store.ChargeAttempt(ctx, attempt)
			}
		}},
		{"dead codes passed over, not ended", []string{"ChargeAttempt/ClockStepsBack"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				now := attempt.Now
				attempt.Now = time.Unix(0, 0)
				charged, err := b.Store.ChargeAttempt(ctx, attempt)
				charged.Codes = slices.DeleteFunc(charged.Codes, func(c identity.VerifyCode) bool { return !c.ExpiresAt.After(now) })
				return charged, err
			}
		}},
		{"number charged for idle guesses", []string{"ChargeAttempt/DecoyCharges", "ChargeAttempt/DecoyWhenExhausted"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				attempt.DecoyCharges = attempt.LiveCharges
				return b.Store.ChargeAttempt(ctx, attempt)
			}
		}},
		{"number not charged", []string{"ChargeAttempt/LiveCharges", "ChargeAttempt/ConcurrentAtLimit", "ChargeAttempt/Refused"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				attempt.LiveCharges = nil
				return b.Store.ChargeAttempt(ctx, attempt)
			}
		}},
		{"idle guesses not charged", []string{"ChargeAttempt/DecoyRefused"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				attempt.DecoyCharges = nil
				return b.Store.ChargeAttempt(ctx, attempt)
			}
		}},
		{"refused guess counted", []string{"ChargeAttempt/Refused"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				charged, err := b.Store.ChargeAttempt(ctx, attempt)
				if err != nil {
					_, other := b.Store.ChargeAttempt(ctx, identity.Attempt{Now: attempt.Now, Binding: attempt.Binding})
					return charged, errors.Join(err, other)
				}
				return charged, nil
			}
		}},
		{"charges not given back", []string{"ReleaseAttempt/GivesBack", "ReleaseAttempt/OnlyThatInstant", "ReleaseAttempt/Concurrent"}, func(b *broken) {
			b.releaseAttempt = func(ctx context.Context, release identity.Release) error {
				release.Refunds = nil
				return b.Store.ReleaseAttempt(ctx, release)
			}
		}},
		{"attempts not given back", []string{"ReleaseAttempt/GivesBack", "ReleaseAttempt/LastAttempt"}, func(b *broken) {
			b.releaseAttempt = func(ctx context.Context, release identity.Release) error {
				release.CodeIDs = nil
				return b.Store.ReleaseAttempt(ctx, release)
			}
		}},
		{"release clears the limits", []string{"ReleaseAttempt/GivesBack", "ReleaseAttempt/OnlyThatInstant", "Purge/AfterRefund"}, func(b *broken) {
			b.releaseAttempt = func(ctx context.Context, release identity.Release) error {
				for _, l := range release.Refunds {
					if err := b.Store.ClearLimits(ctx, []limit.Key{l.Key}); err != nil {
						return err
					}
				}
				return b.Store.ReleaseAttempt(ctx, release)
			}
		}},
		{"attempts below zero", []string{"ReleaseAttempt/NotBelowZero"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.Code.Attempts += 2
				issue.Code.MaxAttempts += 2
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"release of a gone code an error", []string{"ReleaseAttempt/GoneCodes"}, func(b *broken) {
			b.releaseAttempt = func(ctx context.Context, release identity.Release) error {
				if len(release.CodeIDs) > 1 {
					return identity.ErrNotFound
				}
				return b.Store.ReleaseAttempt(ctx, release)
			}
		}},
		{"code of a failed reset burnt", []string{"RedeemCode/Conflict", "RedeemCode/UserGone", "RedeemCode/Duplicate"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				err := b.Store.RedeemCode(ctx, r)
				if err != nil && !errors.Is(err, identity.ErrCodeSpent) {
					return errors.Join(err, b.Store.RedeemCode(ctx, identity.Redemption{
						Now: r.Now, CodeID: r.CodeID, Event: identity.Event{ID: r.Event.ID + "x"},
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
		{"nothing refunded", []string{"RedeemCode/RefundsAndClears"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				r.Refunds = nil
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"nothing cleared", []string{"RedeemCode/RefundsAndClears", "Shards/RefundAndClear"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				r.Clear = nil
				return b.Store.RedeemCode(ctx, r)
			}
		}},
		{"notice enqueued after the transaction", []string{"RedeemCode/Duplicate"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				messages := r.Messages
				r.Messages = nil
				if err := b.Store.RedeemCode(ctx, r); err != nil {
					return err
				}
				return b.Store.Enqueue(ctx, messages)
			}
		}},
		{"failed reset refunded", []string{"RedeemCode/Conflict", "RedeemCode/Missing", "RedeemCode/UserGone"}, func(b *broken) {
			b.redeemCode = func(ctx context.Context, r identity.Redemption) error {
				if err := b.Store.ReleaseAttempt(ctx, identity.Release{SpentAt: r.SpentAt, Refunds: r.Refunds}); err != nil {
					return err
				}
				r.Refunds = nil
				return b.Store.RedeemCode(ctx, r)
			}
		}},
	}
}
