package engines_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// These are errors as the drivers report them.
type stateError string

func (e stateError) Error() string    { return "ERROR: (SQLSTATE " + string(e) + ")" }
func (e stateError) SQLState() string { return string(e) }

type codeError int

func (e codeError) Error() string { return fmt.Sprintf("SQL logic error (%d)", int(e)) }
func (e codeError) Code() int     { return int(e) }

// aborts lists the errors with which each engine aborts a transaction that may be run
// again.
var aborts = map[dialect.Name][]error{
	dialect.SQLite: {codeError(517)},
	dialect.PG:     {stateError("40001"), stateError("40P01")},
	dialect.MySQL: {
		&mysql.MySQLError{Number: 1213, SQLState: [5]byte{'4', '0', '0', '0', '1'}, Message: "Deadlock found when trying to get lock"},
		&mysql.MySQLError{Number: 1205, Message: "Lock wait timeout exceeded"},
	},
}

var errBroken = errors.New("broken")

// rows counts the rows of every table.
func rows(t testing.TB, db *bun.DB) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range []string{"users", "password_history", "clients", "codes", "limits", "messages", "events"} {
		var n int
		if err := db.DB.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM rekey_"+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

// The engine aborts a transaction at any of its statements, or at its commit. The
// transaction is run again, and its effect happens once.
func TestAbortedTransactionsRunAgain(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		plain := fresh(t)
		s := migrated(t, plain)
		for _, st := range tour() {
			if err := st.call(t.Context(), s); err != nil {
				t.Fatalf("%s: %v", st.name, err)
			}
		}
		want := rows(t, plain)

		db, watch := fresh(t), &spy{}
		s = migrated(t, watch.wrap(t, db))
		abort := aborts[db.Dialect().Name()]
		for i, st := range tour() {
			if !st.write {
				continue
			}
			// Each call within the step's first transaction fails once.
			open, n, failed := false, 0, map[int]bool{}
			watch.set(func(c call) error {
				if c.kind == "begin" {
					open, n = true, 0
					return nil
				}
				if !open {
					return nil
				}
				if n++; failed[n] || len(failed) == 8 { // there are ten tries
					return nil
				}
				failed[n] = true
				return fmt.Errorf("wrapped: %w", abort[i%len(abort)])
			})
			if err := st.call(t.Context(), s); err != nil {
				t.Fatalf("%s: %v", st.name, err)
			}
			watch.set(nil)
			if len(failed) < 2 {
				t.Errorf("%s: only %d calls failed", st.name, len(failed))
			}
		}
		if d := cmp.Diff(want, rows(t, db)); d != "" {
			t.Errorf("rows (-without aborts +with them):\n%s", d)
		}
	})
}

// A transaction that is aborted again and again ends in an error.
func TestEndlessAbortsEnd(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db, watch := fresh(t), &spy{}
		told := map[bunstore.Retry]int{}
		s := migrated(t, watch.wrap(t, db), bunstore.WithOnRetry(func(_ context.Context, why bunstore.Retry) { told[why]++ }))
		abort, tries := aborts[db.Dialect().Name()][0], 0
		watch.set(func(c call) error {
			if c.kind == "commit" {
				tries++
				return abort
			}
			return nil
		})
		_, err := s.Spend(t.Context(), charges("any"), tourTime)
		if !errors.Is(err, abort) || tries != 10 {
			t.Errorf("after %d tries: %v", tries, err)
		}
		if len(told) != 1 || told[bunstore.RetryAborted] != 9 {
			t.Errorf("observed retries %v, want 9, all of aborted transactions", told)
		}
		ctx, cancel := context.WithCancel(t.Context())
		tries = 0
		watch.set(func(c call) error {
			if c.kind == "exec" {
				tries++
				cancel()
				return abort
			}
			return nil
		})
		if _, err := s.Spend(ctx, charges("any"), tourTime); !errors.Is(err, context.Canceled) || tries != 1 {
			t.Errorf("cancelled after %d tries: %v", tries, err)
		}
		watch.set(nil)
		if got := rows(t, db)["limits"]; got != 0 {
			t.Errorf("%d limits, want none", got)
		}
	})
}

