package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/identity"
)

// Store is an [identity.Storage] on a database. It is safe for concurrent use.
type Store struct {
	db     *bun.DB
	engine engine
	users  UsersTable
	// ownUsers says that users is the embedder's.
	ownUsers bool
	// writer is the one place in line for a transaction, where the engine has one
	// writer anyway: waiting here is in order, waiting in SQLite's busy handler is
	// sleeping and trying again. Nil for engines with many writers.
	writer chan struct{}
	// joined is the embedder's transaction, if the store is bound to one.
	joined *bun.Tx
}

var _ identity.Storage = (*Store)(nil)

// New returns a store on the database. It fails for a nil db, for dialects other
// than SQLite, PostgreSQL and MySQL, and for options that are wrong; it does not
// touch the database: call [Store.Migrate], or [Store.Check].
//
// An SQLite database must be opened with _txlock=immediate: in a deferred
// transaction a write after a read fails at once under concurrency.
func New(db *bun.DB, options ...Option) (*Store, error) {
	if db == nil {
		return nil, errors.New("bunstore: db is nil")
	}
	e, err := engineOf(db.Dialect().Name())
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, engine: e, users: rekeyUsers}
	for _, option := range options {
		if err := option(s); err != nil {
			return nil, err
		}
	}
	if e.oneWriter {
		s.writer = make(chan struct{}, 1)
	}
	return s, nil
}

// DB returns the database the store works on.
func (s *Store) DB() *bun.DB { return s.db }

// WithTx returns the store bound to a transaction of the embedder's, begun on
// the same database: what it writes is committed or rolled back with the rest.
// A method that fails changes nothing, and leaves the transaction usable.
//
// The transaction belongs to one goroutine, and so does the bound store. Nothing
// is tried again when the engine gives the transaction up: the error says so, and
// the embedder runs it anew. Begin it at READ COMMITTED on PostgreSQL and MySQL;
// on SQLite, while it is open, everybody else who writes waits.
//
// It is for creating people and clients together with rows of the embedder's.
// The steps of a reset rely on transactions of their own: never build a
// [identity.Service] on a bound store.
func (s *Store) WithTx(tx bun.Tx) *Store {
	bound := *s
	bound.joined, bound.writer = &tx, nil
	return &bound
}

// How often a transaction that the engine gave up is run again.
const maxTries = 10

// inTx runs f in a transaction. It is run again when the engine gave it up, so
// f has no effects but through its transaction.
func (s *Store) inTx(ctx context.Context, f func(t *tx) error) error {
	for try := 1; ; try++ {
		err := s.once(ctx, f)
		if err == nil || try == maxTries || s.joined != nil || !s.engine.aborted(err) {
			return cancelled(ctx, err)
		}
		pause := time.Millisecond<<try/2 + rand.N(time.Millisecond<<try)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cancelled adds ctx's error to that of a call which it ended: from a driver
// whose connection was closed under it comes "bad connection" alone.
func cancelled(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// longestLine is how long a call waits for its turn to write. It is far more
// than the calls before it take when all is well; when another process keeps
// the file locked, calls that waited without end would only pile up.
const longestLine = 30 * time.Second

var errLine = fmt.Errorf("waited %s for other transactions", longestLine)

// line waits for the turn to write, where the engine has one writer.
func (s *Store) line(ctx context.Context) (leave func(), err error) {
	if s.writer == nil {
		return func() {}, nil
	}
	patience := time.NewTimer(longestLine)
	defer patience.Stop()
	select {
	case s.writer <- struct{}{}:
		return func() { <-s.writer }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-patience.C:
		return nil, errLine
	}
}

func (s *Store) once(ctx context.Context, f func(t *tx) error) error {
	leave, err := s.line(ctx)
	if err != nil {
		return err
	}
	defer leave()
	t, err := s.begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	committed := false
	defer func() {
		if !committed { // of a savepoint that is released, a rollback would spoil the whole transaction
			_ = t.Rollback()
		}
	}()
	if err := f(&tx{statements{ctx: ctx, db: s.db, conn: t.Tx, engine: s.engine}}); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	committed = true
	return nil
}

// begin begins a transaction, or a savepoint in the one that the store is bound to.
func (s *Store) begin(ctx context.Context) (bun.Tx, error) {
	if s.joined != nil {
		return s.joined.BeginTx(ctx, nil)
	}
	return s.db.BeginTx(ctx, s.engine.tx)
}

// read gives statements outside of a transaction of the store's own.
func (s *Store) read(ctx context.Context) *statements {
	if s.joined != nil {
		return &statements{ctx: ctx, db: s.db, conn: s.joined.Tx, engine: s.engine}
	}
	return &statements{ctx: ctx, db: s.db, conn: s.db.DB, engine: s.engine}
}

type conn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// statements runs SQL with the values as the driver's parameters.
type statements struct {
	ctx    context.Context // lives as long as the call
	db     *bun.DB
	conn   conn
	engine engine
}

// tx is statements inside a transaction; what needs one takes a tx.
type tx struct{ statements }

// exec runs a statement and returns how many rows it changed.
func (t *statements) exec(query string, args ...any) (int64, error) {
	res, err := t.conn.ExecContext(t.ctx, t.engine.rebind(query), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// insert is exec, with ErrAlreadyExists if a unique key refuses the row.
func (t *statements) insert(query string, args ...any) error {
	_, err := t.exec(query, args...)
	if err != nil && t.engine.duplicate(err) {
		return identity.ErrAlreadyExists
	}
	return err
}

// query reads rows into a slice of a model, by column names.
func query[M any](t *statements, q string, args ...any) (models []M, err error) {
	defer func() { err = cancelled(t.ctx, err) }()
	rows, err := t.conn.QueryContext(t.ctx, t.engine.rebind(q), args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	if err := t.db.ScanRows(t.ctx, rows, &models); err != nil {
		return nil, err
	}
	return models, rows.Err()
}

// one is query for a single row, or ErrNotFound.
func one[M any](t *statements, q string, args ...any) (M, error) {
	models, err := query[M](t, q, args...)
	if err == nil && len(models) == 0 {
		err = identity.ErrNotFound
	}
	if err != nil {
		var zero M
		return zero, err
	}
	return models[0], nil
}

// marks is n placeholders.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// tuples is rows placeholders for n columns each.
func tuples(rows, n int) string {
	return strings.TrimSuffix(strings.Repeat("("+marks(n)+"), ", rows), ", ")
}

// millis is how times are stored.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
