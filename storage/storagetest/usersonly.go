package storagetest

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity"
)

// usersOnly is a Storage that has only Users, which is all that the cases about users
// need.
type usersOnly struct {
	identity.Storage // nil
	users            identity.Users
}

func (s usersOnly) CreateUser(ctx context.Context, u identity.User) error {
	return s.users.CreateUser(ctx, u)
}

func (s usersOnly) UserByMobile(ctx context.Context, tenant, mobile string) (identity.User, error) {
	return s.users.UserByMobile(ctx, tenant, mobile)
}

func (s usersOnly) UpdateUser(ctx context.Context, change identity.UserChange) error {
	return s.users.UpdateUser(ctx, change)
}

func (s usersOnly) ReplacePassword(ctx context.Context, change identity.PasswordChange) error {
	return s.users.ReplacePassword(ctx, change)
}

func (s usersOnly) PasswordHistory(ctx context.Context, tenant, userID string, n int) ([]string, error) {
	return s.users.PasswordHistory(ctx, tenant, userID, n)
}
