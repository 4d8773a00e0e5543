package engines_test

import (
	"context"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// A guess reads the provider of a code's message, also while the result of the delivery is
// being written, and waits for no other transaction.
func TestGuessesDoNotWaitForDeliveries(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		s := migrated(t, db)
		sent := issue(1)
		sent.Messages[0].ID = sent.Code.ID
		if _, err := s.IssueCode(t.Context(), sent); err != nil {
			t.Fatal(err)
		}
		leased, err := s.LeaseMessages(t.Context(), outbox.Lease{Now: tourTime, Until: tourTime.Add(time.Minute), Token: "t", Lane: outbox.LaneCode, KeyIDs: []string{"k"}, Max: 1})
		if err != nil || len(leased) != 1 {
			t.Fatalf("%d messages, %v", len(leased), err)
		}
		provider := func() string {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			charged, err := s.ChargeAttempt(ctx, guess(binding))
			if err != nil || len(charged.Codes) != 1 {
				t.Fatalf("%d codes, %v", len(charged.Codes), err)
			}
			return charged.Codes[0].Provider
		}
		tx, err := db.DB.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		if _, err := tx.ExecContext(t.Context(), "UPDATE rekey_messages SET provider = 'twilio'"); err != nil {
			t.Fatal(err)
		}
		if got := provider(); got != "" {
			t.Errorf("provider %q before the result is committed", got)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := provider(); got != "twilio" {
			t.Errorf("provider %q, want twilio", got)
		}
	})
}
