package engines_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/golang-migrate/migrate/v4"
	migratedb "github.com/golang-migrate/migrate/v4/database"
	migratemysql "github.com/golang-migrate/migrate/v4/database/mysql"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	migratesqlite "github.com/golang-migrate/migrate/v4/database/sqlite"
	_ "github.com/golang-migrate/migrate/v4/source/file" // files
	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// tables counts Rekey's tables.
func tables(t testing.TB, db *bun.DB) (n int) {
	t.Helper()
	count := map[dialect.Name]string{
		dialect.SQLite: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name LIKE 'rekey%'",
		dialect.PG:     "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'rekey%'",
		dialect.MySQL:  "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'rekey%'",
	}[db.Dialect().Name()]
	if err := db.DB.QueryRowContext(t.Context(), count).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// goose migrates up and down with our files, on every engine.
func TestMigrationsByGoose(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		dir := t.TempDir()
		files := bunstore.MigrationFiles{Dialect: db.Dialect().Name(), Format: bunstore.Goose}
		if _, err := files.Write(dir); err != nil {
			t.Fatal(err)
		}
		name := map[dialect.Name]goose.Dialect{dialect.SQLite: goose.DialectSQLite3, dialect.PG: goose.DialectPostgres, dialect.MySQL: goose.DialectMySQL}[db.Dialect().Name()]
		provider, err := goose.NewProvider(name, db.DB, os.DirFS(dir), goose.WithLogger(stdlog.New(io.Discard, "", 0)))
		if err != nil {
			t.Fatal(err)
		}
		s := store(t, db)
		for range 2 {
			if _, err := provider.Up(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Check(t.Context()); err != nil {
				t.Errorf("up: %v", err)
			}
			// One step down and up again leaves no difference either.
			if _, err := provider.Down(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Check(t.Context()); !errors.Is(err, bunstore.ErrSchemaBehind) {
				t.Errorf("one step down: %v", err)
			}
			if _, err := provider.Up(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Check(t.Context()); err != nil {
				t.Errorf("up again: %v", err)
			}
			if _, err := provider.DownTo(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			if n := tables(t, db); n != 0 {
				t.Errorf("down: %d tables are left", n)
			}
		}
	})
}

// golang-migrate does the same.
func TestMigrationsByGolangMigrate(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		name := db.Dialect().Name()
		dir := t.TempDir()
		if _, err := (bunstore.MigrationFiles{Dialect: name, Format: bunstore.GolangMigrate, OwnUsers: true, First: 20260101000001}).Write(dir); err != nil {
			t.Fatal(err)
		}
		table := localTable(t, db)
		var driver migratedb.Driver
		var err error
		switch name {
		case dialect.PG:
			driver, err = migratepgx.WithInstance(db.DB, &migratepgx.Config{MultiStatementEnabled: true})
		case dialect.MySQL:
			driver, err = migratemysql.WithInstance(multiStatements(t, db), &migratemysql.Config{})
		default:
			driver, err = migratesqlite.WithInstance(db.DB, &migratesqlite.Config{})
		}
		if err != nil {
			t.Fatal(err)
		}
		m, err := migrate.NewWithDatabaseInstance("file://"+filepath.ToSlash(dir), "db", driver)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Up(); err != nil {
			t.Fatal(err)
		}
		s, err := bunstore.New(db, bunstore.WithUsers(table))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Errorf("up: %v", err)
		}
		insertPerson(t, db, 1, "13800138001")
		if err := m.Down(); err != nil {
			t.Fatal(err)
		}
		if n := tables(t, db); n != 0 {
			t.Errorf("down: %d tables are left", n)
		}
		var people int
		if err := db.DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM people").Scan(&people); err != nil || people != 1 {
			t.Errorf("the application's people: %d, %v", people, err)
		}
	})
}

// multiStatements returns another connection to the same MySQL database, which allows
// several statements in one call.
func multiStatements(t testing.TB, db *bun.DB) *sql.DB {
	t.Helper()
	var name string
	if err := db.DB.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	dsn := os.Getenv("REKEY_TEST_MYSQL")
	return open(t, "mysql", dsn[:strings.LastIndex(dsn, "/")+1]+name+"?multiStatements=true")
}

