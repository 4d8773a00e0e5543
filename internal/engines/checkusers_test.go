package engines_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// misfit is a table that does not fit, and what the report must contain.
type misfit struct {
	name    string
	only    []dialect.Name // all engines if empty
	columns string         // after the id
	rows    []string       // values after the id
	change  func(*bunstore.UsersTable)
	kind    bunstore.UsersFault
	count   int
	breaks  bool
}

const (
	goodHash = "'$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'"
	standard = "phone VARCHAR(32) UNIQUE, hash VARCHAR(255), changed BIGINT, verified BIGINT"
)

func row(phone string) string {
	return fmt.Sprintf("'%s', %s, 1700000000000, 1700000000000", phone, goodHash)
}

var (
	onServers = []dialect.Name{dialect.PG, dialect.MySQL}
	onPG      = []dialect.Name{dialect.PG}
	onMySQL   = []dialect.Name{dialect.MySQL}
	onSQLite  = []dialect.Name{dialect.SQLite}
)

func timestamps(u *bunstore.UsersTable) { u.Times = bunstore.TimeTimestamp }
func utc(u *bunstore.UsersTable)        { u.Times = bunstore.TimeUTC }
func e164(u *bunstore.UsersTable)       { u.Spelling = bunstore.Spelling{} }

var misfits = []misfit{
	{name: "local numbers without Spelling", columns: standard, rows: []string{row("13800138001"), row("13800138002"), row("+8613800138003")}, change: e164, kind: bunstore.UsersUnreachable, count: 2, breaks: true},
	{name: "one odd number of many", columns: standard, rows: []string{row("13800138001"), row("13800138002"), row("1380 0138 003")}, kind: bunstore.UsersUnreachable, count: 1},
	{name: "one number in two spellings", columns: standard, rows: []string{row("13800138001"), row("138-0013-8001"), row("13800138003")}, kind: bunstore.UsersDuplicate, count: 2},
	{name: "one number twice", columns: strings.Replace(standard, " UNIQUE", "", 1), rows: []string{row("13800138001"), row("13800138001")}, kind: bunstore.UsersDuplicate, count: 2},
	{name: "no unique index", columns: strings.Replace(standard, " UNIQUE", "", 1), kind: bunstore.UsersNoIndex},
	{name: "unique with another column", columns: strings.Replace(standard, " UNIQUE", "", 1) + ", UNIQUE (phone, changed)", kind: bunstore.UsersNoIndex},
	{name: "short hash column", only: onServers, columns: strings.Replace(standard, "255", "60", 1), kind: bunstore.UsersShortColumn, breaks: true},
	{name: "hash column of one less", only: onServers, columns: strings.Replace(standard, "255", "96", 1), kind: bunstore.UsersShortColumn, breaks: true},
	{name: "numbers in an integer", columns: strings.Replace(standard, "VARCHAR(32)", "BIGINT", 1), kind: bunstore.UsersColumnType, breaks: true},
	{name: "seconds", columns: standard, rows: []string{strings.ReplaceAll(row("13800138001"), "1700000000000", "1700000000")}, kind: bunstore.UsersBadTime, count: 1, breaks: true},
	{name: "seconds in 32 bits", only: onServers, columns: strings.Replace(standard, "changed BIGINT", "changed INTEGER", 1), kind: bunstore.UsersColumnType, breaks: true},
	{name: "timestamps for milliseconds", only: onPG, columns: strings.ReplaceAll(standard, "BIGINT", "TIMESTAMPTZ"), kind: bunstore.UsersColumnType, breaks: true},
	{name: "timestamp without time zone", only: onPG, columns: strings.ReplaceAll(standard, "BIGINT", "TIMESTAMP"), change: timestamps, kind: bunstore.UsersShiftedTime, breaks: true},
	{name: "timestamp(3) without time zone", only: onPG, columns: strings.ReplaceAll(standard, "BIGINT", "TIMESTAMP(3)"), change: timestamps, kind: bunstore.UsersShiftedTime, breaks: true},
	{name: "timestamp with time zone, said to be without", only: onPG, columns: strings.ReplaceAll(standard, "BIGINT", "TIMESTAMPTZ"), change: utc, kind: bunstore.UsersShiftedTime, breaks: true},
	{name: "date", only: onServers, columns: strings.ReplaceAll(standard, "BIGINT", "DATE"), change: timestamps, kind: bunstore.UsersColumnType, breaks: true},
	{name: "whole seconds", only: onMySQL, columns: strings.ReplaceAll(standard, "BIGINT", "DATETIME"), change: timestamps, kind: bunstore.UsersColumnType},
	{name: "texts of Go", only: onSQLite, columns: strings.ReplaceAll(standard, "BIGINT", "TEXT"), rows: []string{"'13800138001', '', NULL, '2024-02-29 12:00:00 +0800 CST m=+0.1'"}, change: timestamps, kind: bunstore.UsersBadTime, count: 1, breaks: true},
	{name: "texts in a column of milliseconds", only: onSQLite, columns: standard, rows: []string{"'13800138001', '', NULL, '2024-02-29 12:00:00'"}, kind: bunstore.UsersBadTime, count: 1, breaks: true},
	{name: "integers in a column of texts", only: onSQLite, columns: strings.ReplaceAll(standard, "BIGINT", "DATETIME"), rows: []string{"'13800138001', '', NULL, 1700000000"}, change: timestamps, kind: bunstore.UsersBadTime, count: 1, breaks: true},
	{name: "unsupported hashes", columns: standard, rows: []string{"'13800138001', '5f4dcc3b5aa765d61d8327deb882cf99', NULL, 1", "'13800138002', 'e10adc3949ba59abbe56e057f20f883e', NULL, 1"}, kind: bunstore.UsersScheme, count: 2},
	{name: "hashes that hide nothing", columns: standard, rows: []string{"'13800138001', '{noop}violet-Harbor-93', NULL, 1"}, kind: bunstore.UsersScheme, count: 1},
	{name: "column that must be given", columns: standard + ", nickname VARCHAR(20) NOT NULL", kind: bunstore.UsersRequired},
	{name: "never verified", columns: standard, rows: []string{"'13800138001', '', NULL, NULL", "'13800138002', '', NULL, 1"}, kind: bunstore.UsersUnverified, count: 1},
}

