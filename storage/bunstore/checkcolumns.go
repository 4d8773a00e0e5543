package bunstore

import (
	"slices"
	"strings"

	"github.com/uptrace/bun/dialect"
)

// defaultHashLength is the length of an argon2id hash at the default cost: 31
// characters of parameters, 22 of salt, 43 of hash, and a separator.
const defaultHashLength = 97

// mobileLength is the longest number in E.164, with its plus sign.
const mobileLength = 16

func (p people) column(columns []catalogueColumn, name string) (catalogueColumn, bool) {
	i := slices.IndexFunc(columns, func(c catalogueColumn) bool { return name != "" && p.e.sameName(c.Name, name) })
	if i < 0 {
		return catalogueColumn{}, false
	}
	return columns[i], true
}

// checkColumns checks that each column's type can hold what the store writes there.
func (p people) checkColumns(r *UsersReport, columns []catalogueColumn) {
	if c, ok := p.column(columns, p.PasswordHash); ok {
		want := p.HashLength
		if want == 0 {
			want = defaultHashLength
		}
		switch room := c.room(p.e); {
		case !c.holdsText(p.e):
			r.add(UsersColumnType, true, c.Name, 0, "column %s has the type %s, which cannot hold password hashes; make it VARCHAR(255)", c.Name, c.Type)
		case room > 0 && room < want:
			r.add(UsersShortColumn, true, c.Name, 0, "column %s (%s) is too short for password hashes of %d characters; make it VARCHAR(255), or set PasswordHasher and HashLength to a scheme with shorter hashes", c.Name, c.Type, want)
		}
	}
	if c, ok := p.column(columns, p.Mobile); ok {
		switch room := c.room(p.e); {
		case !c.holdsText(p.e):
			r.add(UsersColumnType, true, c.Name, 0, "column %s has the type %s, which cannot hold numbers with a plus sign or a leading zero; make it VARCHAR(20)", c.Name, c.Type)
		case room > 0 && room < mobileLength && p.Spelling.spellings == nil:
			r.add(UsersShortColumn, false, c.Name, 0, "column %s (%s) is too short for some numbers in E.164, which has up to 16 characters", c.Name, c.Type)
		}
	}
	if c, ok := p.column(columns, p.ID); ok && p.IDType == IDInteger && p.e.name != dialect.SQLite && !integerType.MatchString(c.Type) {
		r.add(UsersColumnType, true, c.Name, 0, "column %s has the type %s, and IDType says integer", c.Name, c.Type)
	}
	if c, ok := p.column(columns, p.Disabled); ok && p.e.name == dialect.PG && c.Type != "boolean" {
		r.add(UsersColumnType, false, c.Name, 0, "column %s has the type %s, which UpdateUser cannot write; it writes boolean", c.Name, c.Type)
	}
	for _, name := range p.times() {
		if c, ok := p.column(columns, name); ok {
			p.checkTimeColumn(r, c)
		}
	}
	ours := []string{p.ID, p.Mobile, p.PasswordHash, p.Tenant, p.VerifiedAt, p.PasswordChangedAt, p.Disabled, p.CreatedAt}
	var required []string
	for _, c := range columns {
		known := slices.ContainsFunc(ours, func(name string) bool { return p.e.sameName(name, c.Name) })
		if !known && c.NotNull != 0 && c.Filled == 0 && c.Generated == 0 {
			required = append(required, c.Name)
		}
		if c.Generated != 0 && (p.e.sameName(c.Name, p.PasswordHash) || p.e.sameName(c.Name, p.PasswordChangedAt)) {
			r.add(UsersReadOnly, true, c.Name, 0, "column %s is generated, and cannot be written", c.Name)
		}
	}
	if len(required) > 0 {
		r.add(UsersRequired, false, strings.Join(required, ", "), 0,
			"columns that need a value and have no default: %s; CreateUser cannot fill them, so create users with your own INSERT", strings.Join(required, ", "))
	}
	if c, ok := p.column(columns, p.PasswordChangedAt); ok && c.NotNull != 0 && c.Filled == 0 && p.Times != TimeMillis {
		r.add(UsersRequired, false, c.Name, 0, "column %s must not be NULL, and is written as NULL for a user whose password was never set", c.Name)
	}
}

func (p people) times() []string { return []string{p.VerifiedAt, p.PasswordChangedAt, p.CreatedAt} }

