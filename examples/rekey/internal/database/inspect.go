package database

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// Report is called with each thing that was checked, and its fault or nil.
type Report func(what, detail string, err error)

// Inspect checks a database and its secret as they are. It makes nothing and sends
// nothing. It reports each thing that it checked, and its fault. Problems that do not
// keep the server from serving go to warn, each as a sentence.
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

// inspect opens an existing database. The store is nil if the database cannot be
// opened. If it can be opened but this version cannot use it, inspect returns both the
// store and an error.
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

// UsersChecker is a store that can check its table of users.
type UsersChecker interface {
	CheckUsers(ctx context.Context) (bunstore.UsersReport, error)
}

// InspectUsers reports what is wrong with the table of users: a problem that breaks
// resets is a fault, any other a warning.
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
		warn(fmt.Sprintf("users: only the first %d rows were checked", r.Rows))
	}
}
