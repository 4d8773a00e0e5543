package bunstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/uptrace/bun/dialect"
)

// longestSilence is how long a server may take to begin a transaction. The store
// then gives the connection up and continues on another connection: a firewall that
// dropped a connection, or a stopped machine, does not report it. longestSilence
// exceeds lockTimeout, so that a wait for one lock does not count as silence. With a
// pipeline the server may wait for two locks before it answers; the call then goes on over
// another connection.
const (
	longestSilence = 3 * time.Second
	lockTimeout    = 2 * time.Second
)

// mostConnections bounds how many connections one call gives up.
const mostConnections = 4

var errSilent = fmt.Errorf("the connection was silent for %s", longestSilence)

// session is a transaction on a connection that can be given up.
type session struct {
	held   *sql.Conn
	t      transaction
	conn   conn
	cancel context.CancelFunc
}

// begin begins a transaction on a connection of the pool.
func (s *Store) begin(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithCancel(ctx) // database/sql's transactions keep it
	silence := time.AfterFunc(longestSilence, cancel)
	held, err := s.db.DB.Conn(ctx)
	if err != nil {
		if cancel(); !silence.Stop() {
			err = fmt.Errorf("%w: %w", errSilent, err)
		}
		return nil, err
	}
	b := &session{held: held, cancel: cancel}
	if s.engine.name == dialect.PG {
		silence.Stop()
		// Either begins with its first statement.
		if s.pipeline != nil {
			t := &pipelinedTx{held: held, timeout: s.timeout, pipeline: s.pipeline}
			b.t, b.conn = t, t
		} else {
			t := &pgTx{held: held, timeout: s.timeout}
			b.t, b.conn = t, t
		}
		return b, nil
	}
	t, err := held.BeginTx(ctx, s.engine.tx)
	if stopped := silence.Stop(); err == nil && !stopped {
		err = ctx.Err()
	}
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", errSilent, err)
		}
		b.giveUp()
		return nil, err
	}
	b.t, b.conn = &ownTx{tx: t}, s.prepared.on(t)
	return b, nil
}

// end returns the connection to the pool.
func (b *session) end() {
	b.cancel()
	_ = b.held.Close()
}

// giveUp closes the connection instead of returning it to the pool.
func (b *session) giveUp() {
	closeIt := func() {
		_ = b.held.Raw(func(any) error { return driver.ErrBadConn })
		b.end()
	}
	if b.silent() {
		go closeIt() // waits until the driver notices
		return
	}
	closeIt()
}

// silent reports whether the driver still waits for the transaction to end.
func (b *session) silent() bool {
	t, own := b.t.(*ownTx)
	return own && t.silent
}

// sqlTx is a transaction of database/sql's or of bun's.
type sqlTx interface {
	Commit() error
	Rollback() error
}

// ownTx is a transaction of database/sql, whose Commit and Rollback take no context.
// On a silent connection they could block for as long as the connection exists. The
// call does not wait for them; the connection stays in use until the driver notices.
type ownTx struct {
	tx     sqlTx
	silent bool
}

// Commit waits until the call's deadline, and for longestSilence at least. It goes on
// when the caller's context ends: a commit that is under way cannot be taken back, and
// an error would claim that nothing changed.
func (t *ownTx) Commit(ctx context.Context) error {
	patience := longestSilence
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(patience, time.Until(deadline))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return t.within(ctx, t.tx.Commit)
}

func (t *ownTx) Rollback(ctx context.Context) error {
	if t.silent {
		return errSilent
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestSilence)
	defer cancel()
	return t.within(ctx, t.tx.Rollback)
}

func (t *ownTx) within(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		t.silent = true
		return fmt.Errorf("%w: %w", errSilent, ctx.Err())
	}
}

// demoted reports whether a server refused a write because it is a standby now, is
// shutting down, or has lost its cluster. Another server, or a new connection, may
// accept the write.
func (e engine) demoted(err error) bool {
	state, _, mysql := errorCode(err)
	switch e.name {
	case dialect.PG:
		return state == "25006" || strings.HasPrefix(state, "57P")
	case dialect.MySQL:
		// --read-only, read-only transaction, read-only mode, shutdown, Galera not ready.
		return mysql == "1290" || mysql == "1792" || mysql == "1836" || mysql == "1053" || mysql == "1047"
	}
	return false
}

// lost reports whether the connection broke.
func (e engine) lost(err error) bool {
	if e.oneWriter {
		return false
	}
	state, _, _ := errorCode(err)
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, errSilent) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &network) || strings.HasPrefix(state, "08") ||
		strings.HasSuffix(err.Error(), "invalid connection") || strings.HasSuffix(err.Error(), "conn closed")
}

// patience limits the time of a read on its first connections. The last connection
// gets all remaining time, because the server may just be slow.
func (s *Store) patience(ctx context.Context, try int) (context.Context, context.CancelFunc) {
	if s.engine.oneWriter || s.joined != nil || try > 2 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, longestSilence)
}

// again reports whether a read may succeed over another connection.
func (s *Store) again(err error) bool {
	return !s.engine.oneWriter &&
		(errors.Is(err, context.DeadlineExceeded) || s.engine.lost(err) || s.engine.demoted(err))
}
