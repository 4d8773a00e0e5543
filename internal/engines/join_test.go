package engines_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
)

// The application's row and ours are committed or rolled back together.
func TestJoinATransaction(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		exec(t, db, "CREATE TABLE orders (id INTEGER PRIMARY KEY, owner VARCHAR(64))")
		s := migrated(t, db)
		orders := func() (n int) {
			t.Helper()
			if err := db.DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM orders").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		user := identity.User{ID: "1", Mobile: "+8613912345678", PasswordHash: "hash"}
		both := func(order int, u identity.User) func(context.Context, bun.Tx) error {
			return func(ctx context.Context, tx bun.Tx) error {
				joined := s.WithTx(tx)
				if _, err := tx.Tx.ExecContext(ctx, map[int]string{1: "INSERT INTO orders VALUES (1, 'a')", 2: "INSERT INTO orders VALUES (2, 'b')"}[order]); err != nil {
					return err
				}
				if err := joined.CreateUser(ctx, u); err != nil {
					return err
				}
				if err := joined.AppendEvent(ctx, audit.Event{ID: "event-" + u.ID, At: tourTime}, nil); err != nil {
					return err
				}
				if _, err := joined.UserByMobile(ctx, "", u.Mobile); err != nil {
					t.Errorf("a row that was written in the transaction is missing: %v", err)
				}
				return nil
			}
		}

		// After a rollback neither row is stored.
		errOurs := errors.New("the application has changed its mind")
		err := db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
			if err := both(1, user)(ctx, tx); err != nil {
				return err
			}
			return errOurs
		})
		if !errors.Is(err, errOurs) {
			t.Fatal(err)
		}
		if _, err := s.UserByMobile(t.Context(), "", user.Mobile); !errors.Is(err, identity.ErrNotFound) || orders() != 0 {
			t.Errorf("after a rollback: %v, %d orders", err, orders())
		}

		// After a commit both rows are stored.
		if err := db.RunInTx(t.Context(), nil, both(1, user)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.UserByMobile(t.Context(), "", user.Mobile); err != nil || orders() != 1 {
			t.Errorf("after a commit: %v, %d orders", err, orders())
		}

		// Our call is refused and the application continues: the transaction can still
		// be used.
		err = db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
			joined := s.WithTx(tx)
			if err := joined.CreateUser(ctx, identity.User{ID: "2", Mobile: user.Mobile}); !errors.Is(err, identity.ErrAlreadyExists) {
				t.Errorf("a taken number: %v", err)
			}
			if err := joined.CreateClient(ctx, identity.Client{ID: "app", CreatedAt: tourTime}); err != nil {
				t.Errorf("after a refusal: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ClientByID(t.Context(), "app"); err != nil {
			t.Error(err)
		}
	})
}

// While an application's transaction is open, the store's own calls proceed or wait for
// it. There is no deadlock.
func TestJoinedStoreDoesNotBlockTheStore(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		s := migrated(t, db)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		done := make(chan error, 1)
		err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			if err := s.WithTx(tx).CreateUser(ctx, identity.User{ID: "1", Mobile: "+8613912345678"}); err != nil {
				return err
			}
			go func() { done <- s.CreateUser(ctx, identity.User{ID: "2", Mobile: "+8613912345679"}) }()
			time.Sleep(100 * time.Millisecond)
			return s.WithTx(tx).AppendEvent(ctx, audit.Event{ID: "e", At: tourTime}, nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("a call of the store itself: %v", err)
		}
	})
}
