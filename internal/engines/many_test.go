package engines_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// These are more rows than a statement of any engine has parameters for.
func TestManyRowsInOneCall(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		const n = 17_000
		s := migrated(t, fresh(t))
		messages, limits := make([]outbox.Message, 6000), make([]limit.Limit, 0, 500)
		for i := range messages {
			messages[i] = pending(fmt.Sprintf("message-%05d", i))
		}
		if err := s.AppendEvent(t.Context(), event("many"), messages); err != nil {
			t.Fatal(err)
		}
		claimed, err := s.LeaseMessages(t.Context(), outbox.Lease{Now: tourTime, Until: tourTime.Add(time.Minute), Token: "token", Lane: outbox.LaneCode, KeyIDs: []string{"k"}, Max: 1 << 40})
		if err != nil || len(claimed) != len(messages) {
			t.Errorf("%d claimed, %v", len(claimed), err)
		}
		for i := 0; i < n; i += cap(limits) {
			limits = limits[:0]
			for j := range cap(limits) {
				limits = append(limits, hourly(limit.Key(fmt.Sprintf("k%d", i+j)), 0, 0))
			}
			if _, err := s.Spend(t.Context(), limits, tourTime); err != nil {
				t.Fatal(err)
			}
		}
		if removed, err := s.Purge(t.Context(), identity.Purge{Now: tourTime.Add(2 * time.Hour), Max: n - 1}); err != nil || removed != n-1 {
			t.Errorf("%d removed, %v; want %d", removed, err, n-1)
		}
		if removed, err := s.Purge(t.Context(), identity.Purge{Now: tourTime.Add(2 * time.Hour), Max: n}); err != nil || removed != 1 {
			t.Errorf("%d removed, %v; want the last one", removed, err)
		}
	})
}

// While another process keeps the file locked, calls that wait in line for it end, so
// that they do not pile up.
func TestWaitingCallsEnd(t *testing.T) {
	t.Parallel()
	db, watch := freshSQLite(t), &spy{}
	migrated(t, db)
	spied := watch.wrap(t, db)
	synctest.Test(t, func(t *testing.T) {
		s, err := bunstore.New(spied)
		if err != nil {
			t.Fatal(err)
		}
		inside, release, done := make(chan struct{}), make(chan struct{}), make(chan error)
		watch.set(func(c call) error {
			if c.kind == "exec" {
				close(inside)
				<-release
			}
			return nil
		})
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		go func() { done <- s.AppendEvent(ctx, audit.Event{ID: "1", At: tourTime}, nil) }()
		<-inside
		start := time.Now()
		if err := s.AppendEvent(t.Context(), audit.Event{ID: "2", At: tourTime}, nil); err == nil {
			t.Error("stored out of turn")
		}
		if waited := time.Since(start); waited != bunstore.DefaultCallTimeout {
			t.Errorf("waited %s, want %s", waited, bunstore.DefaultCallTimeout)
		}
		leave() // both contexts end at the same time, and the first call may not have noticed
		close(release)
		if err := <-done; err == nil {
			t.Errorf("the call that was stuck: %v", err)
		}
		time.Sleep(time.Second) // lets the rest of the group's goroutine end
	})
}

// A purge of counters continues where the last purge stopped. If it removes fewer
// counters than it may, it has seen all of them, no matter which are over and where the
// last purge stopped.
func TestPurgeOfCountersSeesAll(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		const n = 12_000
		s := migrated(t, fresh(t))
		spend := func(at time.Time, over func(i int) bool) (spent int) {
			var limits []limit.Limit
			for i := range n {
				if over(i) {
					limits = append(limits, hourly(limit.Key(fmt.Sprintf("k%05d", i)), 0, 0))
				}
			}
			for some := range slices.Chunk(limits, 500) {
				if _, err := s.Spend(t.Context(), some, at); err != nil {
					t.Fatal(err)
				}
			}
			return len(limits)
		}
		all := func(int) bool { return true }
		purge := func(after time.Duration, most, want int) {
			t.Helper()
			if got, err := s.Purge(t.Context(), identity.Purge{Now: tourTime.Add(after), Max: most}); err != nil || got != want {
				t.Errorf("%d removed, %v; want %d", got, err, want)
			}
		}
		spend(tourTime, all)
		purge(30*time.Minute, n, 0)
		purge(2*time.Hour, 7000, 7000)
		spend(tourTime.Add(3*time.Hour), func(i int) bool { return i < 3000 }) // these come before the point where it stopped, and are not over
		purge(2*time.Hour, n, 5000)
		purge(5*time.Hour, 1000, 1000)
		purge(5*time.Hour, n, 2000)
		purge(5*time.Hour, n, 0)
	})
}
