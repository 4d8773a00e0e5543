package engines_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/storagetest"
)

// members is a possible table of an application, with names that need quotes.
func members(t testing.TB, db *bun.DB, idType string, times bunstore.TimeType) bunstore.UsersTable {
	t.Helper()
	at, text, flag, tail := "BIGINT", "VARCHAR(512)", "INTEGER NOT NULL DEFAULT 0", ""
	if times == bunstore.TimeTimestamp {
		at = map[dialect.Name]string{dialect.SQLite: "TEXT", dialect.PG: "TIMESTAMPTZ", dialect.MySQL: "DATETIME(3)"}[db.Dialect().Name()]
	}
	quote := `"`
	switch db.Dialect().Name() {
	case dialect.PG:
		flag = "BOOLEAN NOT NULL DEFAULT FALSE"
	case dialect.MySQL:
		// This is the usual collation, for which "a" equals "A" and trailing spaces do
		// not count.
		quote, text, tail = "`", "VARCHAR(512) CHARACTER SET utf8mb4", " ENGINE=InnoDB"
		idType = strings.Replace(idType, "VARCHAR(64)", "VARCHAR(64) COLLATE utf8mb4_bin", 1)
	}
	exec(t, db, strings.ReplaceAll(fmt.Sprintf(`CREATE TABLE 'Members' (
		'Order' %s PRIMARY KEY, 'Group' %s NOT NULL, phone VARCHAR(16) NOT NULL, phone_ok_at %s, pw %s, pw_at %s,
		locked %s, joined %s, deleted_at BIGINT, nickname VARCHAR(20))%s`,
		idType, strings.Replace(text, "512", "128", 1), at, text, at, flag, at, tail), "'", quote))
	exec(t, db, strings.ReplaceAll(`CREATE UNIQUE INDEX members_phone ON 'Members' ('Group', phone)`, "'", quote))
	return bunstore.UsersTable{
		Table: "Members", ID: "Order", Mobile: "phone", PasswordHash: "pw", Tenant: "Group", VerifiedAt: "phone_ok_at",
		PasswordChangedAt: "pw_at", Disabled: "locked", CreatedAt: "joined", Times: times, Where: "deleted_at IS NULL",
	}
}

func storeWith(t testing.TB, db *bun.DB, table bunstore.UsersTable) *bunstore.Store {
	t.Helper()
	s, err := bunstore.New(db, bunstore.WithUsers(table))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// aboutUsers lists the methods whose cases use the table of users.
var aboutUsers = []string{"CreateUser", "UserByMobile", "UpdateUser", "ReplacePassword", "PasswordHistory", "RedeemCode", "Times"}

// The suite's cases about users also pass on an application's table, except where the
// table's own column types decide which strings fit.
func TestConformanceOnAnApplicationsTable(t *testing.T) {
	t.Parallel()
	for name, times := range map[string]bunstore.TimeType{"milliseconds": bunstore.TimeMillis, "timestamps": bunstore.TimeTimestamp} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
				for _, c := range storagetest.Cases() {
					if method, _, _ := strings.Cut(c.Name, "/"); !slices.Contains(aboutUsers, method) {
						continue
					}
					t.Run(c.Name, func(t *testing.T) {
						db := fresh(t)
						c.Run(t, storeWith(t, db, members(t, db, "VARCHAR(64)", times)))
					})
				}
			})
		})
	}
}

