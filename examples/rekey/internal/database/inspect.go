package database

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// Report gets what was looked at, and what is wrong with it, or nil.
type Report func(what, detail string, err error)

// Inspect checks a database and its secret as they are, makes nothing, and sends
// nothing. Each fault comes with what was looked at; warn gets, in a sentence, what
// does not keep the server from serving.
func (d *Database) Inspect(ctx context.Context, report Report, warn func(string)) {
	s, err := d.inspect(ctx)
	report("database", Displayed(d.Address), err)
	found, secretErr := d.find()
	if secretErr == nil && found.missing != "" {
		secretErr = fmt.Errorf("secret file %s does not exist", found.missing)
	}
	report("secret", found.place, secretErr)
	if s == nil {
		return
	}
	defer func() { _ = s.DB().Close() }()
	if err == nil {
		used, err := d.inUse(ctx, s)
		detail := "has users"
		switch {
		case d.users != "":
			detail = "in the table of " + d.users
		case !used:
			detail = "has no users yet"
		}
		report("users", detail, err)
	}
	InspectUsers(ctx, s, report, warn)
}

// inspect opens a database that exists. The store is nil if it cannot be opened, and
// comes with an error if it can but is not as this version needs it.
func (d *Database) inspect(ctx context.Context) (Store, error) {
	if err := d.MustExist(); err != nil {
		return nil, err
	}
	s, err := d.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return s, d.explain(s.Check(ctx))
}

// UsersChecker is a store that knows how the table of users fits.
type UsersChecker interface {
	CheckUsers(ctx context.Context) (bunstore.UsersReport, error)
}

// InspectUsers reports what does not fit in the table of users: what breaks resets as
// faults, the rest as warnings.
func InspectUsers(ctx context.Context, s UsersChecker, report Report, warn func(string)) {
	const what = "users"
	r, err := s.CheckUsers(ctx)
	if err != nil {
		report(what, "", err)
		return
	}
	for _, f := range r.Findings {
		if f.Breaks {
			report(what, "", errors.New(f.Problem))
		} else {
			warn("users: " + f.Problem)
		}
	}
	if !r.Complete {
		warn(fmt.Sprintf("users: only the first %d rows were looked at", r.Rows))
	}
}
