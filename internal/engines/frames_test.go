package engines_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// On SQLite a step writes pages of 4 KiB, which are appended to the log. The counts may
// fall but must not rise.
func TestPagesWritten(t *testing.T) {
	t.Parallel()
	const steps = 20
	send := func(t *testing.T, s *bunstore.Store, i int) {
		issue := issue(i)
		issue.Code.Binding, issue.Code.NumberKey = fmt.Appendf(nil, "%032d", i), fmt.Appendf(nil, "%032d", i)
		issue.Charges = append(charges("send"), hourly(limit.Key(fmt.Sprint("address", i)), 0, 0))
		if _, err := s.IssueCode(t.Context(), issue); err != nil {
			t.Error(err)
		}
	}
	guess := func(t *testing.T, s *bunstore.Store, i int) {
		a := identity.Attempt{Now: tourTime, Binding: fmt.Appendf(nil, "%032d", i), Charges: append(charges("guess"), hourly(limit.Key(fmt.Sprint("address", i)), 0, 0))}
		if _, err := s.ChargeAttempt(t.Context(), a); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		name     string
		step     func(*testing.T, *bunstore.Store, int)
		together bool
		most     float64 // pages for each step
	}{
		{"send", send, false, 17},
		{"guess", guess, false, 2},
		{"send, many together", send, true, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "rekey.db")
			db := openSQLite(t, path)
			s := migrated(t, db)
			send(t, s, -1)
			guess(t, s, -1)
			exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
			if c.together {
				tx, err := db.DB.BeginTx(t.Context(), nil) // all calls wait for this transaction
				if err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				for i := range steps {
					wg.Go(func() { c.step(t, s, i) })
				}
				if err := tx.Rollback(); err != nil {
					t.Error(err)
				}
				wg.Wait()
			} else {
				for i := range steps {
					c.step(t, s, i)
				}
			}
			info, err := os.Stat(path + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			const header, frame = 32, 24 + 4096
			got := float64(info.Size()-header) / frame / steps
			if t.Logf("%.1f pages", got); got > c.most {
				t.Errorf("%.1f pages a step, at most %.1f", got, c.most)
			}
		})
	}
}
