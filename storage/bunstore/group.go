package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of one group limit how much of other calls' work a call waits for between
// its own work and the commit.
const (
	mostTogether    = 64
	longestTogether = 10 * time.Millisecond
)

// lane is a queue of calls. Each group takes calls from the lanes in turn, so that
// deliveries keep pace with the requests that queue messages, even if many requests
// wait.
type lane int

const (
	requests lane = iota
	deliveries
	lanes
)

// group commits calls together that wait for SQLite's one writer. Each call runs in a
// savepoint of one transaction, and one commit (one fsync) completes all of them. A
// call that finds no other call waiting gets its own transaction, without a savepoint.
//
// Each call is all or nothing: a call that fails is rolled back to its savepoint. All
// calls, also refused ones, return after the commit, because their answers may depend
// on what another call of the group wrote.
type group struct {
	begin   func(context.Context) (*sql.Tx, error)
	cache   *prepared
	timeout time.Duration

	mu      sync.Mutex
	waiting [lanes][]*member
	next    lane
	running bool
}

// member is one call. Its function runs in the group's goroutine, with a context that
// never ends. A context that ends during a statement would interrupt the connection,
// and SQLite would roll back the work of the other members too.
type member struct {
	ctx   context.Context //nolint:containedctx // lives as long as the call
	f     func(conn) error
	begun atomic.Bool // the group began it, or the caller gave it up
	done  chan struct{}

	err      error
	panicked any
}

// errLost says that the engine rolled back the whole transaction because of another
// call. The call has changed nothing and can be run again.
var errLost = errors.New("the transaction ended with another call's failure")

// do runs f in a transaction that other calls may share, and returns once it is
// committed. If ctx ends before f has begun, f is not run.
func (g *group) do(ctx context.Context, in lane, f func(conn) error) error {
	m := &member{ctx: ctx, f: f, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting[in] = append(g.waiting[in], m)
	if !g.running {
		g.running = true
		go g.drain()
	}
	g.mu.Unlock()
	select {
	case <-m.done:
	case <-ctx.Done():
		if m.begun.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		<-m.done // f may still write to what the caller reads; it ends after the current statement
	}
	if m.panicked != nil {
		panic(m.panicked)
	}
	return m.err
}

// drain runs groups until no call waits.
func (g *group) drain() {
	for g.more() {
		g.run()
		g.cache.prepare()
	}
}

func (g *group) more() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running = g.length() > 0
	return g.running
}

func (g *group) length() (n int) {
	for _, queue := range g.waiting {
		n += len(queue)
	}
	return n
}

// take begins the next member, or returns nil. Members whose callers left are
// passed over. alone says that no other member waits.
func (g *group) take() (m *member, alone bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.length() > 0 {
		in := g.next
		g.next = (in + 1) % lanes
		if len(g.waiting[in]) == 0 {
			continue
		}
		m = g.waiting[in][0]
		g.waiting[in][0] = nil // for the garbage collector
		g.waiting[in] = g.waiting[in][1:]
		if m.begun.CompareAndSwap(false, true) {
			return m, g.length() == 0
		}
	}
	return nil, false
}

// run runs one group in one transaction.
func (g *group) run() {
	ctx, cancel := context.WithTimeout(context.Background(), g.timeout)
	defer cancel()
	tx, err := g.begin(ctx)
	if err != nil {
		g.refuse(fmt.Errorf("begin: %w", err))
		return
	}
	var ran []*member
	keep := false
	shared := g.cache.on(tx)
	for began := time.Now(); err == nil && len(ran) < mostTogether && time.Since(began) < longestTogether; {
		m, alone := g.take()
		if m == nil {
			break
		}
		ran = append(ran, m)
		if alone && len(ran) == 1 {
			if m.run(shared); m.failed() {
				break
			}
			keep = true
			continue
		}
		var kept bool
		kept, err = m.runInSavepoint(shared)
		keep = keep || kept
	}
	switch {
	case err != nil || !keep:
		_ = tx.Rollback()
	default:
		if err = tx.Commit(); err != nil {
			err = fmt.Errorf("commit: %w", err)
		}
	}
	for _, m := range ran {
		if err != nil && !m.broken() {
			m.err = err
		}
		close(m.done)
	}
}

// refuse fails all waiting calls. Otherwise each of them would wait just as long, one
// group after the other.
func (g *group) refuse(err error) {
	g.mu.Lock()
	n := g.length()
	g.mu.Unlock()
	for range n {
		m, _ := g.take()
		if m == nil {
			return
		}
		m.err = err
		close(m.done)
	}
}

// run runs the member's function.
func (m *member) run(c conn) {
	defer func() { m.panicked = recover() }()
	own := &memberConn{conn: c, caller: m.ctx}
	m.err = m.f(own)
	if own.failed != nil && m.err == nil {
		m.err = own.failed
	}
}

func (m *member) failed() bool { return m.err != nil || m.panicked != nil }

// broken reports whether the member failed, rather than gave an answer that depends on
// what it read.
func (m *member) broken() bool {
	return m.panicked != nil || m.err != nil && (m.ctx.Err() != nil || !answer(m.err))
}

const savepoint = "rekey"

// runInSavepoint runs the member so that it leaves all of its work or none. An error
// means that the whole transaction is gone, with the work of all members.
func (m *member) runInSavepoint(c conn) (kept bool, err error) {
	ctx := context.Background()
	if _, err := c.ExecContext(ctx, "SAVEPOINT "+savepoint); err != nil {
		return false, fmt.Errorf("%w: %w", errLost, err)
	}
	m.run(c)
	if m.failed() {
		// After SQLITE_FULL, SQLITE_IOERR and similar errors SQLite may have rolled back
		// the whole transaction. Then the savepoint does not exist.
		if _, err := c.ExecContext(ctx, "ROLLBACK TO "+savepoint); err != nil {
			return false, fmt.Errorf("%w: %w", errLost, err)
		}
	}
	if _, err := c.ExecContext(ctx, "RELEASE "+savepoint); err != nil {
		return false, fmt.Errorf("%w: %w", errLost, err)
	}
	return !m.failed(), nil
}

// memberConn runs the statements of one member. It checks the caller's context before
// and after each statement, never during one. After a failed statement it runs no
// other: the transaction may be gone, and each statement would commit on its own.
type memberConn struct {
	conn
	caller context.Context //nolint:containedctx // lives as long as the call
	failed error
}

func (c *memberConn) ExecContext(_ context.Context, query string, args ...any) (res sql.Result, err error) {
	err = c.statement(func(ctx context.Context) error {
		res, err = c.conn.ExecContext(ctx, query, args...)
		return err
	})
	return res, err
}

func (c *memberConn) QueryContext(_ context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = c.statement(func(ctx context.Context) error {
		rows, err = c.conn.QueryContext(ctx, query, args...) //nolint:sqlclosecheck,rowserrcheck // the caller's
		return err
	})
	if err != nil && rows != nil {
		_ = rows.Close()
		rows = nil
	}
	return rows, err
}

func (c *memberConn) statement(run func(context.Context) error) error {
	if c.failed == nil {
		c.failed = c.caller.Err()
	}
	if c.failed == nil {
		c.failed = run(context.WithoutCancel(c.caller))
	}
	if c.failed == nil {
		c.failed = c.caller.Err()
	}
	return c.failed
}
