package engines_test

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// call is one call to the driver. A "begin" or "commit" has only its kind.
type call struct {
	kind  string // begin, exec, query, commit
	query string
	args  []any
	ends  bool // its context can end while it runs
}

// spy sits between database/sql and a real driver. It records the calls. Before each
// call it asks the function that set was given whether the call must fail.
type spy struct {
	mu     sync.Mutex
	last   *spyConn // the connection that last began a transaction
	calls  []call
	asking sync.Mutex
	before func(call) error
}

// wrap returns a database that reaches db through the spy. db must have enough
// connections.
func (s *spy) wrap(t testing.TB, db *bun.DB) *bun.DB {
	t.Helper()
	spied := sql.OpenDB(&spyConnector{spy: s, db: db.DB})
	t.Cleanup(func() { _ = spied.Close() })
	wrapped := bun.NewDB(spied, db.Dialect())
	if p, ok := pipelines.Load(db); ok {
		setPipeline(t, wrapped, spiedPipeline{p.(bunstore.Pipeline)})
	}
	return wrapped
}

// spiedPipeline records what it sends: one call "send", whose argument is how many
// statements there are, and after it the statements.
type spiedPipeline struct{ real bunstore.Pipeline }

func (p spiedPipeline) Send(ctx context.Context, conn *sql.Conn, statements []bunstore.Statement) ([]int64, error) {
	var c *spyConn
	if err := conn.Raw(func(raw any) error { c = raw.(*spyConn); return nil }); err != nil {
		return nil, err
	}
	if err := c.spy.see(call{kind: "send", args: []any{len(statements)}, ends: ctx.Done() != nil}); err != nil {
		return nil, err
	}
	for i, s := range statements {
		kind := kindOf(s.Query)
		if s.Row != nil {
			kind = "query"
		}
		if kind == "begin" {
			c.spy.mu.Lock()
			c.spy.last = c
			c.spy.mu.Unlock()
		}
		if refused := c.spy.see(call{kind, s.Query, s.Args, ctx.Done() != nil}); refused != nil {
			rows, err := p.real.Send(ctx, c.held, statements[:i])
			return rows, cmp.Or(err, refused)
		}
	}
	return p.real.Send(ctx, c.held, statements)
}

// during returns the calls that f makes.
func (s *spy) during(f func()) []call {
	s.mu.Lock()
	s.calls = nil
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// set has f called before each call to the driver, in one goroutine at a time. If f is
// nil, no function is called.
func (s *spy) set(f func(call) error) {
	s.asking.Lock()
	defer s.asking.Unlock()
	s.before = f
}

func (s *spy) see(c call) error {
	s.mu.Lock()
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	s.asking.Lock()
	defer s.asking.Unlock()
	if s.before == nil {
		return nil
	}
	return s.before(c)
}

// skipped removes a call that the driver did not make: database/sql then prepares the
// statement and runs that.
func (s *spy) skipped(err error) error {
	if err == driver.ErrSkip {
		s.mu.Lock()
		s.calls = s.calls[:max(0, len(s.calls)-1)]
		s.mu.Unlock()
	}
	return err
}

// rollback ends the last transaction without telling database/sql, like an engine that
// aborts it.
func (s *spy) rollback() error {
	_, err := s.last.real.ExecContext(context.Background(), "ROLLBACK", nil)
	return err
}

type spyConnector struct {
	spy *spy
	db  *sql.DB
}

// Connect borrows a connection of db's pool until it is closed.
func (c *spyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	held, err := c.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	conn := &spyConn{spy: c.spy, held: held}
	return conn, held.Raw(func(raw any) error {
		conn.real = raw.(realConn)
		return nil
	})
}

func (c *spyConnector) Driver() driver.Driver { return c.db.Driver() }

// realConn is the set of methods that the three drivers' connections have in common.
type realConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type spyConn struct {
	spy  *spy
	held *sql.Conn
	real realConn
}

func (c *spyConn) Close() error { return c.held.Close() }
func (c *spyConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}
func (c *spyConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext is not recorded. The runs of the statement are.
func (c *spyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	st, err := c.real.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &spyStmt{Stmt: st, conn: c, query: query}, nil
}

type spyStmt struct {
	driver.Stmt
	conn  *spyConn
	query string
}

func (s *spyStmt) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

func (s *spyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.spy.see(call{"exec", s.query, values(args), ctx.Done() != nil}); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s *spyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.spy.see(call{"query", s.query, values(args), ctx.Done() != nil}); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

func (c *spyConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.real.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *spyConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.spy.see(call{kind: "begin"}); err != nil {
		return nil, err
	}
	tx, err := c.real.BeginTx(ctx, opts)
	c.spy.mu.Lock()
	c.spy.last = c
	c.spy.mu.Unlock()
	return spyTx{c.spy, tx}, err
}

func (c *spyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if query == "ROLLBACK" { // not recorded: as with sql.Tx, no caller sees it
		return c.real.ExecContext(ctx, query, args)
	}
	kind := kindOf(query)
	if err := c.spy.see(call{kind, query, values(args), ctx.Done() != nil}); err != nil {
		return nil, err
	}
	res, err := c.real.ExecContext(ctx, query, args)
	return res, c.spy.skipped(err)
}

func (c *spyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.spy.see(call{"query", query, values(args), ctx.Done() != nil}); err != nil {
		return nil, err
	}
	rows, err := c.real.QueryContext(ctx, query, args)
	return rows, c.spy.skipped(err)
}

// kindOf returns the kind of a statement whose rows nobody reads.
func kindOf(query string) string {
	switch verb, _, _ := strings.Cut(query, " "); verb {
	case "BEGIN":
		return "begin"
	case "COMMIT":
		return "commit"
	}
	return "exec"
}

func values(args []driver.NamedValue) []any {
	v := make([]any, len(args))
	for i, a := range args {
		v[i] = a.Value
	}
	return v
}

// errForgotten makes a commit answer without an error although nothing is stored.
var errForgotten = errors.New("forgotten")

type spyTx struct {
	spy  *spy
	real driver.Tx
}

func (t spyTx) Rollback() error { return t.real.Rollback() }

func (t spyTx) Commit() error {
	if err := t.spy.see(call{kind: "commit"}); err != nil {
		_ = t.real.Rollback()
		if err == errForgotten {
			return nil
		}
		return err
	}
	return t.real.Commit()
}
