package bunstore

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
)

// Option changes what [New] does by default.
type Option func(*Store) error

// WithUsers makes the store use an existing table of people instead of Rekey's, in the
// same transactions and without further code. [Store.Migrate] then makes no table of
// users.
func WithUsers(t UsersTable) Option {
	return func(s *Store) error {
		if err := t.check(); err != nil {
			return err
		}
		s.users, s.ownUsers = t, true
		return nil
	}
}

// IDType is the type of a table's id column.
type IDType int

// The types of ids.
const (
	IDText    IDType = iota // character types, and UUIDs kept as text
	IDInteger               // integer types
	IDUUID                  // PostgreSQL's uuid; elsewhere as IDText
)

// TimeType is how a table stores times.
type TimeType int

// The types of times. In every one of them NULL is the zero time.
const (
	// TimeMillis is an integer type, in milliseconds since the Unix epoch.
	TimeMillis TimeType = iota
	// TimeTimestamp is timestamptz in PostgreSQL, DATETIME(3) holding UTC in MySQL
	// and MariaDB, and text such as "2006-01-02 15:04:05.000" in UTC in SQLite.
	TimeTimestamp
	// TimeUTC is timestamp without time zone in PostgreSQL, holding UTC. In the other
	// engines it is the same as TimeTimestamp.
	TimeUTC
)

// UsersTable describes an existing table of people. Names may have letters, digits and
// underscores; they are quoted.
//
// The table should have a unique index on the number (and the tenant). If two rows hold
// the same number, in the same or different spellings, the number counts as unknown: a
// code sent to it must not open the account that happens to be found first.
// [Store.CheckUsers] reports such rows and everything else that does not fit.
type UsersTable struct {
	Table string // required; "schema.table" names another schema

	ID           string // required
	IDType       IDType
	Mobile       string // required; see Spelling
	PasswordHash string // required; see HashLength; NULL or empty: no password yet

	// Spelling is how the numbers are written. Default E.164, "+8612345678901";
	// [National] for local numbers such as "12345678901".
	Spelling Spelling
	// HashLength is the length of the longest hash that will be written, in
	// characters. Default 97, which is argon2id at the default cost; 60 for bcrypt.
	// [Store.Check] refuses a column with less room.
	HashLength int

	// Tenant is the column of the tenant. Empty: all people are of the tenant "".
	Tenant string
	// VerifiedAt is the column with the time at which the person proved to hold the
	// number. Empty: see EveryNumberIsVerified.
	VerifiedAt string
	// EveryNumberIsVerified lets every stored number reset its password. Set it only if a
	// number enters the table after a code was received there. Otherwise an attacker who
	// stores another person's number takes over that person's account. Exactly one of
	// EveryNumberIsVerified and VerifiedAt is required.
	EveryNumberIsVerified bool
	// PasswordChangedAt is the column with the time at which the password was last set.
	// Required, so that the application can end older sessions.
	PasswordChangedAt string
	// Disabled is the column that marks disabled users: boolean on PostgreSQL, an integer
	// on the other engines. Empty: no user is disabled.
	Disabled string
	// CreatedAt is the column with the time at which the row was made. Empty: not known.
	CreatedAt string
	// Times is the type of the columns of times.
	Times TimeType

	// Where is an SQL condition that a row must meet to count as a person, such as
	// "deleted_at IS NULL". It becomes part of statements: never build it from input.
	Where string
}

