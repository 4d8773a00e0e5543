package engines_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// More rows than a statement of any engine has parameters for.
func TestManyRowsAtOnce(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		const n = 17_000
		s := migrated(t, fresh(t))
		messages, limits := make([]identity.OutboxMessage, 6000), make([]limit.Limit, 0, 500)
		for i := range messages {
			messages[i] = pending(fmt.Sprintf("message-%05d", i))
		}
		if err := s.Enqueue(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
		claimed, err := s.LeaseMessages(t.Context(), identity.Lease{Now: tourTime, Until: tourTime.Add(time.Minute), Token: "token", Max: 1 << 40})
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

// Another process keeps the file locked: calls that wait in line for it end, so
// that they do not pile up.
func TestLineEnds(t *testing.T) {
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
		go func() { done <- s.AppendEvent(ctx, identity.Event{ID: "1", At: tourTime}) }()
		<-inside
		start := time.Now()
		if err := s.AppendEvent(t.Context(), identity.Event{ID: "2", At: tourTime}); err == nil {
			t.Error("stored out of turn")
		}
		if waited := time.Since(start); waited != bunstore.DefaultCallTimeout {
			t.Errorf("waited %s, want %s", waited, bunstore.DefaultCallTimeout)
		}
		leave() // both have the same end, and the first may not have seen it
		close(release)
		if err := <-done; err == nil {
			t.Errorf("the call that was stuck: %v", err)
		}
		time.Sleep(time.Second) // what is left in the group's goroutine ends
	})
}
