package memory

import (
	"context"
	"slices"

	"github.com/seed-16109ab2/rekey/identity"
)

type mobileKey struct{ tenant, mobile string }

// CreateUser implements [identity.Users].
func (s *Store) CreateUser(ctx context.Context, u identity.User) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	key := mobileKey{u.Tenant, u.Mobile}
	if _, taken := s.users[u.ID]; taken {
		return identity.ErrAlreadyExists
	}
	if _, taken := s.byMobile[key]; taken {
		return identity.ErrAlreadyExists
	}
	u.VerifiedAt = milli(u.VerifiedAt)
	u.PasswordChangedAt = milli(u.PasswordChangedAt)
	u.CreatedAt = milli(u.CreatedAt)
	s.users[u.ID] = u
	s.byMobile[key] = u.ID
	return nil
}

// UserByMobile implements [identity.Users].
func (s *Store) UserByMobile(ctx context.Context, tenant, mobile string) (identity.User, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return identity.User{}, err
	}
	defer unlock()

	id, ok := s.byMobile[mobileKey{tenant, mobile}]
	if !ok {
		return identity.User{}, identity.ErrNotFound
	}
	return s.users[id], nil
}

// UpdateUser implements [identity.Users].
func (s *Store) UpdateUser(ctx context.Context, change identity.UserChange) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	if err := s.checkUser(change); err != nil {
		return err
	}
	s.setUser(change)
	return nil
}

// ReplacePassword implements [identity.Users].
func (s *Store) ReplacePassword(ctx context.Context, change identity.PasswordChange) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	if err := s.checkPassword(change); err != nil {
		return err
	}
	s.setPassword(change)
	return nil
}

// PasswordHistory implements [identity.Users].
func (s *Store) PasswordHistory(ctx context.Context, tenant, userID string, n int) ([]string, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	if _, ok := s.user(tenant, userID); !ok {
		return nil, nil
	}
	remembered := s.history[userID]
	return slices.Clone(remembered[:min(max(n, 0), len(remembered))]), nil
}

// user finds a user by tenant and id. An id alone could find a user of another tenant.
func (s *Store) user(tenant, id string) (identity.User, bool) {
	u, ok := s.users[id]
	if !ok || u.Tenant != tenant {
		return identity.User{}, false
	}
	return u, true
}

// checkUser returns an error if setUser must not be called.
func (s *Store) checkUser(change identity.UserChange) error {
	u, ok := s.user(change.Tenant, change.ID)
	if !ok {
		return identity.ErrNotFound
	}
	if change.Mobile != nil {
		holder, taken := s.byMobile[mobileKey{u.Tenant, *change.Mobile}]
		if taken && holder != u.ID {
			return identity.ErrAlreadyExists
		}
	}
	return nil
}

func (s *Store) setUser(change identity.UserChange) {
	u := s.users[change.ID]
	delete(s.byMobile, mobileKey{u.Tenant, u.Mobile})
	if change.Mobile != nil {
		u.Mobile = *change.Mobile
	}
	if change.VerifiedAt != nil {
		u.VerifiedAt = milli(*change.VerifiedAt)
	}
	if change.Disabled != nil {
		u.Disabled = *change.Disabled
	}
	s.byMobile[mobileKey{u.Tenant, u.Mobile}] = u.ID
	s.users[u.ID] = u
}

// checkPassword returns an error if setPassword must not be called.
func (s *Store) checkPassword(change identity.PasswordChange) error {
	u, ok := s.user(change.Tenant, change.UserID)
	if !ok {
		return identity.ErrNotFound
	}
	if u.PasswordHash != change.OldHash {
		return identity.ErrConflict
	}
	if change.Mobile != "" && (u.Mobile != change.Mobile || u.VerifiedAt.IsZero() || u.Disabled) {
		return identity.ErrConflict
	}
	return nil
}

// setPassword sets a user's password. It leaves the history alone if the change keeps no
// earlier password: a new hash of the same password must not erase the history.
func (s *Store) setPassword(change identity.PasswordChange) {
	u := s.users[change.UserID]
	u.PasswordHash = change.NewHash
	if !change.ChangedAt.IsZero() {
		u.PasswordChangedAt = milli(change.ChangedAt)
	}
	s.users[u.ID] = u
	if change.KeepHistory > 0 {
		h := append([]string{change.OldHash}, s.history[u.ID]...)
		s.history[u.ID] = h[:min(change.KeepHistory, len(h))]
	}
}
