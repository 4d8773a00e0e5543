package memory

import (
	"context"
	"slices"

	"github.com/seed-16109ab2/rekey/identity"
)

// UserByID implements [identity.Directory].
func (s *Store) UserByID(ctx context.Context, tenant, id string) (identity.User, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return identity.User{}, err
	}
	defer unlock()

	u, ok := s.user(tenant, id)
	if !ok {
		return identity.User{}, identity.ErrNotFound
	}
	return u, nil
}

// ListUsers implements [identity.Directory].
func (s *Store) ListUsers(ctx context.Context, tenant, afterID string, max int) ([]identity.User, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	page := firstIDs(s.users, max, func(u identity.User) bool { return u.Tenant == tenant && u.ID > afterID })
	users := make([]identity.User, 0, len(page))
	for _, id := range page {
		users = append(users, s.users[id])
	}
	return users, nil
}

// DeleteUser implements [identity.Directory].
func (s *Store) DeleteUser(ctx context.Context, tenant, id string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	u, ok := s.user(tenant, id)
	if !ok {
		return identity.ErrNotFound
	}
	delete(s.users, id)
	delete(s.byMobile, mobileKey{u.Tenant, u.Mobile})
	delete(s.history, id)
	s.pseudonymise(tenant, id)
	return nil
}

// firstIDs returns the first n ids, in order, of the values for which keep returns true.
func firstIDs[V any](byID map[string]V, n int, keep func(V) bool) []string {
	var ids []string
	for id, v := range byID {
		if keep(v) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids[:min(max(n, 0), len(ids))]
}
