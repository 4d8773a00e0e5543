package engines_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/seed-16109ab2/rekey/identity/limit"
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
	// Open one connection first: while the file is changed to WAL mode, other
	// connections get an error immediately, no matter what their time-out is.
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

// SQLite keeps a counter of all requests in one row, and still counts what an earlier
// version spread over several.
func TestSQLiteCountsOldShards(t *testing.T) {
	t.Parallel()
	s := migrated(t, freshSQLite(t))
	if n := s.LimitShards(); n != 1 {
		t.Errorf("%d shards, want 1", n)
	}
	at := func(shards, shard, cap int) []limit.Limit {
		l := hourly("shared", shards, shard)
		l.Rules[0].Rates[0].Limit = cap
		return []limit.Limit{l}
	}
	for shard := range 8 {
		if _, err := s.Spend(t.Context(), at(8, shard, 8), tourTime); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Spend(t.Context(), at(1, 0, 8), tourTime)
	if _, refused := errors.AsType[*limit.Error](err); !refused {
		t.Errorf("with a cap of 8 after 8 events: %v, want a refusal", err)
	}
	if _, err := s.Spend(t.Context(), at(1, 0, 9), tourTime); err != nil {
		t.Errorf("with a cap of 9 after 8 events: %v", err)
	}
}