// checkTimeColumn refuses a type that would shift times or cannot hold them.
func (p people) checkTimeColumn(r *UsersReport, c catalogueColumn) {
	kind := strings.ToLower(c.Type)
	if p.Times == TimeMillis {
		if !c.holdsMillis(p.e) {
			r.add(UsersColumnType, true, c.Name, 0, "column %s has the type %s, and Times says milliseconds in an integer of 64 bits; set Times, or make it BIGINT", c.Name, c.Type)
		}
		return
	}
	const (
		zoned   = "timestamp with time zone"
		unzoned = "timestamp without time zone"
	)
	base := kind
	if before, rest, ok := strings.Cut(kind, "("); ok {
		_, after, _ := strings.Cut(rest, ")")
		base = before + after
	}
	switch p.e.name {
	case dialect.PG:
		switch {
		case base == unzoned && p.Times == TimeTimestamp:
			r.add(UsersShiftedTime, true, c.Name, 0, "column %s is a timestamp without time zone, which the session's time zone shifts; set Times to TimeUTC if it holds UTC, or make it timestamptz", c.Name)
		case base == zoned && p.Times == TimeUTC:
			r.add(UsersShiftedTime, true, c.Name, 0, "column %s is a timestamp with time zone, and Times says TimeUTC; set Times to TimeTimestamp", c.Name)
		case base != zoned && base != unzoned:
			r.add(UsersColumnType, true, c.Name, 0, "column %s has the type %s, and Times says timestamp", c.Name, c.Type)
		}
	case dialect.MySQL:
		if base != "datetime" && base != "timestamp" {
			r.add(UsersColumnType, true, c.Name, 0, "column %s has the type %s, and Times says DATETIME", c.Name, c.Type)
		} else if c.Name == p.PasswordChangedAt && !strings.Contains(kind, "(") {
			r.add(UsersColumnType, false, c.Name, 0, "column %s keeps whole seconds: a session of the same second as a reset may outlive it; make it %s(3)", c.Name, strings.ToUpper(base))
		}
	case dialect.SQLite:
		if integerType.MatchString(kind) || strings.Contains(kind, "real") {
			r.add(UsersColumnType, true, c.Name, 0, "column %s has the type %s, and Times says text", c.Name, c.Type)
		}
	}
}

// checkIndexes looks for a unique index that keeps a number from being stored twice.
func (p people) checkIndexes(r *UsersReport, columns []catalogueColumn, indexes []catalogueIndex) {
	indexed, unique := false, false
	for _, index := range indexes {
		names := strings.Split(index.Columns, ",")
		ours := func(name string) bool {
			return p.e.sameName(name, p.Mobile) || p.Tenant != "" && p.e.sameName(name, p.Tenant)
		}
		indexed = indexed || ours(names[0])
		// A partial index is accepted if Where selects rows too.
		if index.Unique != 0 && (index.Partial == 0 || p.Where != "") && !slices.ContainsFunc(names, func(name string) bool { return !ours(name) }) &&
			slices.ContainsFunc(names, func(name string) bool { return p.e.sameName(name, p.Mobile) }) {
			unique = true
		}
	}
	if unique || len(columns) == 0 {
		return
	}
	what := p.Mobile
	if p.Tenant != "" {
		what = p.Tenant + ", " + p.Mobile
	}
	also := ""
	if !indexed {
		also = " Without any index every request reads the whole table."
	}
	r.add(UsersNoIndex, false, p.Mobile, 0, "no unique index on (%s): a number can be stored twice, and then gets no code.%s", what, also)
}

// checkZones refuses columns that the session's time zone shifts.
func (p people) checkZones(t *statements, r *UsersReport, columns []catalogueColumn) error {
	if p.e.name != dialect.MySQL || p.Times == TimeMillis {
		return nil
	}
	type shift struct {
		Minutes int64 `bun:"minutes"`
	}
	for _, name := range p.times() {
		c, ok := p.column(columns, name)
		if !ok || !strings.HasPrefix(strings.ToLower(c.Type), "timestamp") {
			continue
		}
		// Both a summer and a winter instant are converted, because a zone may equal UTC
		// in one of them only.
		shifts, err := query[shift](t, "SELECT TIMESTAMPDIFF(MINUTE, '1970-01-01', FROM_UNIXTIME(1705276800)) - 28421280 AS minutes "+
			"UNION SELECT TIMESTAMPDIFF(MINUTE, '1970-01-01', FROM_UNIXTIME(1721001600)) - 28683360")
		if err != nil {
			return err
		}
		for _, s := range shifts {
			if s.Minutes != 0 {
				r.add(UsersShiftedTime, true, c.Name, 0, "column %s is a TIMESTAMP, which the session's time zone shifts by %d minutes; connect with time_zone='+00:00', or make it DATETIME(3) holding UTC", c.Name, s.Minutes)
				break
			}
		}
	}
	return nil
}

// checkWrites asks the server whether it would accept the update of a reset. SQLite is
// not asked: it has no privileges, and the question would wait for its one writer.
func (p people) checkWrites(t *statements, r *UsersReport) {
	if p.e.name == dialect.SQLite {
		return
	}
	hash, changed := p.quoted(p.PasswordHash), p.quoted(p.PasswordChangedAt)
	if _, err := t.exec("UPDATE " + p.table() + " SET " + hash + " = " + hash + ", " + changed + " = " + changed + " WHERE 1 = 0"); err != nil {
		r.add(UsersReadOnly, true, "", 0, "a reset could not write the table: %v", err)
	}
}