// rekeyUsers describes Rekey's own table of users.
var rekeyUsers = UsersTable{
	Table: "rekey_users", ID: "id", Mobile: "mobile", PasswordHash: "password_hash", Tenant: "tenant", VerifiedAt: "verified_at",
	PasswordChangedAt: "password_changed_at", Disabled: "disabled", CreatedAt: "created_at",
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// check returns all faults together.
func (t UsersTable) check() error {
	var faults []error
	name := func(field, value string, required bool) {
		switch {
		case value == "" && required:
			faults = append(faults, fmt.Errorf("%s is required", field))
		case value != "" && !identifier.MatchString(value):
			faults = append(faults, fmt.Errorf("%s %q is not a name of letters, digits and underscores", field, value))
		}
	}
	schema, table, qualified := strings.Cut(t.Table, ".")
	if !qualified {
		schema, table = "", t.Table
	}
	name("Table", schema, false)
	name("Table", table, true)
	name("ID", t.ID, true)
	name("Mobile", t.Mobile, true)
	name("PasswordHash", t.PasswordHash, true)
	name("PasswordChangedAt", t.PasswordChangedAt, true)
	name("Tenant", t.Tenant, false)
	name("VerifiedAt", t.VerifiedAt, false)
	name("Disabled", t.Disabled, false)
	name("CreatedAt", t.CreatedAt, false)
	if (t.VerifiedAt == "") == !t.EveryNumberIsVerified {
		faults = append(faults, errors.New("exactly one of VerifiedAt and EveryNumberIsVerified is required"))
	}
	if t.IDType < IDText || t.IDType > IDUUID {
		faults = append(faults, errors.New("invalid IDType"))
	}
	if t.HashLength < 0 {
		faults = append(faults, errors.New("HashLength is negative"))
	}
	if err := t.Spelling.fault(); err != nil {
		faults = append(faults, err)
	}
	if t.Times < TimeMillis || t.Times > TimeUTC {
		faults = append(faults, errors.New("invalid Times"))
	}
	if strings.Contains(t.Where, "?") {
		faults = append(faults, errors.New("invalid Where: it contains a question mark, which stands for a value"))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("bunstore: users table: %w", err)
	}
	return nil
}

// people writes the SQL for a table of users on one engine.
type people struct {
	UsersTable
	e   engine
	own bool // the application's table
}

func (p people) quoted(name string) string {
	if p.e.name == dialect.PG {
		return `"` + name + `"`
	}
	return "`" + name + "`" // SQLite reads "name" as a text if the column does not exist
}

func (p people) table() string {
	parts := strings.Split(p.Table, ".")
	for i, part := range parts {
		parts[i] = p.quoted(part)
	}
	return strings.Join(parts, ".")
}

// columns returns the expressions that read a userRow from columns of any names and
// types.
func (p people) columns() string {
	as := func(expression, name string) string { return expression + " AS " + name }
	text := func(column string) string {
		if column == "" {
			return "''"
		}
		return "COALESCE(" + p.quoted(column) + ", '')"
	}
	verified := p.readTime(p.VerifiedAt)
	if p.EveryNumberIsVerified {
		verified = "1"
	}
	disabled := "0"
	if p.Disabled != "" {
		disabled = "COALESCE(CAST(" + p.quoted(p.Disabled) + " AS " + p.e.integer + "), 0)"
	}
	return strings.Join([]string{
		as("CAST("+p.quoted(p.ID)+" AS "+p.e.castText+")", "id"), as(text(p.Tenant), "tenant"), as(text(p.Mobile), "mobile"),
		as(verified, "verified_at"), as(text(p.PasswordHash), "password_hash"), as(p.readTime(p.PasswordChangedAt), "password_changed_at"),
		as(disabled, "disabled"), as(p.readTime(p.CreatedAt), "created_at"),
	}, ", ")
}

func (p people) readTime(column string) string {
	switch {
	case column == "":
		return "0"
	case p.Times != TimeMillis:
		return "COALESCE(" + p.e.fromTimestamp(p.quoted(column)) + ", 0)"
	}
	return "COALESCE(" + p.quoted(column) + ", 0)"
}

// timeMark returns the placeholder for a time, and its value.
func (p people) timeMark(ms int64) (mark string, value any) {
	switch {
	case p.Times == TimeMillis:
		return "?", ms
	case ms == 0:
		return "NULL", nil
	case p.Times == TimeUTC:
		return p.e.toTimestamp + p.e.withoutZone, ms
	}
	return p.e.toTimestamp, ms
}

// id returns the value of an id, or ErrNotFound for an id of another type than the
// column's, which no row can have.
func (p people) id(id string) (any, error) {
	if p.IDType != IDInteger {
		return id, nil
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != id {
		return nil, identity.ErrNotFound
	}
	return n, nil
}

// where returns the condition that selects rows by a column and a tenant. A tenant that
// the table does not know has no rows.
func (p people) where(tenant string, column string, values ...any) (condition string, args []any, err error) {
	conditions, args := []string{p.quoted(column) + " = ?"}, values
	if len(values) > 1 {
		args = padded(values)
		conditions[0] = p.quoted(column) + " IN (" + marks(len(args)) + ")"
	}
	switch {
	case p.Tenant != "":
		conditions, args = append(conditions, p.quoted(p.Tenant)+" = ?"), append(args, tenant)
	case tenant != "":
		return "", nil, identity.ErrNotFound
	}
	if p.Where != "" {
		conditions = append(conditions, "("+p.Where+")")
	}
	return " WHERE " + strings.Join(conditions, " AND "), args, nil
}

// after returns the condition that selects the people of a tenant with a greater id.
// The empty id is less than all others.
func (p people) after(tenant, id string) (condition string, args []any, err error) {
	conditions := []string{"1 = 1"}
	if id != "" || !p.own { // so that SQLite reads from there on
		key, err := p.id(id)
		if err != nil {
			return "", nil, err
		}
		conditions, args = append(conditions, p.quoted(p.ID)+" > ?"), append(args, key)
	}
	switch {
	case p.Tenant != "":
		filter := p.e.filter
		if p.own { // whose column may be of a type that a text is converted to
			filter = ""
		}
		conditions, args = append(conditions, filter+p.quoted(p.Tenant)+" = ?"), append(args, tenant)
	case tenant != "":
		return "", nil, identity.ErrNotFound
	}
	if p.Where != "" {
		conditions = append(conditions, "("+p.Where+")")
	}
	return " WHERE " + strings.Join(conditions, " AND "), args, nil
}

// assignment is one column of an INSERT or UPDATE.
type assignment struct {
	column, mark string
	value        any
}

func (p people) assign(column string, value any) assignment { return assignment{column, "?", value} }

func (p people) assignTime(column string, ms int64) assignment {
	mark, value := p.timeMark(ms)
	return assignment{column, mark, value}
}

func (p people) assignDisabled(disabled bool) assignment {
	if p.own && p.e.name == dialect.PG {
		return assignment{p.Disabled, "?", disabled}
	}
	return assignment{p.Disabled, "?", flag(disabled)}
}

// known returns the assignments to columns that the table has.
func known(all []assignment) []assignment {
	return slices.DeleteFunc(all, func(a assignment) bool { return a.column == "" })
}

func (p people) insert(all ...assignment) (statement string, args []any) {
	var columns, marks []string
	for _, a := range known(all) {
		columns, marks = append(columns, p.quoted(a.column)), append(marks, a.mark)
		if a.mark != "NULL" {
			args = append(args, a.value)
		}
	}
	return "INSERT INTO " + p.table() + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")", args
}

// update returns an UPDATE, or no statement if there is nothing to change.
func (p people) update(all ...assignment) (statement string, args []any) {
	var set []string
	for _, a := range known(all) {
		set = append(set, p.quoted(a.column)+" = "+a.mark)
		if a.mark != "NULL" {
			args = append(args, a.value)
		}
	}
	if len(set) == 0 {
		return "", nil
	}
	return "UPDATE " + p.table() + " SET " + strings.Join(set, ", "), args
}

// spelled returns the texts under which a number may be stored.
func (p people) spelled(mobile string) []any {
	var texts []any
	for _, text := range p.Spelling.all(mobile) {
		texts = append(texts, text)
	}
	return texts
}

func (s *Store) people() people { return people{s.users, s.engine, s.ownUsers} }
