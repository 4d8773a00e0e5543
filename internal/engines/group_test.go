package engines_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

// grouped returns a store whose writer is busy with one call until release is called.
// Calls in between wait, and share a transaction.
func grouped(t *testing.T, test func(t *testing.T, s *bunstore.Store, db *bun.DB, watch *spy, release func(then func(call) error))) {
	t.Helper()
	db, watch := freshSQLite(t), &spy{}
	migrated(t, db)
	spied := watch.wrap(t, db)
	synctest.Test(t, func(t *testing.T) {
		s := store(t, spied)
		busy, inside := make(chan struct{}), make(chan struct{})
		var first bool
		var later func(call) error
		watch.set(func(c call) error {
			switch {
			case c.kind == "commit" && !first:
				first = true
				close(inside)
				<-busy
			case later != nil:
				return later(c)
			}
			return nil
		})
		answered := make(chan error, 1)
		go func() { answered <- s.AppendEvent(t.Context(), event("first"), nil) }()
		<-inside
		test(t, s, db, watch, func(then func(call) error) {
			synctest.Wait() // all calls wait in line
			later = then
			close(busy)
			if err := <-answered; err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		watch.set(nil)
	})
}

func event(id string) audit.Event { return audit.Event{ID: id, At: tourTime} }

func events(t testing.TB, db *bun.DB) map[string]bool {
	t.Helper()
	rows, err := db.DB.QueryContext(context.Background(), "SELECT id FROM rekey_events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	found := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		found[id] = true
	}
	return found
}

// appendAll appends the events "0" to "n-1" at the same time.
func appendAll(ctx context.Context, s *bunstore.Store, n int) (errs []error, wait func()) {
	var wg sync.WaitGroup
	errs = make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = s.AppendEvent(ctx, event(fmt.Sprint(i)), nil) })
	}
	return errs, wg.Wait
}

func commits(calls []call) (n int) {
	for _, c := range calls {
		if c.kind == "commit" {
			n++
		}
	}
	return n
}

// Calls that wait share one fsync, so throughput grows with the number of waiting
// calls.
func TestWaitingCallsShareACommit(t *testing.T) {
	t.Parallel()
	grouped(t, func(t *testing.T, s *bunstore.Store, db *bun.DB, watch *spy, release func(func(call) error)) {
		errs, wait := appendAll(t.Context(), s, 40)
		calls := watch.during(func() {
			release(nil)
			wait()
		})
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		// It takes two commits if the machine takes more than 10 ms for the first call.
		if n := commits(calls); n > 5 {
			t.Errorf("%d commits for 40 calls that waited together", n)
		}
		if n := len(events(t, db)); n != 41 {
			t.Errorf("%d events, want 41", n)
		}
	})
}

// A call that finds no other call waiting takes no savepoint.
func TestLoneCallTakesNoSavepoint(t *testing.T) {
	t.Parallel()
	db, watch := freshSQLite(t), &spy{}
	s := migrated(t, watch.wrap(t, db))
	calls := watch.during(func() {
		if err := s.AppendEvent(t.Context(), event("1"), nil); err != nil {
			t.Error(err)
		}
	})
	var kinds []string
	for _, c := range calls {
		kinds = append(kinds, c.kind)
	}
	if fmt.Sprint(kinds) != "[begin exec commit]" {
		t.Errorf("calls %v", kinds)
	}
}

