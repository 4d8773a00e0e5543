package bunstore

import (
	"context"
	"fmt"

	"github.com/seed-16109ab2/rekey/identity"
)

const userColumns = "id, tenant, mobile, verified_at, password_hash, password_changed_at, disabled, created_at"

type userRow struct {
	ID                string `bun:"id"`
	Tenant            string `bun:"tenant"`
	Mobile            string `bun:"mobile"`
	VerifiedAt        int64  `bun:"verified_at"`
	PasswordHash      string `bun:"password_hash"`
	PasswordChangedAt int64  `bun:"password_changed_at"`
	Disabled          int    `bun:"disabled"`
	CreatedAt         int64  `bun:"created_at"`
}

func (r userRow) user() identity.User {
	return identity.User{
		ID: r.ID, Tenant: r.Tenant, Mobile: r.Mobile, VerifiedAt: fromMillis(r.VerifiedAt), PasswordHash: r.PasswordHash,
		PasswordChangedAt: fromMillis(r.PasswordChangedAt), Disabled: r.Disabled != 0, CreatedAt: fromMillis(r.CreatedAt),
	}
}

// CreateUser implements [identity.Users].
func (s *Store) CreateUser(ctx context.Context, u identity.User) error {
	err := s.inTx(ctx, func(t *tx) error {
		return t.insert("INSERT INTO rekey_users ("+userColumns+") VALUES ("+marks(8)+")",
			u.ID, u.Tenant, u.Mobile, millis(u.VerifiedAt), u.PasswordHash, millis(u.PasswordChangedAt), flag(u.Disabled), millis(u.CreatedAt))
	})
	return wrap("create user", err)
}

// UserByMobile implements [identity.Users].
func (s *Store) UserByMobile(ctx context.Context, tenant, mobile string) (identity.User, error) {
	row, err := one[userRow](s.read(ctx), "SELECT "+userColumns+" FROM rekey_users WHERE tenant = ? AND mobile = ?", tenant, mobile)
	if err != nil {
		return identity.User{}, wrap("find user", err)
	}
	return row.user(), nil
}

// UpdateUser implements [identity.Users].
func (s *Store) UpdateUser(ctx context.Context, c identity.UserChange) error {
	err := s.inTx(ctx, func(t *tx) error {
		row, err := t.lockUser(c.Tenant, c.ID)
		if err != nil {
			return err
		}
		if c.Mobile != nil {
			row.Mobile = *c.Mobile
		}
		if c.VerifiedAt != nil {
			row.VerifiedAt = millis(*c.VerifiedAt)
		}
		if c.Disabled != nil {
			row.Disabled = flag(*c.Disabled)
		}
		return t.insert("UPDATE rekey_users SET mobile = ?, verified_at = ?, disabled = ? WHERE tenant = ? AND id = ?",
			row.Mobile, row.VerifiedAt, row.Disabled, c.Tenant, c.ID)
	})
	return wrap("update user", err)
}

func (t *tx) lockUser(tenant, id string) (userRow, error) {
	return one[userRow](&t.statements, "SELECT "+userColumns+" FROM rekey_users WHERE tenant = ? AND id = ?"+t.engine.forUpdate, tenant, id)
}

// ReplacePassword implements [identity.Users].
func (s *Store) ReplacePassword(ctx context.Context, c identity.PasswordChange) error {
	return wrap("replace password", s.inTx(ctx, func(t *tx) error { return t.replacePassword(c) }))
}

func (t *tx) replacePassword(c identity.PasswordChange) error {
	row, err := t.lockUser(c.Tenant, c.UserID)
	if err != nil {
		return err
	}
	if row.PasswordHash != c.OldHash {
		return identity.ErrConflict
	}
	changed := row.PasswordChangedAt
	if !c.ChangedAt.IsZero() {
		changed = millis(c.ChangedAt)
	}
	if _, err := t.exec("UPDATE rekey_users SET password_hash = ?, password_changed_at = ? WHERE tenant = ? AND id = ?",
		c.NewHash, changed, c.Tenant, c.UserID); err != nil {
		return err
	}
	if c.KeepHistory > 0 {
		return t.remember(c)
	}
	return nil
}

type historyRow struct {
	Seq  int64  `bun:"seq"`
	Hash string `bun:"password_hash"`
}

// remember keeps the old hash; the user's row is locked, so the numbers are ours.
func (t *tx) remember(c identity.PasswordChange) error {
	rows, err := t.history(c.Tenant, c.UserID, c.KeepHistory)
	if err != nil {
		return err
	}
	next := int64(1)
	if len(rows) > 0 {
		next = rows[0].Seq + 1
	}
	if _, err := t.exec("INSERT INTO rekey_password_history (tenant, user_id, seq, password_hash) VALUES ("+marks(4)+")",
		c.Tenant, c.UserID, next, c.OldHash); err != nil {
		return err
	}
	_, err = t.exec("DELETE FROM rekey_password_history WHERE tenant = ? AND user_id = ? AND seq <= ?",
		c.Tenant, c.UserID, next-int64(c.KeepHistory))
	return err
}

func (t *statements) history(tenant, userID string, n int) ([]historyRow, error) {
	return query[historyRow](t, "SELECT seq, password_hash FROM rekey_password_history WHERE tenant = ? AND user_id = ? ORDER BY seq DESC LIMIT ?",
		tenant, userID, n)
}

// PasswordHistory implements [identity.Users].
func (s *Store) PasswordHistory(ctx context.Context, tenant, userID string, n int) ([]string, error) {
	if n <= 0 {
		return nil, ctx.Err()
	}
	rows, err := s.read(ctx).history(tenant, userID, n)
	if err != nil {
		return nil, wrap("read password history", err)
	}
	hashes := make([]string, len(rows))
	for i, r := range rows {
		hashes[i] = r.Hash
	}
	return hashes, nil
}

// wrap says what failed; answers of the port stay what they are.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("bunstore: %s: %w", doing, err)
}