// The database assigns consecutive ids, or stores ids as UUIDs.
func TestTypedIDs(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		for name, test := range map[string]struct {
			column string
			id     bunstore.IDType
			good   string
			bad    []string
		}{
			"integer": {"BIGINT", bunstore.IDInteger, "-42", []string{"", "42x", "+42", "042", "4.2", "9223372036854775808", "018f4e2a-0000-7000-8000-000000000000"}},
			"uuid":    {"UUID", bunstore.IDUUID, "018f4e2a-0000-7000-8000-000000000000", []string{"", "x", "42", "018F4E2A-0000-7000-8000-000000000000"}},
		} {
			t.Run(name, func(t *testing.T) {
				db := fresh(t)
				if name == "uuid" && db.Dialect().Name() != dialect.PG {
					test.column = "VARCHAR(36)" // as some applications store them
				}
				table := members(t, db, test.column, bunstore.TimeMillis)
				table.IDType = test.id
				s := storeWith(t, db, table)
				now := time.UnixMilli(1_700_000_000_123).UTC()
				u := identity.User{ID: test.good, Tenant: "acme", Mobile: "+8613912345678", VerifiedAt: now, PasswordHash: "hash-1", PasswordChangedAt: now, CreatedAt: now}
				if err := s.CreateUser(t.Context(), u); err != nil {
					t.Fatal(err)
				}
				change := identity.PasswordChange{Tenant: "acme", UserID: u.ID, OldHash: "hash-1", NewHash: "hash-2", ChangedAt: now.Add(time.Second), KeepHistory: 2}
				if err := s.ReplacePassword(t.Context(), change); err != nil {
					t.Fatal(err)
				}
				u.PasswordHash, u.PasswordChangedAt = "hash-2", change.ChangedAt
				got, err := s.UserByMobile(t.Context(), "acme", u.Mobile)
				if diff := cmp.Diff(u, got); err != nil || diff != "" {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
				if history, err := s.PasswordHistory(t.Context(), "acme", u.ID, 5); err != nil || len(history) != 1 {
					t.Errorf("history %v, %v", history, err)
				}
				for _, id := range test.bad {
					change.UserID, change.OldHash = id, "hash-2"
					if err := s.ReplacePassword(t.Context(), change); !errors.Is(err, identity.ErrNotFound) {
						t.Errorf("id %q: %v", id, err)
					}
					if err := s.UpdateUser(t.Context(), identity.UserChange{Tenant: "acme", ID: id, Disabled: new(true)}); !errors.Is(err, identity.ErrNotFound) {
						t.Errorf("id %q: %v", id, err)
					}
				}
			})
		}
	})
}

// These are states that an application's rows may have, and what must not follow from
// them.
func TestRowsOfAnApplication(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		table := members(t, db, "BIGINT", bunstore.TimeTimestamp)
		table.IDType = bunstore.IDInteger
		s := storeWith(t, db, table)
		quote := `"`
		if db.Dialect().Name() == dialect.MySQL {
			quote = "`"
		}
		insert := func(id int, group, phone, more, values string) {
			t.Helper()
			exec(t, db, strings.ReplaceAll(fmt.Sprintf(`INSERT INTO ~Members~ (~Order~, ~Group~, phone, nickname%s) VALUES (%d, '%s', '%s', 'nick'%s)`, more, id, group, phone, values), "~", quote))
		}
		insert(1, "acme", "+8613900000001", ", phone_ok_at, pw", ", '2024-02-29 23:59:58.007', 'hash-1'")
		insert(2, "acme", "+8613900000002", ", deleted_at", ", 1")
		insert(3, "Acme2", "+8613900000003", "", "")
		got, err := s.UserByMobile(t.Context(), "acme", "+8613900000001")
		want := identity.User{ID: "1", Tenant: "acme", Mobile: "+8613900000001", PasswordHash: "hash-1", VerifiedAt: time.Date(2024, 2, 29, 23, 59, 58, 7_000_000, time.UTC)}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		for what, of := range map[string][2]string{
			"deleted": {"acme", "+8613900000002"}, "another tenant": {"", "+8613900000001"},
			"a tenant in another case": {"acme2", "+8613900000003"}, "a tenant and a space": {"Acme2 ", "+8613900000003"},
		} {
			if u, err := s.UserByMobile(t.Context(), of[0], of[1]); !errors.Is(err, identity.ErrNotFound) {
				t.Errorf("%s: %v, %v", what, u, err)
			}
		}
		change := identity.PasswordChange{Tenant: "ACME", UserID: "1", OldHash: "hash-1", NewHash: "hash-2", ChangedAt: tourTime}
		if err := s.ReplacePassword(t.Context(), change); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("a tenant in another case: %v", err)
		}
		change.Tenant, change.UserID, change.OldHash = "acme", "2", ""
		if err := s.ReplacePassword(t.Context(), change); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}
		// The user has no password yet, and can set a first one.
		change.Tenant, change.UserID = "Acme2", "3"
		if err := s.ReplacePassword(t.Context(), change); err != nil {
			t.Errorf("no password yet: %v", err)
		}
		if u, err := s.UserByMobile(t.Context(), "Acme2", "+8613900000003"); err != nil || u.PasswordHash != "hash-2" || !u.PasswordChangedAt.Equal(tourTime) || !u.VerifiedAt.IsZero() {
			t.Errorf("%+v, %v", u, err)
		}
		// Two users have one number because no index forbids it: the number belongs to
		// no user.
		exec(t, db, map[bool]string{true: "DROP INDEX members_phone ON `Members`", false: "DROP INDEX members_phone"}[quote == "`"])
		insert(4, "acme", "+8613900000001", "", "")
		if u, err := s.UserByMobile(t.Context(), "acme", "+8613900000001"); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("two users with one number: %v, %v", u, err)
		}
	})
}

