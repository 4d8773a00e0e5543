package engines_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

func store(t testing.TB, db *bun.DB) *bunstore.Store {
	t.Helper()
	s, err := bunstore.New(db)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// works fails the test unless the schema is complete and usable.
func works(t testing.TB, s *bunstore.Store) {
	t.Helper()
	ctx := context.Background()
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	u := identity.User{ID: "1", Mobile: "+8612345678901", PasswordHash: "x", CreatedAt: time.UnixMilli(1)}
	if err := s.CreateUser(ctx, u); err != nil {
		t.Error(err)
	}
	if _, err := s.Spend(ctx, []limit.Limit{{Key: "k", Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}}}}, time.UnixMilli(1)); err != nil {
		t.Error(err)
	}
}

func TestMigrateTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		s := store(t, fresh(t))
		if err := s.Check(t.Context()); !errors.Is(err, bunstore.ErrSchemaBehind) || !strings.Contains(err.Error(), "0001_tables") {
			t.Errorf("before: %v", err)
		}
		for range 2 {
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if pending, err := s.Pending(t.Context()); err != nil || len(pending) != 0 {
			t.Errorf("pending %v, %v", pending, err)
		}
		works(t, s)
	})
}

// Many processes start at the same time on a new database.
func TestMigrateConcurrently(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		s := store(t, fresh(t))
		together(t, func(int) error { return s.Migrate(context.Background()) })
		works(t, s)
	})
}

func together(t *testing.T, f func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := f(i); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// A process dies in the middle of a step, after each of its statements in turn. If the
// engine cannot roll the statements back they remain, and the step is not recorded.
func TestMigrateAfterACrash(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		statements, err := store(t, fresh(t)).SQL()
		if err != nil {
			t.Fatal(err)
		}
		for _, done := range []int{1, 2, len(statements) / 2, len(statements) - 1} {
			db := fresh(t)
			for _, statement := range statements[:done] {
				exec(t, db, statement)
			}
			s := store(t, db)
			if err := s.Check(t.Context()); !errors.Is(err, bunstore.ErrSchemaBehind) {
				t.Errorf("after %d statements: %v", done, err)
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatalf("after %d statements: %v", done, err)
			}
			works(t, s)
		}
	})
}

// An application may run the SQL itself, in a database with its own tables.
func TestApplicationRunsTheSQL(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		exec(t, db, "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20))")
		exec(t, db, "INSERT INTO users (id, name) VALUES (1, 'theirs')")
		s := store(t, db)
		statements, err := s.SQL()
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			if fields := strings.Fields(statement); !strings.Contains(statement, "rekey_") || fields[0] == "DROP" && fields[1] != "INDEX" ||
				fields[0] == "ALTER" && !strings.HasPrefix(fields[2], "rekey_") {
				t.Errorf("touches another's table: %s", statement)
			}
			exec(t, db, statement)
		}
		works(t, s)
		var name string
		if err := db.DB.QueryRowContext(t.Context(), "SELECT name FROM users WHERE id = 1").Scan(&name); err != nil || name != "theirs" {
			t.Errorf("their row: %q, %v", name, err)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := bunstore.New(nil); err == nil {
		t.Error("nil accepted")
	}
}

// The engine aborts statements of Check and Migrate, as a Galera cluster does while
// another node changes tables. Both run again.
func TestMigrateOutlastsAborts(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db, watch := fresh(t), &spy{}
		s := store(t, watch.wrap(t, db))
		abort := aborts[db.Dialect().Name()]
		// aborting makes some of the statements fail when they are first seen.
		aborting := func(f func() error) int {
			seen, failed := map[string]bool{}, 0
			watch.set(func(c call) error {
				// The queries about SQLite's settings take no lock.
				settings := db.Dialect().Name() == dialect.SQLite && !strings.Contains(c.query, "rekey_")
				if seen[c.kind+c.query] || settings {
					return nil
				}
				if seen[c.kind+c.query] = true; len(seen)%5 != 1 || failed == 8 { // there are ten tries
					return nil
				}
				failed++
				return fmt.Errorf("wrapped: %w", abort[failed%len(abort)])
			})
			defer watch.set(nil)
			if err := f(); err != nil {
				t.Error(err)
			}
			return failed
		}
		migrate := aborting(func() error { return s.Migrate(t.Context()) })
		check := aborting(func() error { return store(t, s.DB()).Check(t.Context()) })
		if migrate < 4 || check < 1 {
			t.Errorf("%d statements of Migrate and %d of Check failed", migrate, check)
		}
		works(t, s)
	})
}
