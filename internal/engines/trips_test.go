package engines_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// Each call to the driver is a round trip on PostgreSQL and MySQL (a BEGIN is two on
// MySQL, which sets the isolation first); with a pipeline each send is one. Callers wait for
// these steps, so the counts may fall but not rise. FinishMessages has three results.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	most := map[dialect.Name]map[string]int{
		dialect.SQLite: {"IssueCode": 8, "ChargeAttempt": 7, "ReleaseAttempt": 5, "RedeemCode": 14, "Spend": 4, "FinishMessages": 5},
		dialect.PG:     {"IssueCode": 5, "ChargeAttempt": 5, "ReleaseAttempt": 5, "RedeemCode": 11, "Spend": 4, "FinishMessages": 5},
		dialect.MySQL:  {"IssueCode": 10, "ChargeAttempt": 9, "ReleaseAttempt": 5, "RedeemCode": 14, "Spend": 6, "FinishMessages": 5},
	}
	pipelined := map[string]int{"IssueCode": 3, "ChargeAttempt": 3, "ReleaseAttempt": 2, "RedeemCode": 4, "Spend": 2, "FinishMessages": 4}
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db, watch := fresh(t), &spy{}
		s := migrated(t, watch.wrap(t, db))
		most := most[db.Dialect().Name()]
		_, sends := pipelines.Load(db)
		if sends {
			most = pipelined
		}
		for _, st := range tour() {
			var err error
			calls := watch.during(func() { err = st.call(t.Context(), s) })
			if err != nil {
				t.Fatalf("%s: %v", st.name, err)
			}
			limit, counted := most[st.name]
			if !counted {
				continue
			}
			if sends {
				calls = slices.DeleteFunc(calls, func(c call) bool { return c.kind != "send" })
			}
			if len(calls) > limit {
				var list string
				for _, c := range calls {
					list += fmt.Sprintf("\n%s %s", c.kind, c.query)
				}
				t.Errorf("%s: %d calls to the driver, at most %d:%s", st.name, len(calls), limit, list)
			}
			t.Logf("%s: %d", st.name, len(calls))
		}
	})
}