func TestMigrationFiles(t *testing.T) {
	t.Parallel()
	files, err := bunstore.MigrationFiles{Dialect: dialect.PG, Format: bunstore.Atlas, After: bunstore.Migrations()[1], First: 7}.Files()
	if err != nil || len(files) != len(bunstore.Migrations())-2 || !strings.HasPrefix(files[0].Name, "00000000000007_rekey_") {
		t.Errorf("%v, %v", files, err)
	}
	for what, m := range map[string]bunstore.MigrationFiles{
		"unknown id": {Dialect: dialect.PG, Format: bunstore.Goose, After: "0000_none"}, "no format": {Dialect: dialect.PG}, "no dialect": {Format: bunstore.Goose},
	} {
		if _, err := m.Files(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	dir := t.TempDir()
	m := bunstore.MigrationFiles{Dialect: dialect.SQLite, Format: bunstore.Goose}
	paths, err := m.Write(dir)
	if err != nil || len(paths) != len(bunstore.Migrations()) {
		t.Fatalf("%v, %v", paths, err)
	}
	if _, err := m.Write(dir); err != nil {
		t.Errorf("writing the same files again: %v", err)
	}
	if err := os.WriteFile(paths[0], []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Write(dir); err == nil {
		t.Error("a file with different content was overwritten")
	}
	s := store(t, freshSQLite(t))
	if _, err := s.SQL("0001_tables", "0009_none"); err == nil || !strings.Contains(err.Error(), "0009_none") {
		t.Errorf("SQL of an unknown id: %v", err)
	}
	if _, err := s.DownSQL("0009_none"); err == nil {
		t.Error("DownSQL of an unknown id: no error")
	}
}

// A schema that was changed by hand is reported.
func TestSchemaChangedByHand(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		mysql := func(db *bun.DB) bool { return db.Dialect().Name() == dialect.MySQL }
		drop := func(db *bun.DB, index, table string) string {
			if mysql(db) {
				return "DROP INDEX " + index + " ON " + table
			}
			return "DROP INDEX " + index
		}
		for name, test := range map[string]struct {
			change func(*bun.DB) []string
			says   string
		}{
			"table":  {func(*bun.DB) []string { return []string{"DROP TABLE rekey_receipts"} }, "table rekey_receipts is missing"},
			"column": {func(*bun.DB) []string { return []string{"ALTER TABLE rekey_clients DROP COLUMN name"} }, "column name of rekey_clients is missing"},
			"index":  {func(db *bun.DB) []string { return []string{drop(db, "rekey_codes_by_expires_at", "rekey_codes")} }, "rekey_codes_by_expires_at"},
			"type": {func(db *bun.DB) []string {
				switch {
				case mysql(db):
					return []string{"ALTER TABLE rekey_clients MODIFY name VARCHAR(256) NOT NULL"}
				case db.Dialect().Name() == dialect.PG:
					return []string{"ALTER TABLE rekey_clients ALTER COLUMN name TYPE VARCHAR(10)"}
				}
				return []string{"ALTER TABLE rekey_clients DROP COLUMN name", "ALTER TABLE rekey_clients ADD COLUMN name INTEGER"}
			}, "column name of rekey_clients has the type"},
			"more": {func(db *bun.DB) []string {
				if db.Dialect().Name() == dialect.SQLite { // SQLite cannot add a column without a default
					return []string{"DROP TABLE rekey_receipts", "CREATE TABLE rekey_receipts (message_id TEXT PRIMARY KEY, state TEXT NOT NULL, code TEXT NOT NULL, at BIGINT NOT NULL, theirs INTEGER NOT NULL)"}
				}
				return []string{"ALTER TABLE rekey_receipts ADD COLUMN theirs INTEGER NOT NULL"}
			}, "column theirs of rekey_receipts"},
		} {
			db := fresh(t)
			s := migrated(t, db)
			if err := s.Check(t.Context()); err != nil {
				t.Fatalf("before: %v", err)
			}
			exec(t, db, "CREATE INDEX theirs ON rekey_clients (tenant)") // additional objects are allowed
			if err := s.Check(t.Context()); err != nil {
				t.Errorf("with an additional index: %v", err)
			}
			for _, statement := range test.change(db) {
				exec(t, db, statement)
			}
			if err := s.Check(t.Context()); !errors.Is(err, bunstore.ErrSchemaChanged) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// After WithUsers is switched on or off, no users are left behind unnoticed.
func TestSwitchingTheTableOfUsers(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		with := func(db *bun.DB) *bunstore.Store {
			s, err := bunstore.New(db, bunstore.WithUsers(localTable(t, db)))
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		// WithUsers is switched on while Rekey's table contains users.
		db := fresh(t)
		own := migrated(t, db)
		if err := own.CreateUser(t.Context(), identity.User{ID: "1", Mobile: "+8613800138001"}); err != nil {
			t.Fatal(err)
		}
		theirs := with(db)
		for what, err := range map[string]error{"Check": theirs.Check(t.Context()), "Migrate": theirs.Migrate(t.Context())} {
			if !errors.Is(err, bunstore.ErrSchemaChanged) || !strings.Contains(err.Error(), "rekey_users contains users") {
				t.Errorf("switched on: %s: %v", what, err)
			}
		}
		if err := own.DeleteUser(t.Context(), "", "1"); err != nil {
			t.Fatal(err)
		}
		if err := theirs.Migrate(t.Context()); err != nil {
			t.Errorf("switched on with an empty table: %v", err)
		}
		// WithUsers is switched off, and Rekey's table of users never existed.
		db = fresh(t)
		if err := with(db).Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		own = store(t, db)
		err := own.Check(t.Context())
		if !errors.Is(err, bunstore.ErrSchemaChanged) || !strings.Contains(err.Error(), "WithUsers") {
			t.Errorf("switched off: Check: %v", err)
		}
		if err := own.Migrate(t.Context()); !errors.Is(err, bunstore.ErrSchemaChanged) {
			t.Errorf("switched off: Migrate: %v", err)
		}
		_, statement, _ := strings.Cut(err.Error(), "run first: ")
		exec(t, db, statement)
		works(t, own)
	})
}

func ExampleMigrationFiles() {
	files, err := bunstore.MigrationFiles{Dialect: dialect.PG, Format: bunstore.GolangMigrate, OwnUsers: true, First: 40}.Files()
	if err != nil {
		fmt.Println(err)
		return
	}
	names := []string{files[0].Name, files[1].Name}
	slices.Sort(names)
	fmt.Println(names)
	// Output: [000040_rekey_tables.down.sql 000040_rekey_tables.up.sql]
}
