package bunstore

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity"
)

// UserByID implements [identity.Directory].
func (s *Store) UserByID(ctx context.Context, tenant, id string) (identity.User, error) {
	p := s.people()
	key, err := p.id(id)
	if err != nil {
		return identity.User{}, wrap("find user", err)
	}
	where, args, err := p.where(tenant, p.ID, key)
	if err != nil {
		return identity.User{}, wrap("find user", err)
	}
	row, err := one[userRow](s.read(ctx), "SELECT "+p.columns()+" FROM "+p.table()+where, args...)
	if err != nil && p.e.malformed(err) || err == nil && (row.ID != id || row.Tenant != tenant) {
		err = identity.ErrNotFound // no user has an id of another type than the column's
	}
	if err != nil {
		return identity.User{}, wrap("find user", err)
	}
	return p.user(row), nil
}

// ListUsers implements [identity.Directory]. Ids are ordered as the column's type
// orders them.
func (s *Store) ListUsers(ctx context.Context, tenant, afterID string, most int) ([]identity.User, error) {
	if most <= 0 {
		return nil, ctx.Err()
	}
	p := s.people()
	where, args, err := p.after(tenant, afterID)
	if err != nil {
		return nil, nil // a tenant that the table does not know has no users
	}
	// With the table's name, because "id" alone would be the text that is selected: integers
	// would come in another order than that of the pages, and no index would be used.
	rows, err := query[userRow](s.read(ctx), "SELECT "+p.columns()+" FROM "+p.table()+where+" ORDER BY "+p.table()+"."+p.quoted(p.ID)+" LIMIT ?", append(args, most)...)
	if err != nil {
		return nil, wrap("list users", err)
	}
	users := make([]identity.User, 0, len(rows))
	for _, r := range rows {
		if r.Tenant == tenant {
			users = append(users, p.user(r))
		}
	}
	return users, nil
}

// DeleteUser implements [identity.Directory].
func (s *Store) DeleteUser(ctx context.Context, tenant, id string) error {
	p := s.people()
	return wrap("delete user", s.inTx(ctx, func(t *tx) error {
		if _, err := t.lockUser(p, tenant, id); err != nil {
			return err
		}
		key, err := p.id(id)
		if err != nil {
			return err
		}
		where, args, err := p.where(tenant, p.ID, key)
		if err != nil {
			return err
		}
		if _, err := t.exec("DELETE FROM "+p.table()+where, args...); err != nil {
			return err
		}
		if _, err := t.exec("DELETE FROM rekey_password_history WHERE tenant = ? AND user_id = ?", tenant, id); err != nil {
			return err
		}
		_, err = t.exec("UPDATE rekey_events SET mobile = '', address = '', claimed_address = '', device = '', os_version = '', agent = '' WHERE tenant = ? AND user_id = ?",
			tenant, id)
		return err
	}))
}
