package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	// ownUsers says that users is the application's table.
	ownUsers bool
	// prepared is nil if the driver prepares statements itself.
	prepared *prepared
	// group commits calls together that wait for the engine's one writer. SQLite's busy
	// handler would sleep and retry instead. Nil for engines with many writers.
	group *group
	batchers
	pipeline Pipeline // nil for none
	// timeout bounds a call.
	timeout time.Duration
	sweeper *sweeper
	server  *server
	// limitsPurge is where the last purge of counters stopped.
	limitsPurge *limitsPurge
	// joined is the application's transaction, if the store is bound to one.
	joined   *joined
	settings *settings // of SQLite
	onRetry  func(context.Context, Retry)
}

var (
	_ identity.Storage    = (*Store)(nil)
	_ identity.Concurrent = (*Store)(nil)
)

// New returns a store on the database. It fails for a nil db, for dialects other than
// SQLite, PostgreSQL and MySQL, and for wrong options. Call [Store.Migrate] or
// [Store.Check] next.
//
// An SQLite database must be opened with WAL, synchronous FULL, a busy_timeout and
// _txlock=immediate on every connection, and with modernc's driver; package
// storage/sqlite does so. New checks two connections, for at most 5 s, and fails if a
// setting is wrong. It leaves an SQLite database that cannot be reached to Check, and
// does not connect to other engines.
func New(db *bun.DB, options ...Option) (*Store, error) {
	if db == nil {
		return nil, errors.New("bunstore: db is nil")
	}
	e, err := engineOf(db.Dialect().Name())
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, engine: e, users: rekeyUsers, timeout: DefaultCallTimeout, sweeper: &sweeper{}, server: &server{}, limitsPurge: &limitsPurge{}, settings: &settings{}}
	for _, option := range options {
		if err := option(s); err != nil {
			return nil, err
		}
	}
	if err := s.refuseSettings(); err != nil {
		return nil, err
	}
	if e.prepare {
		s.prepared = newPrepared(db.DB)
	}
	if e.oneWriter {
		begin := func(ctx context.Context) (*sql.Tx, error) { return db.DB.BeginTx(ctx, e.tx) }
		s.group = &group{begin: begin, cache: s.prepared, timeout: s.timeout}
	}
	if e.oneTrip {
		s.batchers = newBatchers(s.timeout)
	}
	return s, nil
}

// DB returns the database the store works on.
func (s *Store) DB() *bun.DB { return s.db }

// Concurrency implements [identity.Concurrent]: the bound of the pool, or how many
// calls SQLite commits together.
func (s *Store) Concurrency() int {
	if s.engine.oneWriter {
		return mostTogether
	}
	return s.db.DB.Stats().MaxOpenConnections
}

// LimitShards implements [identity.LimitSharder]: 1 on SQLite, which has one writer, and
// otherwise 8.
func (s *Store) LimitShards() int {
	if s.engine.oneWriter {
		return 1
	}
	return 8
}

// inTx runs f in a transaction, and runs it again if the engine ends the transaction.
// So f must have no effects outside of its transaction.
func (s *Store) inTx(ctx context.Context, f func(t *tx) error) error {
	return s.inLane(ctx, requests, f)
}

// inLane is inTx, in one of the lanes that share the engine's one writer.
func (s *Store) inLane(ctx context.Context, in lane, f func(t *tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	for try, gone := 1, 0; ; {
		err, committing := s.once(ctx, in, f)
		if err == nil || s.joined != nil || ctx.Err() != nil {
			return cancelled(ctx, err)
		}
		switch {
		case (s.engine.aborted(err) || errors.Is(err, errLost)) && try < maxTries:
			if err := s.pause(ctx, try); err != nil {
				return err
			}
			try++
		case !committing && gone < mostConnections && (s.engine.demoted(err) || s.engine.lost(err)):
			gone++
			s.retries(ctx, RetryConnection)
			s.sweep(ctx, time.Duration(gone)*100*time.Millisecond)
		default:
			return err
		}
	}
}

// cancelled adds the error of ctx to the error of a call that ctx ended. A driver whose
// connection was closed reports only "bad connection".
func cancelled(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// once runs f in a transaction. After an error while committing it is unknown whether
// the transaction took effect.
func (s *Store) once(ctx context.Context, in lane, f func(t *tx) error) (err error, committing bool) { //nolint:revive // the error is what matters
	e := s.engine
	e.galera = s.isGalera()
	run := func(c conn) error { return f(&tx{statements{ctx: ctx, db: s.db, conn: c, engine: e}}) }
	switch {
	case s.group != nil:
		return s.group.do(ctx, in, run), false
	case s.joined != nil:
		t, err := s.joined.begin(ctx)
		if err != nil {
			return err, false
		}
		return inside(ctx, t, func() error { return run(t.tx) })
	}
	b, err := s.begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err), false
	}
	var w *witness
	if own, ok := b.conn.(*preparedTx); ok && e.galera {
		b.conn = own.tx // see Galera
		w = s.server.witness()
		defer s.server.giveBack(w)
		inner := f
		f = func(t *tx) error {
			if err := w.write(t); err != nil {
				return err
			}
			return inner(t)
		}
	}
	finished := false
	defer func() {
		if finished && !b.silent() && (err == nil || !s.engine.demoted(err) && !s.engine.lost(err) && ctx.Err() == nil) {
			b.end()
		} else {
			b.giveUp()
		}
		s.prepared.prepare()
	}()
	err, committing = inside(ctx, b.t, func() error { return run(b.conn) })
	finished = true
	if s.pipeline != nil && err != nil && s.engine.duplicate(err) {
		err = identity.ErrAlreadyExists // of a statement that waited
	}
	if w != nil && committing && (err == nil || s.engine.aborted(err)) {
		err = w.saw(ctx, b.held, err)
	}
	return err, committing
}

