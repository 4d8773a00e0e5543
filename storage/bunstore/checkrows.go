package bunstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/mobile"
)

// rowCounts counts what the rows of a table hold.
type rowCounts struct {
	mobiles, unreachable, unverified, noMobile int
	schemes                                    map[string]int // rows by scheme that cannot be verified
	numbers                                    map[string]int // rows by tenant and number
	times                                      map[string]*timeCounts
}

type timeCounts struct{ set, unreadable, future, seconds int }

// checkedRow is a row as CheckUsers reads it. Each time is read twice: whether there
// is a value, and the value.
type checkedRow struct {
	Tenant      string `bun:"tenant"`
	Mobile      string `bun:"mobile"`
	Hash        string `bun:"hash"`
	VerifiedSet int    `bun:"verified_set"`
	Verified    int64  `bun:"verified"`
	ChangedSet  int    `bun:"changed_set"`
	Changed     int64  `bun:"changed"`
	CreatedSet  int    `bun:"created_set"`
	Created     int64  `bun:"created"`
	VerifiedBad int    `bun:"verified_bad"`
	ChangedBad  int    `bun:"changed_bad"`
	CreatedBad  int    `bun:"created_bad"`
}

// checkColumnsSQL reads checkedRows.
func (p people) checkColumnsSQL() string {
	text := func(column string) string {
		if column == "" {
			return "''"
		}
		return "COALESCE(" + p.quoted(column) + ", '')"
	}
	parts := []string{text(p.Tenant) + " AS tenant", text(p.Mobile) + " AS mobile", text(p.PasswordHash) + " AS hash"}
	for _, c := range []struct{ column, as string }{{p.VerifiedAt, "verified"}, {p.PasswordChangedAt, "changed"}, {p.CreatedAt, "created"}} {
		set, value, bad := "0", "0", "0"
		if c.column != "" {
			name := p.quoted(c.column)
			set = "CASE WHEN " + name + " IS NULL THEN 0 ELSE 1 END"
			value = p.readTime(c.column)
			if p.e.name == dialect.SQLite { // where a column may hold anything
				is := "typeof(" + name + ") = 'integer'"
				if p.Times != TimeMillis {
					is = "typeof(" + name + ") = 'text' AND julianday(" + name + ") IS NOT NULL"
				}
				bad = "CASE WHEN " + name + " IS NULL OR " + is + " THEN 0 ELSE 1 END"
				value = "CASE WHEN " + is + " THEN " + value + " ELSE 0 END"
			}
		}
		parts = append(parts, set+" AS "+c.as+"_set", value+" AS "+c.as, bad+" AS "+c.as+"_bad")
	}
	return strings.Join(parts, ", ")
}

// checkRows reads at most that many rows and counts what does not fit.
func (s *Store) checkRows(ctx context.Context, p people, r *UsersReport, most int) error {
	where := ""
	if p.Where != "" {
		where = " WHERE (" + p.Where + ")"
	}
	rows, err := query[checkedRow](s.read(ctx), "SELECT "+p.checkColumnsSQL()+" FROM "+p.table()+where+" LIMIT ?", most+1)
	if err != nil {
		return err
	}
	r.Complete = len(rows) <= most
	rows = rows[:min(len(rows), most)]
	r.Rows = len(rows)
	c := &rowCounts{schemes: map[string]int{}, numbers: map[string]int{}, times: map[string]*timeCounts{}}
	now := time.Now()
	for _, row := range rows {
		c.count(p, row, now)
	}
	c.report(p, r)
	return nil
}