// Each kind of misfit is reported with counts, and without any person's data. Check and
// Migrate return an error for each misfit that breaks resets.
func TestMisfitsAreReported(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		if err := store(t, db).Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, m := range misfits {
			if len(m.only) > 0 && !slices.Contains(m.only, db.Dialect().Name()) {
				continue
			}
			exec(t, db, "CREATE TABLE people (id BIGINT PRIMARY KEY, "+m.columns+")")
			for i, values := range m.rows {
				exec(t, db, fmt.Sprintf("INSERT INTO people VALUES (%d, %s)", i+1, values))
			}
			table := localTableNames
			table.IDType, table.Spelling = bunstore.IDInteger, bunstore.National("CN")
			if m.change != nil {
				m.change(&table)
			}
			s, err := bunstore.New(db, bunstore.WithUsers(table))
			if err != nil {
				t.Fatal(err)
			}
			report, err := s.CheckUsers(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", m.name, err)
			}
			i := slices.IndexFunc(report.Findings, func(f bunstore.UsersFinding) bool {
				return f.Kind == m.kind && f.Count == m.count && f.Breaks == m.breaks
			})
			if i < 0 || !(m.kind == bunstore.UsersColumnType && m.breaks) && report.Rows != len(m.rows) {
				t.Errorf("%s: no such finding among %d rows:\n%s", m.name, report.Rows, report)
			}
			if said := report.String(); strings.Contains(said, "138") && !strings.Contains(said, "13800138000") || strings.Contains(said, "5f4dcc") || strings.Contains(said, "violet") {
				t.Errorf("%s: the report contains a person's data: %s", m.name, said)
			}
			err = s.Check(t.Context())
			if (err != nil) != m.breaks || err != nil && !strings.Contains(err.Error(), "people") {
				t.Errorf("%s: Check: %v", m.name, err)
			}
			if err := s.Migrate(t.Context()); (err != nil) != m.breaks {
				t.Errorf("%s: Migrate: %v", m.name, err)
			}
			exec(t, db, "DROP TABLE people")
		}
	})
}

