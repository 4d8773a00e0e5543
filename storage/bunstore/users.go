package bunstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

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

// user converts a row. Its number is what the stored text means.
func (p people) user(r userRow) identity.User {
	if p.own {
		if e164, ok := p.Spelling.read(r.Mobile); ok {
			r.Mobile = e164
		}
	}
	return r.user(r.Mobile)
}

// user converts a row whose number is known, in E.164.
func (r userRow) user(mobile string) identity.User {
	return identity.User{
		ID: r.ID, Tenant: r.Tenant, Mobile: mobile, VerifiedAt: fromMillis(r.VerifiedAt), PasswordHash: r.PasswordHash,
		PasswordChangedAt: fromMillis(r.PasswordChangedAt), Disabled: r.Disabled != 0, CreatedAt: fromMillis(r.CreatedAt),
	}
}

// CreateUser implements [identity.Users]. In a table with integer ids the user must have
// an id. Columns that [UsersTable] does not describe must have defaults.
func (s *Store) CreateUser(ctx context.Context, u identity.User) error {
	p := s.people()
	id, err := p.id(u.ID)
	if err != nil {
		return fmt.Errorf("bunstore: create user: the id %q is not an integer, as the table needs", u.ID)
	}
	if p.Tenant == "" && u.Tenant != "" {
		return errors.New("bunstore: create user: the table has no column for the tenant")
	}
	statement, args := p.insert(p.assign(p.ID, id), p.assign(p.Tenant, u.Tenant), p.assign(p.Mobile, p.Spelling.Write(u.Mobile)),
		p.assignTime(p.VerifiedAt, millis(u.VerifiedAt)), p.assign(p.PasswordHash, u.PasswordHash),
		p.assignTime(p.PasswordChangedAt, millis(u.PasswordChangedAt)), p.assignDisabled(u.Disabled), p.assignTime(p.CreatedAt, millis(u.CreatedAt)))
	return wrap("create user", s.inTx(ctx, func(t *tx) error {
		if err := t.freeNumber(p, u.Tenant, u.Mobile, ""); err != nil {
			return err
		}
		return t.insert(statement, args...)
	}))
}

// UserByMobile implements [identity.Users].
func (s *Store) UserByMobile(ctx context.Context, tenant, mobile string) (identity.User, error) {
	with := s.batchers.people
	if s.ownUsers {
		with = nil // such a table may have many rows for one number
	}
	rows, err := batched(ctx, with, s.peopleByMobile, person{tenant, mobile})
	if err == nil && len(rows) != 1 {
		err = identity.ErrNotFound // two rows with one number count as none, see UsersTable
	}
	if err != nil {
		return identity.User{}, wrap("find user", err)
	}
	return rows[0].user(mobile), nil
}

// person is the tenant and the number of a person.
type person struct{ tenant, mobile string }

// peopleByMobile returns for each person the rows that hold the number. Several people are
// found in the store's own table only.
func (s *Store) peopleByMobile(ctx context.Context, wanted []person) ([][]userRow, error) {
	p, found := s.people(), make([][]userRow, len(wanted))
	if len(wanted) == 1 {
		rows, err := s.read(ctx).usersByMobile(p, wanted[0].tenant, wanted[0].mobile)
		found[0] = rows
		return found, err
	}
	// One SELECT for each person finds the row by the unique index, also before the table
	// has statistics. An IN list would read the whole tenant then.
	var selects []string
	var args []any
	for _, w := range wanted {
		where, values, err := p.where(w.tenant, p.Mobile, w.mobile)
		if err != nil {
			return nil, err
		}
		selects, args = append(selects, "SELECT "+p.columns()+" FROM "+p.table()+where), append(args, values...)
	}
	rows, err := query[userRow](s.read(ctx), strings.Join(selects, " UNION ALL "), args...)
	for i, w := range wanted {
		for _, r := range rows {
			if w == (person{r.Tenant, r.Mobile}) && len(found[i]) == 0 { // two calls may want one person
				found[i] = []userRow{r}
			}
		}
	}
	return found, err
}