// A refusal, a duplicate and a broken statement do not harm other calls.
func TestFailureHarmsNoOtherCall(t *testing.T) {
	t.Parallel()
	grouped(t, func(t *testing.T, s *bunstore.Store, db *bun.DB, _ *spy, release func(func(call) error)) {
		single := []limit.Limit{{Key: "k", Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}}}}
		var wg sync.WaitGroup
		spends, duplicates := make([]error, 5), make([]error, 5)
		var broken error
		for i := range 5 {
			wg.Go(func() { _, spends[i] = s.Spend(t.Context(), single, tourTime) })
			wg.Go(func() {
				// The event is stored last. If it is a duplicate, the code must be
				// rolled back too.
				code := issue(i)
				code.Event.ID, code.Code.NumberKey = "same", fmt.Appendf(nil, "%032d", i)
				_, duplicates[i] = s.IssueCode(t.Context(), code)
			})
		}
		wg.Go(func() { broken = s.AppendEvent(t.Context(), event("broken"), nil) })
		errs, wait := appendAll(t.Context(), s, 10)
		release(func(c call) error {
			if len(c.args) > 0 && c.args[0] == "broken" {
				return errBroken
			}
			return nil
		})
		wait()
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		if !errors.Is(broken, errBroken) {
			t.Errorf("the broken call: %v", broken)
		}
		count := func(errs []error, refused func(error) bool) (ok int) {
			for _, err := range errs {
				if err == nil {
					ok++
				} else if !refused(err) {
					t.Error(err)
				}
			}
			return ok
		}
		limited := func(err error) bool { _, is := errors.AsType[*limit.Error](err); return is }
		exists := func(err error) bool { return errors.Is(err, identity.ErrAlreadyExists) }
		if n := count(spends, limited); n != 1 {
			t.Errorf("%d of 5 passed a limit of 1", n)
		}
		if n := count(duplicates, exists); n != 1 {
			t.Errorf("%d of 5 stored one event", n)
		}
		if got := rows(t, db); got["codes"] != 1 || got["messages"] != 1 || got["events"] != 12 {
			t.Errorf("rows %v", got)
		}
	})
}

// A caller that leaves while it waits has changed nothing, and the group does not wait
// for it.
func TestCallerLeavesWhileWaiting(t *testing.T) {
	t.Parallel()
	grouped(t, func(t *testing.T, s *bunstore.Store, db *bun.DB, _ *spy, release func(func(call) error)) {
		ctx, leave := context.WithCancel(t.Context())
		left, waitLeft := appendAll(ctx, s, 5)
		synctest.Wait()
		leave()
		waitLeft() // although the writer is still busy
		for _, err := range left {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		kept := make(chan error, 1)
		go func() { kept <- s.AppendEvent(t.Context(), event("kept"), nil) }()
		release(nil)
		if err := <-kept; err != nil {
			t.Error(err)
		}
		if got := events(t, db); len(got) != 2 || !got["kept"] {
			t.Errorf("events %v", got)
		}
	})
}

// If a caller leaves during its statement, the shared transaction is not interrupted.
func TestCallerLeavesDuringItsStatement(t *testing.T) {
	t.Parallel()
	grouped(t, func(t *testing.T, s *bunstore.Store, db *bun.DB, _ *spy, release func(func(call) error)) {
		ctx, leave := context.WithCancel(t.Context())
		errs, wait := appendAll(t.Context(), s, 10)
		gone := make(chan error, 1)
		go func() { gone <- s.AppendEvent(ctx, event("gone"), nil) }()
		release(func(c call) error {
			if c.ends { // SQLite is interrupted when the context ends, and then rolls everything back
				t.Errorf("%s %s can be interrupted", c.kind, c.query)
			}
			if len(c.args) > 0 && c.args[0] == "gone" {
				leave()
			}
			return nil
		})
		wait()
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that left: %v", err)
		}
		if got := events(t, db); len(got) != 11 || got["gone"] {
			t.Errorf("events %v", got)
		}
	})
}

// No call succeeds if the commit failed.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	grouped(t, func(t *testing.T, s *bunstore.Store, db *bun.DB, _ *spy, release func(func(call) error)) {
		errs, wait := appendAll(t.Context(), s, 10)
		// A duplicate was found against rows that are not committed then.
		duplicate := make(chan error, 1)
		go func() { duplicate <- s.AppendEvent(t.Context(), event("0"), nil) }()
		// So was a limit that is full: of two calls, one is refused.
		full := hourly("full", 0, 0)
		full.Rules[0].Rates[0].Limit = 1
		spends := make(chan error, 2)
		for range cap(spends) {
			go func() {
				_, err := s.Spend(t.Context(), []limit.Limit{full}, tourTime)
				spends <- err
			}()
		}
		release(func(c call) error {
			if c.kind == "commit" {
				return errBroken
			}
			return nil
		})
		wait()
		for _, err := range append(errs, <-duplicate, <-spends, <-spends) {
			if !errors.Is(err, errBroken) {
				t.Errorf("error %v", err)
			}
		}
		if got := events(t, db); len(got) != 1 {
			t.Errorf("events %v", got)
		}
	})
}