// For a table that fits, the report is empty.
func TestFittingTableGivesEmptyReport(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		for name, columns := range map[string]string{
			"by column": standard + ", note VARCHAR(20) NOT NULL DEFAULT '', balance INTEGER",
			"by index":  strings.Replace(standard, " UNIQUE", "", 1) + ", UNIQUE (phone)",
		} {
			exec(t, db, "CREATE TABLE people (id BIGINT PRIMARY KEY, "+columns+")")
			exec(t, db, "INSERT INTO people (id, phone, hash, changed, verified) VALUES (1, "+row("13800138001")+"), (2, "+row("+4915112345678")+"), (3, NULL, NULL, NULL, NULL), (4, NULL, '', NULL, NULL)")
			table := localTableNames
			table.IDType, table.Spelling = bunstore.IDInteger, bunstore.National("CN")
			s := storeWith(t, db, table)
			report, err := s.CheckUsers(t.Context())
			if err != nil || len(report.Findings) > 0 || report.Rows != 4 || report.Err() != nil {
				t.Errorf("%s: %v, %d rows: %s", name, err, report.Rows, report)
			}
			exec(t, db, "DROP TABLE people")
		}
		own := migrated(t, fresh(t))
		if report, err := own.CheckUsers(t.Context()); err != nil || len(report.Findings) > 0 {
			t.Errorf("Rekey's own table: %v, %s", err, report)
		}
	})
}

// A table whose local times are ahead of UTC is reported.
func TestLocalTimesAreReported(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		at := map[dialect.Name]string{dialect.SQLite: "TEXT", dialect.PG: "TIMESTAMP", dialect.MySQL: "DATETIME(3)"}[db.Dialect().Name()]
		exec(t, db, "CREATE TABLE people (id BIGINT PRIMARY KEY, "+strings.ReplaceAll(standard, "BIGINT", at)+")")
		local := time.Now().UTC().Add(8 * time.Hour).Format("2006-01-02 15:04:05.000")
		exec(t, db, "INSERT INTO people VALUES (1, '13800138001', '', '"+local+"', '9999-12-31 00:00:00')")
		table := localTableNames
		table.IDType, table.Spelling, table.Times = bunstore.IDInteger, bunstore.National("CN"), bunstore.TimeUTC
		s, err := bunstore.New(db, bunstore.WithUsers(table))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "local time") || strings.Contains(err.Error(), "verified") {
			t.Errorf("Migrate: %v", err)
		}
	})
}

