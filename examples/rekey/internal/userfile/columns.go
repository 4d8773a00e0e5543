package userfile

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// User is one line of a file. A field that the line leaves out is zero or nil.
type User struct {
	Mobile            string // in any spelling; never empty
	PasswordHash      string // never empty
	ID                string
	Tenant            string
	VerifiedAt        *time.Time // the zero time: not verified
	Disabled          *bool
	PasswordChangedAt time.Time
}

// Explanation describes the columns, for help.
const Explanation = "mobile and password_hash, which are required; id; tenant; " +
	"verified, which is whether the person has proved to hold the number (true, false, or the time of it); disabled (true or false); " +
	"password_changed_at. Times are like 2026-12-31T08:00:00Z"

// column is one column of the file.
type column struct {
	name string
	set  func(u *User, value string, now time.Time) error
}

var columns = []column{
	{"mobile", func(u *User, value string, _ time.Time) error { u.Mobile = value; return nil }},
	{"password_hash", func(u *User, value string, _ time.Time) error { u.PasswordHash = value; return nil }},
	{"id", func(u *User, value string, _ time.Time) error { u.ID = value; return nil }},
	{"tenant", func(u *User, value string, _ time.Time) error { u.Tenant = value; return nil }},
	{"verified", func(u *User, value string, now time.Time) error {
		if is, err := parseBool(value); err == nil {
			u.VerifiedAt = new(time.Time)
			if is {
				u.VerifiedAt = &now
			}
			return nil
		}
		at, err := parseTime(value, now)
		u.VerifiedAt = &at
		if errors.Is(err, errNoTime) {
			return errors.New("is neither true nor false, nor a time such as 2026-12-31T08:00:00Z")
		}
		return err
	}},
	{"disabled", func(u *User, value string, _ time.Time) error {
		is, err := parseBool(value)
		u.Disabled = &is
		return err
	}},
	{"password_changed_at", func(u *User, value string, now time.Time) (err error) {
		u.PasswordChangedAt, err = parseTime(value, now)
		return err
	}},
}

func columnOf(name string) (column, bool) {
	for _, c := range columns {
		if c.name == name {
			return c, true
		}
	}
	return column{}, false
}

func columnNames() string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

func parseBool(s string) (bool, error) {
	is, err := strconv.ParseBool(strings.ToLower(s)) // also t and f, which PostgreSQL writes, and 1 and 0
	if err != nil {
		return false, errors.New("is neither true nor false")
	}
	return is, nil
}

var errNoTime = errors.New("is not a time such as 2026-12-31T08:00:00Z")

// parseTime parses a time, which must be in the past.
func parseTime(s string, now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, s)
	switch {
	case err != nil:
		return time.Time{}, errNoTime
	case at.After(now) || at.Unix() <= 0:
		return time.Time{}, errors.New("is not between 1970 and now")
	}
	return at.UTC(), nil
}
