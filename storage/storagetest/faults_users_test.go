package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// unless replaces an error by nil.
func unless(target, err error) error {
	if errors.Is(err, target) {
		return nil
	}
	return err
}

func userFaults() []fault {
	return []fault{
		{"duplicate user accepted", []string{"CreateUser/IDTaken", "CreateUser/NumberTaken", "CreateUser/Concurrent"}, func(b *broken) {
			b.createUser = func(ctx context.Context, u identity.User) error {
				return unless(identity.ErrAlreadyExists, b.Store.CreateUser(ctx, u))
			}
		}},
		{"numbers unique across tenants", []string{"CreateUser/NumberInAnotherTenant"}, func(b *broken) {
			b.createUser = func(ctx context.Context, u identity.User) error {
				for _, tenant := range []string{"acme", "globex", ""} {
					if _, err := b.Store.UserByMobile(ctx, tenant, u.Mobile); err == nil {
						return identity.ErrAlreadyExists
					}
				}
				return b.Store.CreateUser(ctx, u)
			}
		}},
		{"disabled users hidden", []string{"CreateUser/RoundTrip"}, func(b *broken) {
			b.userByMobile = func(ctx context.Context, tenant, mobile string) (identity.User, error) {
				u, err := b.Store.UserByMobile(ctx, tenant, mobile)
				if err == nil && u.Disabled {
					return identity.User{}, identity.ErrNotFound
				}
				return u, err
			}
		}},
		{"tenant ignored", []string{"UserByMobile/Missing"}, func(b *broken) {
			b.userByMobile = func(ctx context.Context, tenant, mobile string) (identity.User, error) {
				for _, tenant := range []string{tenant, "acme", "globex"} {
					if u, err := b.Store.UserByMobile(ctx, tenant, mobile); err == nil {
						return u, nil
					}
				}
				return identity.User{}, identity.ErrNotFound
			}
		}},
		{"missing reported as a failure", []string{"UserByMobile/Missing"}, func(b *broken) {
			b.userByMobile = func(ctx context.Context, tenant, mobile string) (identity.User, error) {
				u, err := b.Store.UserByMobile(ctx, tenant, mobile)
				if err != nil {
					return u, errors.New("no rows in result set")
				}
				return u, nil
			}
		}},
		{"missing user updated", []string{"UpdateUser/Missing"}, func(b *broken) {
			b.updateUser = func(ctx context.Context, change identity.UserChange) error {
				return unless(identity.ErrNotFound, b.Store.UpdateUser(ctx, change))
			}
		}},
		{"update without a condition", []string{"UpdateUser/OnlyOne"}, func(b *broken) {
			var users []identity.User
			b.createUser = func(ctx context.Context, u identity.User) error {
				users = append(users, u)
				return b.Store.CreateUser(ctx, u)
			}
			b.updateUser = func(ctx context.Context, change identity.UserChange) error {
				for _, u := range users {
					change.ID = u.ID
					if err := b.Store.UpdateUser(ctx, change); err != nil {
						return err
					}
				}
				return nil
			}
		}},
		{"zero values not updated", []string{"UpdateUser/Fields"}, func(b *broken) {
			b.updateUser = func(ctx context.Context, change identity.UserChange) error {
				if change.Disabled != nil && !*change.Disabled {
					change.Disabled = nil
				}
				return b.Store.UpdateUser(ctx, change)
			}
		}},
		{"update in two steps", []string{"UpdateUser/NumberTaken"}, func(b *broken) {
			b.updateUser = func(ctx context.Context, change identity.UserChange) error {
				first := change
				first.Mobile = nil
				if err := b.Store.UpdateUser(ctx, first); err != nil {
					return err
				}
				return b.Store.UpdateUser(ctx, change)
			}
		}},
		{"taken number passed over", []string{"UpdateUser/NumberTaken", "UpdateUser/Concurrent"}, func(b *broken) {
			b.updateUser = func(ctx context.Context, change identity.UserChange) error {
				return unless(identity.ErrAlreadyExists, b.Store.UpdateUser(ctx, change))
			}
		}},
		{"old hash not compared", []string{"ReplacePassword/Conflict", "ReplacePassword/Concurrent", "Strings/Hashes"}, func(b *broken) {
			var mu sync.Mutex
			present := make(map[string]string)
			b.createUser = func(ctx context.Context, u identity.User) error {
				mu.Lock()
				defer mu.Unlock()
				present[u.ID] = u.PasswordHash
				return b.Store.CreateUser(ctx, u)
			}
			b.replacePassword = func(ctx context.Context, change identity.PasswordChange) error {
				mu.Lock()
				defer mu.Unlock()
				change.OldHash = present[change.UserID]
				present[change.UserID] = change.NewHash
				return b.Store.ReplacePassword(ctx, change)
			}
		}},
		{"number not compared", []string{"ReplacePassword/NumberCondition"}, func(b *broken) {
			b.replacePassword = func(ctx context.Context, change identity.PasswordChange) error {
				change.Mobile = ""
				return b.Store.ReplacePassword(ctx, change)
			}
		}},
		{"missing user's password a conflict", []string{"ReplacePassword/Missing"}, func(b *broken) {
			b.replacePassword = func(ctx context.Context, change identity.PasswordChange) error {
				if err := b.Store.ReplacePassword(ctx, change); err != nil {
					return identity.ErrConflict
				}
				return nil
			}
		}},
		{"date not set", []string{"ReplacePassword/Replaces"}, func(b *broken) {
			b.replacePassword = func(ctx context.Context, change identity.PasswordChange) error {
				change.ChangedAt = time.Time{}
				return b.Store.ReplacePassword(ctx, change)
			}
		}},
		{"rehash ends sessions", []string{"ReplacePassword/Rehash"}, func(b *broken) {
			b.replacePassword = func(ctx context.Context, change identity.PasswordChange) error {
				if change.ChangedAt.IsZero() {
					change.ChangedAt = time.Unix(1e9, 0)
				}
				return b.Store.ReplacePassword(ctx, change)
			}
		}},
		{"rehash remembered", []string{"ReplacePassword/Rehash"}, func(b *broken) {
			b.replacePassword = func(ctx context.Context, change identity.PasswordChange) error {
				change.KeepHistory = max(change.KeepHistory, 3)
				return b.Store.ReplacePassword(ctx, change)
			}
		}},
		{"rehash forgets the history", []string{"ReplacePassword/Rehash"}, func(b *broken) {
			forgotten := false
			b.replacePassword = func(ctx context.Context, change identity.PasswordChange) error {
				forgotten = change.KeepHistory == 0
				return b.Store.ReplacePassword(ctx, change)
			}
			b.passwordHistory = func(ctx context.Context, tenant, userID string, n int) ([]string, error) {
				if forgotten {
					return nil, nil
				}
				return b.Store.PasswordHistory(ctx, tenant, userID, n)
			}
		}},
		{"history not trimmed", []string{"PasswordHistory/OrderAndTrim"}, func(b *broken) {
			b.replacePassword = func(ctx context.Context, change identity.PasswordChange) error {
				change.KeepHistory *= 10
				return b.Store.ReplacePassword(ctx, change)
			}
		}},
		{"history oldest first", []string{"PasswordHistory/OrderAndTrim"}, func(b *broken) {
			b.passwordHistory = func(ctx context.Context, tenant, userID string, n int) ([]string, error) {
				h, err := b.Store.PasswordHistory(ctx, tenant, userID, n)
				slices.Reverse(h)
				return h, err
			}
		}},
		{"history of a missing user an error", []string{"PasswordHistory/Missing"}, func(b *broken) {
			b.passwordHistory = func(ctx context.Context, tenant, userID string, n int) ([]string, error) {
				h, err := b.Store.PasswordHistory(ctx, tenant, userID, n)
				if err == nil && len(h) == 0 {
					return nil, identity.ErrNotFound
				}
				return h, err
			}
		}},
		{"history crosses tenants", []string{"PasswordHistory/Missing"}, func(b *broken) {
			b.passwordHistory = func(ctx context.Context, _, userID string, n int) ([]string, error) {
				return b.Store.PasswordHistory(ctx, "acme", userID, n)
			}
		}},
	}
}
