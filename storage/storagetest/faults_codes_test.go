package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
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
					return nil, errors.Join(err, b.Store.AppendEvent(ctx, issue.Event, nil))
				}
				return spent, nil
			}
		}},
		{"only the first message of a send stored", []string{"IssueCode/AnyMessages"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.Messages = issue.Messages[:min(len(issue.Messages), 1)]
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"earlier codes of the device not replaced", []string{"IssueCode/Replace", "IssueCode/ReplaceFreesAPlace", "IssueCode/ConcurrentReplace"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.Replace = false
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"a resend ends all codes of the number", []string{"IssueCode/Replace", "IssueCode/ReplaceFreesAPlace"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				if issue.Replace {
					issue.KeepLive = 1
				}
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"every send replaces", []string{"IssueCode/KeepLive", "IssueCode/ConcurrentKeepLive"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.Replace = true
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"codes replaced before the charge", []string{"IssueCode/ReplaceRefused"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				spent, err := b.Store.IssueCode(ctx, issue)
				if err != nil && issue.Replace { // ends the device's codes by a reset that was not asked for
					charged, chargeErr := b.Store.ChargeAttempt(ctx, identity.Attempt{Now: issue.Now, Binding: issue.Code.Binding})
					err = errors.Join(err, chargeErr)
					for _, code := range charged.Codes {
						err = errors.Join(err, b.Store.RedeemCode(ctx, identity.Redemption{Now: issue.Now, CodeID: code.ID, Event: audit.Event{ID: code.ID}}))
					}
				}
				return spent, err
			}
		}},
		{"expired codes not replaced", []string{"IssueCode/ReplaceExpired"}, func(b *broken) {
			expires := map[string]time.Time{} // by binding
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				if at := expires[string(issue.Code.Binding)]; !at.After(issue.Now) {
					issue.Replace = false
				}
				expires[string(issue.Code.Binding)] = issue.Code.ExpiresAt
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"codes never ended by newer ones", []string{"IssueCode/KeepLive", "IssueCode/KeepLiveAcrossDevices", "IssueCode/KeepLiveOldest", "IssueCode/ConcurrentKeepLive"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.KeepLive = 1000
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"new code ended because of its clock", []string{"IssueCode/KeepLiveNew"}, func(b *broken) {
			var newest time.Time
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				if issue.Code.CreatedAt.Before(newest) {
					issue.Code.EndedAt = issue.Now
				} else {
					newest = issue.Code.CreatedAt
				}
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
		{"providers not told", []string{"ChargeAttempt/Providers"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				attempt.Providers = false
				return b.Store.ChargeAttempt(ctx, attempt)
			}
		}},
		{"provider of the latest message", []string{"ChargeAttempt/Providers"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				charged, err := b.Store.ChargeAttempt(ctx, attempt)
				messages, listErr := b.Store.MessageStates(ctx, "", 1000)
				for i := range charged.Codes {
					if n := len(messages); n > 0 && attempt.Providers {
						charged.Codes[i].Provider = messages[n-1].Provider
					}
				}
				return charged, errors.Join(err, listErr)
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
		{"number charged for idle guesses", []string{"ChargeAttempt/NoLiveCode", "ChargeAttempt/Exhausted"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				attempt.Charges = slices.Concat(attempt.Charges, attempt.LiveCharges)
				attempt.LiveCharges = nil
				return b.Store.ChargeAttempt(ctx, attempt)
			}
		}},
		{"number not charged", []string{"ChargeAttempt/LiveCharges", "ChargeAttempt/ConcurrentAtLimit", "ChargeAttempt/Refused"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				attempt.LiveCharges = nil
				return b.Store.ChargeAttempt(ctx, attempt)
			}
		}},
		{"idle guesses not charged", []string{"ChargeAttempt/RefusedWithoutACode", "ChargeAttempt/NoLiveCode"}, func(b *broken) {
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				free := attempt
				free.Charges, free.LiveCharges = nil, nil
				charged, err := b.Store.ChargeAttempt(ctx, free)
				if err != nil || len(charged.Codes) == 0 {
					return charged, err
				}
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
		{"charges not given back", []string{"ReleaseAttempt/GivesBack", "ReleaseAttempt/OnlyThatInstant", "ReleaseAttempt/Concurrent", "ReleaseAttempt/AllChanges"}, func(b *broken) {
			b.releaseAttempt = func(ctx context.Context, release identity.Release) error {
				release.Changes = nil
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
				for i := range release.Changes {
					release.Changes[i].Clear = true
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
	}
}
