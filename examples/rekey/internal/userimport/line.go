package userimport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// transaction is an import that uses one transaction.
type transaction struct {
	*Import
	store *bunstore.Store
}

// storeLine stores one line, or finds that it is already stored. It returns only errors
// of the database.
func (t transaction) storeLine(ctx context.Context, l *line) error {
	if t.repeats { // a failing INSERT costs more, and PostgreSQL logs each
		user, found, err := t.find(ctx, l)
		if err != nil || l.text != "" {
			return err
		}
		if found {
			return t.compare(ctx, l, user)
		}
	}
	err := t.Service.InsertUser(ctx, t.store, l.user)
	if err == nil {
		l.outcome = added
		return nil
	}
	if !errors.Is(err, identity.ErrAlreadyExists) {
		return err
	}
	user, found, err := t.find(ctx, l)
	switch {
	case err != nil || l.text != "":
		return err
	case !found:
		l.refuse("a user of another tenant has the id, or several users have the number")
		return nil
	}
	return t.compare(ctx, l, user)
}

// find returns the stored user that the line describes: by the id if there is one,
// otherwise by the number. It refuses a line whose number belongs to another user.
func (t transaction) find(ctx context.Context, l *line) (user identity.User, found bool, err error) {
	if l.says.ID != "" {
		user, err = t.store.UserByID(ctx, l.user.Tenant, l.says.ID)
		if !errors.Is(err, identity.ErrNotFound) {
			return user, err == nil, err
		}
	}
	user, err = t.store.UserByMobile(ctx, l.user.Tenant, l.user.Mobile)
	switch {
	case errors.Is(err, identity.ErrNotFound):
		return user, false, nil
	case err != nil:
		return user, false, err
	case l.says.ID != "":
		l.refuse("user %s has the number", user.ID)
		return user, false, nil
	}
	return user, true, nil
}

// difference holds the columns in which a line differs from the stored user.
type difference struct {
	names    []string // the columns' names, without the password's
	change   *identity.UserChange
	hash     bool // the hashes differ, and the stored one is not known to be newer
	password bool // the line's hash is known to be newer
}

func (d difference) String() string {
	names := d.names
	if d.hash {
		names = append(names[:len(names):len(names)], "password_hash")
	}
	return strings.Join(names, ", ")
}

// compare skips a stored user who equals the line. A user who differs is reported or,
// if the import updates, changed.
func (t transaction) compare(ctx context.Context, l *line, user identity.User) error {
	d := differenceOf(l, user)
	switch {
	case d.String() == "":
		l.outcome = stored
		return nil
	case t.Update && (d.change != nil || d.password):
		return t.update(ctx, l, user, d)
	}
	l.outcome, l.text = differs, fmt.Sprintf("the stored user %s differs in %s", user.ID, d)
	if t.Update {
		l.text += hashIsKept
	}
	return nil
}

const hashIsKept = "; the stored password_hash is kept, since no password_changed_at says that the line's is newer"

func differenceOf(l *line, user identity.User) (d difference) {
	change := identity.UserChange{Tenant: user.Tenant, ID: user.ID}
	at := l.says.VerifiedAt
	if user.Mobile != l.user.Mobile {
		d.names, d.change = append(d.names, "mobile"), &change
		change.Mobile, change.VerifiedAt = &l.user.Mobile, &time.Time{} // a new number is not verified
		if at != nil {
			change.VerifiedAt = at
		}
	}
	if at != nil && at.IsZero() != user.VerifiedAt.IsZero() {
		d.names, d.change, change.VerifiedAt = append(d.names, "verified"), &change, at
	}
	if is := l.says.Disabled; is != nil && *is != user.Disabled {
		d.names, d.change, change.Disabled = append(d.names, "disabled"), &change, is
	}
	// Two different hashes need not mean two passwords: a login replaces the hash of a
	// password by another hash of it, and after a reset the stored password is the newer
	// one. Only the time tells.
	if l.says.PasswordHash != user.PasswordHash {
		changed := l.says.PasswordChangedAt
		d.password = changed.Sub(user.PasswordChangedAt) > time.Second // some tables store whole seconds
		d.hash = d.password || changed.IsZero()
	}
	return d
}

func (t transaction) update(ctx context.Context, l *line, user identity.User, d difference) error {
	event := audit.Event{At: t.Service.Now(), Tenant: user.Tenant, UserID: user.ID}
	if d.change != nil {
		err := t.store.UpdateUser(ctx, *d.change)
		if errors.Is(err, identity.ErrAlreadyExists) {
			l.refuse("another user has the number that user %s would get", user.ID)
			return nil
		}
		if err != nil {
			return err
		}
		event.Type = audit.UserChanged
		if err := t.record(ctx, event); err != nil {
			return err
		}
	}
	if d.password {
		if err := t.store.ReplacePassword(ctx, identity.PasswordChange{
			Tenant: user.Tenant, UserID: user.ID, OldHash: user.PasswordHash, NewHash: l.says.PasswordHash,
			ChangedAt: l.says.PasswordChangedAt, KeepHistory: t.KeepHistory,
		}); err != nil {
			return err
		}
		event.Type, event.Outcome = audit.PasswordSet, "by an operator"
		if err := t.record(ctx, event); err != nil {
			return err
		}
	}
	kept := ""
	if d.hash && !d.password {
		d.hash, kept = false, hashIsKept
	}
	l.outcome, l.text = updated, fmt.Sprintf("user %s is updated: %s%s", user.ID, d, kept)
	return nil
}

func (t transaction) record(ctx context.Context, e audit.Event) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	e.ID = id.String()
	return t.store.AppendEvent(ctx, e, nil)
}

// ofRow reports whether the database refused this row because of its values, for
// example by a check constraint of an application's own table, and did not fail
// otherwise.
func ofRow(err error) bool {
	var state string
	var postgres interface{ SQLState() string }
	var sqlite interface{ Code() int }
	if errors.As(err, &postgres) {
		state = postgres.SQLState()
	} else if m, ok := errors.AsType[*mysql.MySQLError](err); ok {
		state = string(m.SQLState[:])
	} else if errors.As(err, &sqlite) && sqlite.Code()&0xff == 19 { // SQLITE_CONSTRAINT
		return true
	}
	return strings.HasPrefix(state, "22") || strings.HasPrefix(state, "23") // data, constraints
}
