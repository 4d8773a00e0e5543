package engines_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// freshSQLite opens a file that bunstore has not seen.
func freshSQLite(t testing.TB) *bun.DB {
	return openSQLite(t, filepath.Join(t.TempDir(), "rekey.db"))
}

func openSQLite(t testing.TB, path string) *bun.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	// One connection first: while the file becomes a WAL database the others are
	// turned away, whatever their time-out.
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return bun.NewDB(db, sqlitedialect.New())
}

// onEveryEngine runs a test on SQLite, and on the servers that the environment
// names.
func onEveryEngine(t *testing.T, test func(t *testing.T, fresh func(testing.TB) *bun.DB)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, freshSQLite)
	})
	onEachEngine(t, test)
}

func exec(t testing.TB, db *bun.DB, statement string) {
	t.Helper()
	if _, err := db.DB.ExecContext(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