func (c *rowCounts) count(p people, row checkedRow, now time.Time) {
	c.time(p.VerifiedAt, row.VerifiedSet, row.Verified, row.VerifiedBad, now)
	c.time(p.PasswordChangedAt, row.ChangedSet, row.Changed, row.ChangedBad, now)
	c.time(p.CreatedAt, row.CreatedSet, row.Created, row.CreatedBad, now)
	if row.Hash != "" {
		if scheme, ok := identity.HashScheme(row.Hash); !ok {
			c.schemes[scheme]++
		}
	}
	if strings.TrimSpace(row.Mobile) == "" {
		c.noMobile++
		return
	}
	c.mobiles++
	if _, ok := p.Spelling.read(row.Mobile); !ok {
		c.unreachable++
	}
	if e164, err := mobile.Read(row.Mobile, p.Spelling.region); err == nil {
		c.numbers[row.Tenant+"\x00"+e164]++
	}
	if !p.EveryNumberIsVerified && (row.VerifiedSet == 0 || row.Verified == 0) {
		c.unverified++
	}
}

func (c *rowCounts) time(column string, set int, value int64, bad int, now time.Time) {
	if column == "" || set == 0 {
		return
	}
	t := c.times[column]
	if t == nil {
		t = &timeCounts{}
		c.times[column] = t
	}
	t.set++
	switch {
	case bad != 0:
		t.unreadable++
	case value > now.Add(10*time.Minute).UnixMilli() && value < now.Add(15*time.Hour).UnixMilli():
		t.future++ // more than a time zone ahead; "31 December 9999" is not counted
	case value > 100_000_000 && value < 100_000_000_000: // 1970 to 1973 in milliseconds, or today in seconds
		t.seconds++
	}
}

// report writes the findings. A fault of most rows means that a setting is wrong, and
// it breaks resets. A fault of some rows concerns these rows only.
func (c *rowCounts) report(p people, r *UsersReport) {
	most := func(n, of int) bool { return n > 0 && 2*n > of }
	if n := c.unreachable; n > 0 {
		hint := "rewrite them, or set Spelling"
		if p.Spelling.spellings != nil {
			hint = "rewrite them as " + p.Spelling.Write("+8613800138000") + " is written"
		}
		r.add(UsersUnreachable, most(n, c.mobiles), p.Mobile, n, "%d of %d numbers in column %s cannot be found, because they have a spelling that requests do not look for: these people get no code; %s", n, c.mobiles, p.Mobile, hint)
	}
	rows := 0
	for _, n := range c.numbers {
		if n > 1 {
			rows += n
		}
	}
	if rows > 0 {
		r.add(UsersDuplicate, false, p.Mobile, rows, "%d rows share their number with another row of the tenant: such a number gets no code", rows)
	}
	if n := c.unverified; n > 0 {
		r.add(UsersUnverified, false, p.VerifiedAt, n, "%d of %d numbers are not verified (column %s): these people get no code", n, c.mobiles, p.VerifiedAt)
	}
	for _, scheme := range slices.Sorted(maps.Keys(c.schemes)) {
		n := c.schemes[scheme]
		r.add(UsersScheme, false, p.PasswordHash, n, "%d hashes in column %s cannot be verified (%s): these people must reset their password before they can sign in", n, p.PasswordHash, scheme)
	}
	for _, column := range slices.Sorted(maps.Keys(c.times)) {
		t := c.times[column]
		if n := t.unreadable; n > 0 {
			r.add(UsersBadTime, most(n, t.set), column, n, "%d of %d values in column %s are not in the form that Times says: they count as missing", n, t.set, column)
		}
		if n := t.future; n > 0 {
			r.add(UsersShiftedTime, true, column, n, "%d of %d values in column %s lie in the future: it seems to hold local time, and is read as UTC", n, t.set, column)
		}
		if n := t.seconds; n > 0 {
			r.add(UsersBadTime, most(n, t.set), column, n, "%d of %d values in column %s lie before 1973: %s", n, t.set, column, secondsHint(p))
		}
	}
}

func secondsHint(p people) string {
	if p.Times == TimeMillis {
		return "it seems to hold seconds, and is read as milliseconds"
	}
	return fmt.Sprintf("the column seems to hold something other than times (Times is %d)", p.Times)
}