// usersByMobile returns the rows that hold a number, in any of its spellings.
func (t *statements) usersByMobile(p people, tenant, mobile string) ([]userRow, error) {
	where, args, err := p.where(tenant, p.Mobile, p.spelled(mobile)...)
	if err != nil {
		return nil, err
	}
	rows, err := query[userRow](t, "SELECT "+p.columns()+" FROM "+p.table()+where+" LIMIT 10", args...)
	// A text column may match a tenant that differs in case only.
	return slices.DeleteFunc(rows, func(r userRow) bool { return r.Tenant != tenant || !p.Spelling.means(r.Mobile, mobile) }), err
}

// freeNumber returns ErrAlreadyExists if another user has the number in a different
// spelling, which a unique index would not notice.
func (t *tx) freeNumber(p people, tenant, mobile, id string) error {
	if !p.own || len(p.Spelling.all(mobile)) < 2 {
		return nil
	}
	rows, err := t.usersByMobile(p, tenant, mobile)
	if err == nil && slices.ContainsFunc(rows, func(r userRow) bool { return r.ID != id }) {
		err = identity.ErrAlreadyExists
	}
	return err
}

// UpdateUser implements [identity.Users].
func (s *Store) UpdateUser(ctx context.Context, c identity.UserChange) error {
	return wrap("update user", s.inTx(ctx, func(t *tx) error { return t.changeUser(s.people(), c) }))
}

func (t *tx) changeUser(p people, c identity.UserChange) error {
	var changes []assignment
	if c.Mobile != nil {
		changes = append(changes, p.assign(p.Mobile, p.Spelling.Write(*c.Mobile)))
	}
	if c.VerifiedAt != nil {
		changes = append(changes, p.assignTime(p.VerifiedAt, millis(*c.VerifiedAt)))
	}
	if c.Disabled != nil {
		changes = append(changes, p.assignDisabled(*c.Disabled))
	}
	if _, err := t.lockUser(p, c.Tenant, c.ID); err != nil {
		return err
	}
	if c.Mobile != nil {
		if err := t.freeNumber(p, c.Tenant, *c.Mobile, c.ID); err != nil {
			return err
		}
	}
	if err := t.updateUser(p, c.Tenant, c.ID, changes...); err != nil {
		return err
	}
	return t.kept(p, c.Tenant, c.ID, func(r userRow) string {
		switch {
		case c.Mobile != nil && !p.Spelling.means(r.Mobile, *c.Mobile):
			return p.Mobile
		case c.VerifiedAt != nil && !p.keeps(p.VerifiedAt, r.VerifiedAt, *c.VerifiedAt):
			return p.VerifiedAt
		case c.Disabled != nil && p.Disabled != "" && (r.Disabled != 0) != *c.Disabled:
			return p.Disabled
		}
		return ""
	})
}

func (t *tx) updateUser(p people, tenant, id string, changes ...assignment) error {
	statement, args := p.update(changes...)
	if statement == "" {
		return nil
	}
	key, err := p.id(id)
	if err != nil {
		return err
	}
	where, more, err := p.where(tenant, p.ID, key)
	if err != nil {
		return err
	}
	return t.later(nil, statement+where, append(args, more...)...)
}

func (t *tx) lockUser(p people, tenant, id string) (userRow, error) {
	key, err := p.id(id)
	if err != nil {
		return userRow{}, err
	}
	where, args, err := p.where(tenant, p.ID, key)
	if err != nil {
		return userRow{}, err
	}
	row, err := one[userRow](&t.statements, "SELECT "+p.columns()+" FROM "+p.table()+where+t.engine.forUpdate, args...)
	if err != nil && p.e.malformed(err) || err == nil && (row.ID != id || row.Tenant != tenant) {
		err = identity.ErrNotFound // no user has an id of another type than the column's
	}
	return row, err
}

