package engines_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// A purge takes an old counter away from under a call that has seen it but not
// locked it yet, and another call begins it anew: the first must not begin from
// nothing too.
func TestSpendWhileTheCounterIsPurged(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db, early, late := fresh(t), &spy{}, &spy{}
		if db.Dialect().Name() == dialect.MySQL {
			return // its insert locks a row that is there already
		}
		s := migrated(t, db)
		first, second := store(t, early.wrap(t, db)), store(t, late.wrap(t, db))
		one := []limit.Limit{{Key: "k", Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}}
		if _, err := s.Spend(t.Context(), one, tourTime); err != nil {
			t.Fatal(err)
		}
		now := tourTime.Add(2 * time.Hour)

		seen, purged := make(chan struct{}), make(chan struct{})
		begun, commit := make(chan struct{}), make(chan struct{})
		execs := 0
		early.set(func(c call) error {
			switch {
			case c.kind == "exec":
				if execs++; execs == 2 { // it writes, or looks again, and waits for the other
					close(commit)
				}
			case c.kind == "query" && execs == 1:
				close(seen)
				<-purged
			}
			return nil
		})
		late.set(func(c call) error {
			if c.kind == "commit" {
				close(begun)
				<-commit
			}
			return nil
		})
		results := make(chan error, 2)
		spend := func(s identity.Storage) {
			_, err := s.Spend(context.Background(), one, now)
			results <- err
		}
		go spend(first)
		<-seen
		if _, err := s.Purge(t.Context(), identity.Purge{Now: now, Max: 10}); err != nil {
			t.Error(err)
		}
		go spend(second)
		<-begun
		close(purged)
		errs := []error{<-results, <-results}
		spent := 0
		for _, err := range errs {
			if _, refused := errors.AsType[*limit.Error](err); err == nil {
				spent++
			} else if !refused {
				t.Error(err)
			}
		}
		if spent != 1 {
			t.Errorf("%d of 2 passed a limit of 1: %v", spent, errs)
		}
	})
}