// After some errors SQLite rolls the whole transaction back by itself. Only the call
// that had the error fails.
func TestEngineRollsEverythingBack(t *testing.T) {
	t.Parallel()
	grouped(t, func(t *testing.T, s *bunstore.Store, db *bun.DB, watch *spy, release func(func(call) error)) {
		errs, wait := appendAll(t.Context(), s, 10)
		full := make(chan error, 1)
		go func() { full <- s.AppendEvent(t.Context(), event("full"), nil) }()
		more, waitMore := appendAll(t.Context(), s, 10)
		_ = more // these are duplicates of the first ten calls: in either order one of two is stored
		release(func(c call) error {
			if len(c.args) > 0 && c.args[0] == "full" {
				if err := watch.rollback(); err != nil {
					t.Error(err)
				}
				return codeError(13) // SQLITE_FULL
			}
			return nil
		})
		wait()
		waitMore()
		for i := range errs {
			if (errs[i] == nil) == (more[i] == nil) {
				t.Errorf("event %d: %v and %v, want one success", i, errs[i], more[i])
			}
		}
		if err := <-full; !errors.Is(err, codeError(13)) {
			t.Errorf("the call that had the error: %v", err)
		}
		if got := events(t, db); len(got) != 11 || got["full"] {
			t.Errorf("events %v", got)
		}
	})
}

// A panic reaches only the call that raised it.
func TestPanicStaysWithItsCall(t *testing.T) {
	t.Parallel()
	grouped(t, func(t *testing.T, s *bunstore.Store, db *bun.DB, _ *spy, release func(func(call) error)) {
		errs, wait := appendAll(t.Context(), s, 10)
		caught := make(chan any, 1)
		go func() {
			defer func() { caught <- recover() }()
			_ = s.AppendEvent(t.Context(), event("panic"), nil)
		}()
		release(func(c call) error {
			if len(c.args) > 0 && c.args[0] == "panic" {
				panic("of the driver")
			}
			return nil
		})
		wait()
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		if p := <-caught; p != "of the driver" {
			t.Errorf("recovered %v", p)
		}
		if got := events(t, db); len(got) != 11 || got["panic"] {
			t.Errorf("events %v", got)
		}
	})
}

// Deliveries get their turn, no matter how many requests wait.
func TestDeliveriesGetTheirTurn(t *testing.T) {
	t.Parallel()
	grouped(t, func(t *testing.T, s *bunstore.Store, _ *bun.DB, watch *spy, release func(func(call) error)) {
		_, wait := appendAll(t.Context(), s, 300)
		synctest.Wait()
		finished := make(chan error, 1)
		go func() {
			lost, err := s.FinishMessages(t.Context(), []outbox.Result{{ID: "none", LeaseToken: "t", State: outbox.Dead, Now: tourTime}})
			if len(lost) != 1 {
				t.Errorf("lost %v", lost)
			}
			finished <- err
		}()
		calls := watch.during(func() {
			release(nil)
			wait()
		})
		if err := <-finished; err != nil {
			t.Error(err)
		}
		inserts := 0
		for _, c := range calls {
			if len(c.query) > 6 && c.query[:6] == "INSERT" {
				inserts++
			}
			if len(c.query) > 6 && c.query[:6] == "UPDATE" {
				if inserts > 3 {
					t.Errorf("a delivery came after %d requests", inserts)
				}
				return
			}
		}
		t.Error("no delivery")
	})
}
