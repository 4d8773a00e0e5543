package engines_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// A purge removes an old counter while several calls spend it anew. The new counter
// counts all of them.
func TestSpendWhileTheCounterIsPurged(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		s := migrated(t, fresh(t))
		for round := range 20 {
			one := []limit.Limit{{Key: limit.Key(fmt.Sprint("k", round)), Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}}}}
			if _, err := s.Spend(t.Context(), one, tourTime); err != nil {
				t.Fatal(err)
			}
			now := tourTime.Add(2 * time.Hour)
			var wg sync.WaitGroup
			errs := make([]error, 4)
			for i := range errs {
				wg.Go(func() { _, errs[i] = s.Spend(context.Background(), one, now) })
			}
			wg.Go(func() {
				if _, err := s.Purge(context.Background(), identity.Purge{Now: now, Max: 10}); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			spent := 0
			for _, err := range errs {
				if _, refused := errors.AsType[*limit.Error](err); err == nil {
					spent++
				} else if !refused {
					t.Error(err)
				}
			}
			if spent != 1 {
				t.Errorf("%d of %d passed a limit of 1: %v", spent, len(errs), errs)
			}
		}
	})
}
