package engines_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// A statement that reads a whole table is slow once there are many rows. On engines
// with row locks it also waits for, or locks, the rows of other users.
func TestEveryStatementUsesAnIndex(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		watch := &spy{}
		s := migrated(t, watch.wrap(t, db))
		calls := watch.during(func() {
			for _, st := range tour() {
				if err := st.call(t.Context(), s); err != nil {
					t.Fatalf("%s: %v", st.name, err)
				}
			}
		})
		seen := map[string]bool{}
		for _, c := range calls {
			verb, _, _ := strings.Cut(c.query, " ")
			if seen[c.query] || verb == "" || verb == "INSERT" || c.kind == "begin" || c.kind == "commit" {
				continue
			}
			seen[c.query] = true
			plan, bad := explain(t, db, c)
			if bad {
				t.Errorf("%s\nreads the whole table:\n%s", c.query, plan)
			}
		}
		if len(seen) < 25 {
			t.Errorf("only %d statements seen", len(seen))
		}
	})
}

// PostgreSQL plans a prepared statement for the table's present size and keeps the
// plan. A plan that was made while the table was small would read the whole table, for
// each request of the flood that made it large.
func TestPlansOfSmallTablesUseIndexes(t *testing.T) {
	t.Parallel()
	e := engines[0]
	dsn := os.Getenv(e.variable)
	if dsn == "" {
		t.Skipf("to run it, set %s to a server that may create databases, such as %s", e.variable, e.example)
	}
	db := e.fresh(t, dsn)
	db.SetMaxOpenConns(1) // one connection has all plans and counts
	s := migrated(t, db)
	send := func(n int) {
		t.Helper()
		issue := issue(n)
		issue.KeepLive = 100 // each guess meets the code of this send
		if _, err := s.IssueCode(t.Context(), issue); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ChargeAttempt(t.Context(), guess(binding)); err != nil {
			t.Fatal(err)
		}
	}
	scans := func() (n int) {
		t.Helper()
		run(t, db.DB, "SELECT pg_stat_force_next_flush()")
		err := db.DB.QueryRowContext(t.Context(), "SELECT SUM(seq_scan) FROM pg_stat_user_tables WHERE schemaname = current_schema() AND relname <> 'rekey_migrations'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	send(0)
	run(t, db.DB, "VACUUM ANALYZE rekey_limits, rekey_codes, rekey_messages, rekey_events")
	before := scans()
	for n := range 20 { // PostgreSQL keeps a plan from the sixth run on
		send(n + 1)
	}
	if got := scans() - before; got > 0 {
		t.Errorf("tables were read as a whole %d times", got)
	}
}

var (
	sqliteScan = regexp.MustCompile(`SCAN rekey_`)
	pgScan     = regexp.MustCompile(`Seq Scan on rekey_`)
)

// explain returns the engine's plan, and whether the plan must read all rows.
func explain(t testing.TB, db *bun.DB, c call) (plan string, bad bool) {
	t.Helper()
	tx, err := db.DB.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	switch db.Dialect().Name() {
	case dialect.SQLite:
		plan = rowsOf(t, tx, "EXPLAIN QUERY PLAN "+c.query, c.args)
		return plan, sqliteScan.MatchString(plan)
	case dialect.PG:
		// Otherwise reading a whole small table would cost less than using its index.
		if _, err := tx.ExecContext(t.Context(), "SET LOCAL enable_seqscan = off"); err != nil {
			t.Fatal(err)
		}
		plan = rowsOf(t, tx, "EXPLAIN "+c.query, c.args)
		return plan, pgScan.MatchString(plan) || strings.Contains(c.query, " WHERE ") && !strings.Contains(plan, "Index Cond")
	default:
		plan = rowsOf(t, tx, "EXPLAIN "+c.query, c.args)
		// possible_keys lists indexes that could be used; the tables are too small for
		// the engine to use one.
		return plan, strings.Contains(plan, "possible_keys=NULL")
	}
}

func rowsOf(t testing.TB, tx *sql.Tx, query string, args []any) string {
	t.Helper()
	rows, err := tx.QueryContext(context.Background(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for rows.Next() {
		row, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, v := range row {
			if !v.Valid {
				v.String = "NULL"
			}
			fmt.Fprintf(&b, "%s=%s ", columns[i], v.String)
		}
		b.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func lines(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") }
