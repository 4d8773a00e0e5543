package bunstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A UsersReport says how an application's table fits its [UsersTable]. It holds
// counts, and no numbers, hashes or other data of people.
type UsersReport struct {
	Rows     int  // how many people were read
	Complete bool // whether these were all
	Findings []UsersFinding
}

// UsersFinding is one thing that does not fit.
type UsersFinding struct {
	Kind   UsersFault
	Column string // empty if the finding concerns the whole table
	Count  int    // how many of the rows read; 0 if the finding concerns the column
	// Breaks says that resets fail, or that people who should get a code do not.
	// [Store.Check] then returns it as an error. Anything else is a warning.
	Breaks  bool
	Problem string // a sentence, with what to do
}

// UsersFault is the kind of a finding.
type UsersFault string

// The kinds of findings.
const (
	UsersUnreachable UsersFault = "numbers unreachable"     // numbers that no request can find
	UsersDuplicate   UsersFault = "numbers duplicate"       // one number in several rows, in the same or different spellings
	UsersUnverified  UsersFault = "numbers unverified"      // numbers that may not reset
	UsersNoIndex     UsersFault = "no unique index"         // nothing keeps a number from being stored twice
	UsersShortColumn UsersFault = "column too short"        // for hashes or numbers
	UsersColumnType  UsersFault = "column type"             // a type that cannot keep what the column is for
	UsersShiftedTime UsersFault = "times shifted"           // times that a time zone shifts when they are read or written
	UsersBadTime     UsersFault = "times unreadable"        // times in another form than Times says
	UsersScheme      UsersFault = "hashes unsupported"      // people who cannot sign in with their old password
	UsersRequired    UsersFault = "columns required"        // columns that CreateUser does not fill
	UsersReadOnly    UsersFault = "table not to be written" // the privilege is missing, or the table is a view
)

// Err returns the findings that break resets as one error, or nil.
func (r UsersReport) Err() error {
	var errs []error
	for _, f := range r.Findings {
		if f.Breaks {
			errs = append(errs, errors.New(f.Problem))
		}
	}
	return errors.Join(errs...)
}

// String is a line for each finding, those that break resets first.
func (r UsersReport) String() string {
	var lines []string
	for _, breaks := range []bool{true, false} {
		for _, f := range r.Findings {
			if f.Breaks == breaks {
				lines = append(lines, map[bool]string{true: "error: ", false: "warning: "}[breaks]+f.Problem)
			}
		}
	}
	return strings.Join(lines, "\n")
}

func (r *UsersReport) add(kind UsersFault, breaks bool, column string, count int, format string, args ...any) {
	r.Findings = append(r.Findings, UsersFinding{Kind: kind, Column: column, Count: count, Breaks: breaks, Problem: fmt.Sprintf(format, args...)})
}

// The limits say how many rows CheckUsers and Check read.
const (
	mostRowsRead = 100_000
	rowsSampled  = 200
)

// CheckUsers reads the database's catalogue and at most 100,000 rows of the
// application's table of people, and reports what does not fit. Run it before the
// first reset, and after every change of the table; it takes seconds. Without
// [WithUsers] there is nothing to report.
//
// Errors: a missing table or column, and failures of the database.
func (s *Store) CheckUsers(ctx context.Context) (UsersReport, error) {
	return s.reportUsers(ctx, mostRowsRead)
}

func (s *Store) reportUsers(ctx context.Context, most int) (r UsersReport, err error) {
	if !s.ownUsers {
		return UsersReport{Complete: true}, nil
	}
	p, t := s.people(), s.read(ctx)
	columns, indexes, err := t.catalogue(p.Table)
	if err != nil {
		return r, wrap("users table "+p.Table, err)
	}
	if p.checkColumns(&r, columns); r.Err() != nil && slices.ContainsFunc(r.Findings, func(f UsersFinding) bool { return f.Kind == UsersColumnType && f.Breaks }) {
		return r, nil // with columns of another type, the rows cannot be read
	}
	if _, err := query[userRow](t, "SELECT "+p.columns()+" FROM "+p.table()+" WHERE 1 = 0"); err != nil {
		return r, wrap("users table "+p.Table, err)
	}
	p.checkIndexes(&r, columns, indexes)
	if err := p.checkZones(t, &r, columns); err != nil {
		return r, wrap("users table "+p.Table, err)
	}
	p.checkWrites(t, &r)
	if err := s.checkRows(ctx, p, &r, most); err != nil {
		return r, wrap("users table "+p.Table, err)
	}
	return r, nil
}

// checkUsers returns the findings that would break a reset.
func (s *Store) checkUsers(ctx context.Context) error {
	r, err := s.reportUsers(ctx, rowsSampled)
	if err == nil {
		err = wrap("users table "+s.users.Table, r.Err())
	}
	return err
}