// ReplacePassword implements [identity.Users].
func (s *Store) ReplacePassword(ctx context.Context, c identity.PasswordChange) error {
	return wrap("replace password", s.inTx(ctx, func(t *tx) error { return t.replacePassword(s.people(), c) }))
}

func (t *tx) replacePassword(p people, c identity.PasswordChange) error {
	row, err := t.lockUser(p, c.Tenant, c.UserID)
	if err != nil {
		return err
	}
	differs := row.PasswordHash != c.OldHash
	if c.Mobile != "" {
		differs = differs || !p.Spelling.means(row.Mobile, c.Mobile) || row.VerifiedAt == 0 || row.Disabled != 0
	}
	if differs {
		return identity.ErrConflict
	}
	changes := []assignment{p.assign(p.PasswordHash, c.NewHash)}
	if !c.ChangedAt.IsZero() {
		changes = append(changes, p.assignTime(p.PasswordChangedAt, millis(c.ChangedAt)))
	}
	if err := t.updateUser(p, c.Tenant, c.UserID, changes...); err != nil {
		return err
	}
	if err := t.kept(p, c.Tenant, c.UserID, func(r userRow) string {
		switch {
		case r.PasswordHash != c.NewHash:
			return p.PasswordHash
		case !c.ChangedAt.IsZero() && !p.keeps(p.PasswordChangedAt, r.PasswordChangedAt, c.ChangedAt):
			return p.PasswordChangedAt
		}
		return ""
	}); err != nil {
		return err
	}
	if c.KeepHistory > 0 {
		return t.remember(c)
	}
	return nil
}

// kept reads a row of the application's table back after a write. It fails the
// transaction if a column did not keep what was written, because it is too short, shifts
// times, or a trigger changed it. wrong names the first such column.
func (t *tx) kept(p people, tenant, id string, wrong func(userRow) string) error {
	if !p.own {
		return nil
	}
	row, err := t.lockUser(p, tenant, id)
	if errors.Is(err, identity.ErrNotFound) {
		return fmt.Errorf("the row is gone from table %s after the update; nothing was changed", p.Table)
	}
	if err != nil {
		return err
	}
	if column := wrong(row); column != "" {
		return fmt.Errorf("column %s of table %s did not keep the value that was written; nothing was changed (CheckUsers reports what does not fit)", column, p.Table)
	}
	return nil
}

// keeps reports whether a time was read back as it was written. Columns may round to
// whole seconds, but not shift by a time zone.
func (p people) keeps(column string, stored int64, written time.Time) bool {
	if column == "" {
		return true
	}
	diff := stored - millis(written)
	if p.Times == TimeMillis {
		return diff == 0
	}
	return diff > -1000 && diff < 1000 && (stored == 0) == written.IsZero()
}

type historyRow struct {
	Seq  int64  `bun:"seq"`
	Hash string `bun:"password_hash"`
}

// remember keeps the old hash. The user's row is locked, so no other transaction uses
// the next number of the history.
func (t *tx) remember(c identity.PasswordChange) error {
	rows, err := t.history(c.Tenant, c.UserID, c.KeepHistory)
	if err != nil {
		return err
	}
	next := int64(1)
	if len(rows) > 0 {
		next = rows[0].Seq + 1
	}
	if err := t.later(nil, "INSERT INTO rekey_password_history (tenant, user_id, seq, password_hash) VALUES ("+marks(4)+")",
		c.Tenant, c.UserID, next, c.OldHash); err != nil {
		return err
	}
	return t.later(nil, "DELETE FROM rekey_password_history WHERE tenant = ? AND user_id = ? AND seq <= ?",
		c.Tenant, c.UserID, next-int64(c.KeepHistory))
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

// wrap adds to an error what failed. Answers that identity.Storage defines stay as they
// are.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("bunstore: %s: %w", doing, err)
}