// commitError says that a commit failed. It is unknown whether the transaction took effect.
type commitError struct{ cause error }

func (e *commitError) Error() string { return "commit: " + e.cause.Error() }
func (e *commitError) Unwrap() error { return e.cause }

// transaction is a transaction or a savepoint.
type transaction interface {
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

// inside commits the transaction if f succeeds, and rolls it back otherwise.
func inside(ctx context.Context, t transaction, f func() error) (err error, committing bool) { //nolint:revive // as once
	committed := false
	defer func() {
		if !committed { // rolling back a released savepoint would spoil the whole transaction
			_ = t.Rollback(ctx)
		}
	}()
	if err := f(); err != nil {
		return err, false
	}
	if err := t.Commit(ctx); err != nil {
		if u, not := errors.AsType[*errUncommitted](err); not {
			return u.cause, false
		}
		return &commitError{err}, true
	}
	committed = true
	return nil, true
}

// read returns statements that run outside of the store's transactions.
func (s *Store) read(ctx context.Context) *statements {
	if s.joined != nil {
		return &statements{ctx: ctx, db: s.db, conn: s.joined.conn(), engine: s.engine, alone: s}
	}
	return &statements{ctx: ctx, db: s.db, conn: preparedDB{s.db.DB, s.prepared}, engine: s.engine, alone: s}
}

type conn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// statements runs SQL and passes the values as the driver's parameters.
type statements struct {
	ctx    context.Context // lives as long as the call
	db     *bun.DB
	conn   conn
	engine engine
	// alone is the store, for a query outside of the store's transactions.
	alone *Store
}

// tx is statements inside a transaction. Methods that need a transaction are its
// methods.
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
func query[M any](t *statements, q string, args ...any) ([]M, error) {
	if t.alone == nil {
		return queryOnce[M](t.ctx, t, q, args)
	}
	ctx, cancel := context.WithTimeout(t.ctx, t.alone.timeout)
	defer cancel()
	for gone, try := 1, 1; ; {
		models, err := func() ([]M, error) {
			once, cancel := t.alone.patience(ctx, gone)
			defer cancel()
			return queryOnce[M](once, t, q, args)
		}()
		switch {
		case err == nil || ctx.Err() != nil || t.alone.joined != nil:
			return models, cancelled(ctx, err)
		case t.engine.aborted(err) && try < maxTries:
			if err := t.alone.pause(ctx, try); err != nil {
				return nil, err
			}
			try++
		case t.alone.again(err) && gone <= mostConnections:
			gone++
			t.alone.retries(ctx, RetryConnection)
			t.alone.sweep(ctx, 100*time.Millisecond)
		default:
			return models, err
		}
	}
}

func queryOnce[M any](ctx context.Context, t *statements, q string, args []any) (models []M, err error) {
	defer func() { err = cancelled(ctx, err) }()
	if own := t.pipelined(); own != nil {
		return queryPipelined[M](ctx, t, own, q, args)
	}
	rows, err := t.conn.QueryContext(ctx, t.engine.rebind(q), args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	if err := t.db.ScanRows(ctx, rows, &models); err != nil {
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

// padded repeats the last value of a list until its length is a power of two. Statements
// then have few different texts to prepare. IN finds the same rows.
func padded(list []any) []any {
	for n := len(list); n&(n-1) != 0; n++ {
		list = append(list, list[len(list)-1])
	}
	return list
}

// marks returns n placeholders.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// tuples returns placeholders for that many rows of n columns each.
func tuples(rows, n int) string {
	return strings.TrimSuffix(strings.Repeat("("+marks(n)+"), ", rows), ", ")
}

// millis returns a time as it is stored.
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