// The connection breaks, or the caller leaves, at each call to the driver in turn. The
// error says so, and nothing has changed.
func TestAllOrNothingAtEveryCall(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		for _, name := range []string{"UpdateUser", "ReplacePassword", "IssueCode over KeepLive", "ChargeAttempt", "ReleaseAttempt", "RedeemCode", "Spend", "ChangeLimits", "AppendEvent", "LeaseMessages", "FinishMessages"} {
			db, watch := fresh(t), &spy{}
			s := migrated(t, watch.wrap(t, db))
			st := take(t, s, name)
			before := contents(t, db)
			fails := func(way string, is error, fault func(cancel func()) error) {
				for at := 1; ; at++ {
					ctx, cancel := context.WithCancel(t.Context())
					n := 0
					watch.set(func(c call) error {
						if n++; n != at {
							return nil
						}
						return fault(cancel)
					})
					err := st.call(ctx, s)
					cancel()
					watch.set(nil)
					if err == nil {
						// No call was left that could fail, or the commit could not be
						// undone.
						if last := at > n || at == n && way == "cancelled"; !last {
							t.Errorf("%s, %s at call %d of %d: no error", name, way, at, n)
						}
						if at < 3 {
							t.Errorf("%s, %s: only %d calls", name, way, at-1)
						}
						return
					}
					if !errors.Is(err, is) {
						t.Errorf("%s, %s at call %d: %v", name, way, at, err)
					}
					if d := cmp.Diff(before, contents(t, db)); d != "" {
						t.Errorf("%s, %s at call %d changed (-before +after):\n%s", name, way, at, d)
					}
				}
			}
			fails("broken", errBroken, func(func()) error { return errBroken })
			db, watch = fresh(t), &spy{}
			s = migrated(t, watch.wrap(t, db))
			st = take(t, s, name)
			before = contents(t, db)
			fails("cancelled", context.Canceled, func(cancel func()) error { cancel(); return nil })
		}
	})
}

// contents returns every row of the tables as text.
func contents(t testing.TB, db *bun.DB) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for table := range rows(t, db) {
		tx, err := db.DB.BeginTx(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		all[table] = slices.Sorted(slices.Values(lines(rowsOf(t, tx, "SELECT * FROM rekey_"+table, nil))))
		_ = tx.Rollback()
	}
	return all
}

var list = regexp.MustCompile(`(, (\?|\$\d+|\((\?|\$\d+)\)))+`)
var dollar = regexp.MustCompile(`\$\d+`)

// A guess runs the same statements whether or not the device has a live code. If it has
// none, the statements spend fewer counters.
func TestGuessesTakeTheSameStatements(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		watch := &spy{}
		s := migrated(t, watch.wrap(t, fresh(t)))
		take(t, s, "ChargeAttempt")
		shape := func(of []byte, codes int) (calls []string) {
			for _, c := range watch.during(func() { guessed(t, s, of, codes) }) {
				calls = append(calls, c.kind+" "+dollar.ReplaceAllString(list.ReplaceAllString(list.ReplaceAllString(c.query, ""), ""), "?"))
			}
			return calls
		}
		if d := cmp.Diff(shape(binding, 2), shape(decoy, 0)); d != "" {
			t.Errorf("statements (-live code +none):\n%s", d)
		}
	})
}

func guessed(t testing.TB, s *bunstore.Store, of []byte, codes int) {
	t.Helper()
	charged, err := s.ChargeAttempt(t.Context(), guess(of))
	if err != nil || len(charged.Codes) != codes {
		t.Fatalf("%d codes, %v; want %d", len(charged.Codes), err, codes)
	}
}