// If sessions are in another time zone, times are read and written unshifted, or the
// table is refused.
func TestSessionsInAnotherTimeZone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		engine  dialect.Name
		column  string
		times   bunstore.TimeType
		refused bool
	}{
		"timestamptz":        {dialect.PG, "TIMESTAMPTZ", bunstore.TimeTimestamp, false},
		"timestamp":          {dialect.PG, "TIMESTAMP", bunstore.TimeUTC, false},
		"timestamp unsaid":   {dialect.PG, "TIMESTAMP", bunstore.TimeTimestamp, true},
		"DATETIME":           {dialect.MySQL, "DATETIME(3)", bunstore.TimeTimestamp, false},
		"MariaDB TIMESTAMP":  {dialect.MySQL, "TIMESTAMP(3) NULL", bunstore.TimeTimestamp, true},
		"DATETIME under UTC": {dialect.MySQL, "DATETIME(3)", bunstore.TimeUTC, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
				db := fresh(t)
				if db.Dialect().Name() != test.engine {
					return // the type belongs to the other engine, which has a test of its own
				}
				db.SetMaxOpenConns(1) // so that every statement has the setting
				db.SetConnMaxIdleTime(0)
				set := "SET TIME ZONE 'Asia/Shanghai'"
				if test.engine == dialect.MySQL {
					set = "SET time_zone = '+08:00'"
				}
				exec(t, db, set)
				exec(t, db, "CREATE TABLE people (id BIGINT PRIMARY KEY, "+strings.ReplaceAll(standard, "BIGINT", test.column)+")")
				table := localTableNames
				table.IDType, table.Spelling, table.Times = bunstore.IDInteger, bunstore.National("CN"), test.times
				s, err := bunstore.New(db, bunstore.WithUsers(table))
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Migrate(t.Context()); (err != nil) != test.refused || err != nil && !strings.Contains(err.Error(), "time zone") {
					t.Fatalf("Migrate: %v", err)
				}
				if test.refused {
					return
				}
				if err := s.CreateUser(t.Context(), identity.User{ID: "1", Mobile: "+8613800138001", VerifiedAt: tourTime, PasswordHash: "old"}); err != nil {
					t.Fatal(err)
				}
				if err := s.ReplacePassword(t.Context(), identity.PasswordChange{UserID: "1", OldHash: "old", NewHash: "new", ChangedAt: tourTime}); err != nil {
					t.Fatal(err)
				}
				u, err := s.UserByID(t.Context(), "", "1")
				if err != nil || !u.PasswordChangedAt.Equal(tourTime) || !u.VerifiedAt.Equal(tourTime) {
					t.Errorf("%+v, %v", u, err)
				}
				var stored string
				text := "CAST(changed AS CHAR(16))"
				if test.column == "TIMESTAMPTZ" {
					text = "to_char(changed AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')"
				} else if test.engine == dialect.PG {
					text = "to_char(changed, 'YYYY-MM-DD HH24:MI')"
				}
				if err := db.DB.QueryRowContext(t.Context(), "SELECT "+text+" FROM people").Scan(&stored); err != nil || stored != tourTime.UTC().Format("2006-01-02 15:04") {
					t.Errorf("stored %q, %v", stored, err)
				}
			})
		})
	}
}

// A column that does not keep the hash fails the reset's transaction: no user is left
// with a password that cannot be verified, and no code is used up.
func TestTruncatedHashFailsTheTransaction(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		s := storeWith(t, db, localTable(t, db))
		insertPerson(t, db, 1, "13800138001")
		switch db.Dialect().Name() {
		case dialect.PG:
			exec(t, db, "CREATE FUNCTION cut() RETURNS trigger AS 'BEGIN NEW.hash = left(NEW.hash, 20); RETURN NEW; END' LANGUAGE plpgsql")
			exec(t, db, "CREATE TRIGGER cut BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION cut()")
		case dialect.MySQL:
			exec(t, db, "CREATE TRIGGER cut BEFORE UPDATE ON people FOR EACH ROW SET NEW.hash = LEFT(NEW.hash, 20)")
		default:
			exec(t, db, "CREATE TRIGGER cut AFTER UPDATE ON people BEGIN UPDATE people SET hash = substr(hash, 1, 20) WHERE id = NEW.id; END")
		}
		err := s.ReplacePassword(t.Context(), identity.PasswordChange{UserID: "1", OldHash: "hash-1", NewHash: strings.Repeat("n", 97), ChangedAt: tourTime})
		if err == nil || errors.Is(err, identity.ErrConflict) || !strings.Contains(err.Error(), "column hash of table people did not keep") || strings.Contains(err.Error(), "nnn") {
			t.Errorf("replace: %v", err)
		}
		if u, err := s.UserByID(t.Context(), "", "1"); err != nil || u.PasswordHash != "hash-1" {
			t.Errorf("after it: %+v, %v", u, err)
		}
	})
}