// This table has only the required columns.
func TestSmallestTable(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		exec(t, db, "CREATE TABLE people (id INTEGER PRIMARY KEY, phone VARCHAR(16) UNIQUE, hash VARCHAR(200), changed BIGINT)")
		exec(t, db, "INSERT INTO people (id, phone) VALUES (7, '+8613900000001')")
		s := storeWith(t, db, bunstore.UsersTable{Table: "people", ID: "id", IDType: bunstore.IDInteger, Mobile: "phone", PasswordHash: "hash",
			PasswordChangedAt: "changed", EveryNumberIsVerified: true})
		u, err := s.UserByMobile(t.Context(), "", "+8613900000001")
		if err != nil || u.ID != "7" || u.VerifiedAt.IsZero() || u.Disabled {
			t.Errorf("%+v, %v", u, err)
		}
		if _, err := s.UserByMobile(t.Context(), "acme", "+8613900000001"); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("a tenant: %v", err)
		}
		if err := s.UpdateUser(t.Context(), identity.UserChange{ID: "7", Disabled: new(true)}); err != nil {
			t.Errorf("a missing column: %v", err)
		}
		if err := s.CreateUser(t.Context(), identity.User{ID: "8", Tenant: "acme", Mobile: "+8613900000002"}); err == nil {
			t.Error("created in a tenant that cannot be stored")
		}
		if err := s.CreateUser(t.Context(), identity.User{ID: "018f", Mobile: "+8613900000002"}); err == nil || !strings.Contains(err.Error(), "integer") {
			t.Errorf("created with an id that is not an integer: %v", err)
		}
		var n int
		err = db.DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM rekey_users").Scan(&n)
		if err == nil {
			t.Error("there is a second table of users")
		}
	})
}

func TestWrongUsersTables(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		for name, test := range map[string]struct {
			change func(*bunstore.UsersTable)
			says   []string
		}{
			"empty":         {func(u *bunstore.UsersTable) { *u = bunstore.UsersTable{} }, []string{"Table is required", "ID is required", "Mobile is required", "PasswordHash is required", "PasswordChangedAt is required", "exactly one of VerifiedAt"}},
			"injection":     {func(u *bunstore.UsersTable) { u.Table = `users"; DROP TABLE users; --` }, []string{"Table"}},
			"backquote":     {func(u *bunstore.UsersTable) { u.Mobile = "phone`" }, []string{`Mobile "phone` + "`" + `" is not a name`}},
			"both verified": {func(u *bunstore.UsersTable) { u.EveryNumberIsVerified = true }, []string{"exactly one of"}},
			"value":         {func(u *bunstore.UsersTable) { u.Where = "deleted = ?" }, []string{"question mark"}},
			"types":         {func(u *bunstore.UsersTable) { u.IDType, u.Times = 9, 9 }, []string{"IDType", "Times"}},
			"two dots":      {func(u *bunstore.UsersTable) { u.Table = "a.b.c" }, []string{"b.c"}},
		} {
			table := bunstore.UsersTable{Table: "t", ID: "a", Mobile: "b", PasswordHash: "c", VerifiedAt: "d", PasswordChangedAt: "e"}
			test.change(&table)
			_, err := bunstore.New(db, bunstore.WithUsers(table))
			for _, says := range test.says {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("%s: %v lacks %q", name, err, says)
				}
			}
		}
		exec(t, db, "CREATE TABLE people (id INTEGER PRIMARY KEY, phone VARCHAR(16), hash VARCHAR(200))")
		table := bunstore.UsersTable{Table: "people", ID: "id", Mobile: "phone", PasswordHash: "hash", PasswordChangedAt: "changed", EveryNumberIsVerified: true}
		s, err := bunstore.New(db, bunstore.WithUsers(table))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "users table people") || !strings.Contains(err.Error(), "changed") {
			t.Errorf("a missing column: %v", err)
		}
	})
}
