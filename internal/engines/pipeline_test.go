package engines_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/pgxpipeline"
)

func TestPipelineOfAnotherEngineIsRefused(t *testing.T) {
	if _, err := bunstore.New(freshSQLite(t), bunstore.WithPipeline(pgxpipeline.Pipeline{})); err == nil || !strings.Contains(err.Error(), "PostgreSQL") {
		t.Errorf("on SQLite: %v", err)
	}
	pipelinedPostgres.run(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		if _, err := bunstore.New(fresh(t), bunstore.WithPipeline(nil)); err == nil {
			t.Error("no pipeline was taken for one")
		}
		s, err := bunstore.New((&spy{}).wrap(t, fresh(t)), bunstore.WithPipeline(pgxpipeline.Pipeline{}))
		if err == nil {
			err = s.Migrate(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), "not those of pgx's stdlib") {
			t.Errorf("connections of another driver: %v", err)
		}
	})
}

// A statement that waits for COMMIT may fail. Nothing is stored then, the error says why,
// and the connection serves the next call.
func TestStatementThatWaitedForCommitFails(t *testing.T) {
	pipelinedPostgres.run(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		s := migrated(t, fresh(t))
		if err := s.AppendEvent(t.Context(), event("once"), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := s.IssueCode(t.Context(), issue(1)); err != nil {
			t.Fatal(err)
		}
		redemption := identity.Redemption{
			Now: tourTime, CodeID: "code-1", NumberKey: numberOf, Event: event("once"), Changes: changes("seen", limit.Change{Remember: true}),
		}
		if err := s.RedeemCode(t.Context(), redemption); !errors.Is(err, identity.ErrAlreadyExists) {
			t.Errorf("with the id of another event: %v", err)
		}
		redemption.Event = event("next")
		if err := s.RedeemCode(t.Context(), redemption); err != nil {
			t.Errorf("the code of a redemption that failed: %v", err)
		}
		redemption.Event = event("once")
		if err := s.RedeemCode(t.Context(), redemption); !errors.Is(err, identity.ErrCodeSpent) {
			t.Errorf("a used code, with the id of another event: %v", err)
		}
	})
}

// lossy loses the connection, without a word of the server, when it sends COMMIT.
type lossy struct {
	bunstore.Pipeline
	commits atomic.Int64
	lose    atomic.Bool
}

func (l *lossy) Send(ctx context.Context, conn *sql.Conn, statements []bunstore.Statement) ([]int64, error) {
	if commit := func(s bunstore.Statement) bool { return s.Query == "COMMIT" }; l.lose.Load() && slices.ContainsFunc(statements, commit) {
		l.commits.Add(1)
		return nil, errors.New("write: broken pipe")
	}
	return l.Pipeline.Send(ctx, conn, statements)
}

// When the connection is lost while COMMIT is sent, nobody knows whether it ran: the call
// fails, and is not run again, also if other calls shared its transaction.
func TestLostCommitIsNotSentAgain(t *testing.T) {
	pipelinedPostgres.run(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		p := &lossy{Pipeline: pgxpipeline.Pipeline{}}
		setPipeline(t, db, p)
		s := migrated(t, db)
		p.lose.Store(true)
		if err := s.AppendEvent(t.Context(), event("lost"), nil); err == nil || !strings.Contains(err.Error(), "commit") {
			t.Errorf("error %v, want one of the commit", err)
		}
		if n := p.commits.Load(); n != 1 {
			t.Errorf("COMMIT was sent %d times", n)
		}
	})
}
