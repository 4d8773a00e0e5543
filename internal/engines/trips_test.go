package engines_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
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
		if _, sends := pipelines.Load(db); sends {
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
			if trips(calls) > limit {
				var list string
				for _, c := range calls {
					list += fmt.Sprintf("\n%s %s", c.kind, c.query)
				}
				t.Errorf("%s: %d round trips, at most %d:%s", st.name, trips(calls), limit, list)
			}
			t.Logf("%s: %d", st.name, trips(calls))
		}
	})
}

// trips counts round trips: a send and its statements are one.
func trips(calls []call) (n int) {
	for i := 0; i < len(calls); i++ {
		if n++; calls[i].kind == "send" {
			i += calls[i].args[0].(int)
		}
	}
	return n
}

// The round trips to PostgreSQL of whole use cases, without their deliveries, as
// docs/storage.md names them.
func TestRoundTripsOfUseCases(t *testing.T) {
	for _, e := range engines {
		want, known := map[string][3]int{"postgres": {8, 11, 17}, pipelinedPostgres.name: {6, 8, 9}}[e.name]
		if !known {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			e.run(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
				db, watch := fresh(t), &spy{}
				// One service delivers the code, the other one is watched.
				f := identitytest.New(t, func(c *identity.Config) { c.Store = migrated(t, db) })
				f.User("13912345678", "violet-Harbor-93")
				f.SendCode("13912345678")
				code := f.Code("13912345678")
				cfg := identity.Config{Store: migrated(t, watch.wrap(t, db)), SMS: f.SMS, Secret: identity.NewSecret(strings.Repeat("s", 32)), Now: f.Clock.Now, AnswerStep: -1}
				identitytest.CheapHashes(&cfg)
				svc, err := identity.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				wrong := "000000"
				if code == wrong {
					wrong = "000001"
				}
				reset := func(code string) error {
					return svc.ResetByMobile(t.Context(), identity.ResetRequest{
						Caller: f.Caller(), Mobile: "13912345678", Code: identity.NewSecret(code), Password: identity.NewSecret("harbor-Violet-39"),
					})
				}
				for i, step := range []struct {
					name string
					call func() error
					want error
				}{
					{"a send", func() error {
						return svc.SendVerifyCode(t.Context(), identity.SendRequest{Caller: f.Caller(), Mobile: "13912345679", Purpose: identity.PurposeForgotPassword})
					}, nil},
					{"a wrong guess", func() error { return reset(wrong) }, identity.ErrCodeRefused},
					{"a reset", func() error { return reset(code) }, nil},
				} {
					var err error
					calls := watch.during(func() { err = step.call() })
					if !errors.Is(err, step.want) {
						t.Fatalf("%s: %v", step.name, err)
					}
					if n := trips(calls); n != want[i] {
						t.Errorf("%s: %d round trips, want %d", step.name, n, want[i])
					}
				}
			})
		})
	}
}
