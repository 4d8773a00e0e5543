package bunstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"
)

const (
	lockTable = "rekey_migration_lock"
	// lockLease is how long the row of a process that died stays locked. A process at
	// work renews its lease.
	lockLease = time.Minute
	lockPoll  = 100 * time.Millisecond
)

// lockedByRow uses a row as the lock, for a Galera cluster, where GET_LOCK works on one
// node only or is refused. Of two nodes that take the row, one fails when it commits. If
// a lease ends while its holder is still at work, no harm is done, because each
// statement of a migration can be repeated.
func (s *Store) lockedByRow(ctx context.Context, c *sql.Conn, f func(context.Context, *sql.Conn) error) error {
	if _, err := c.ExecContext(ctx, s.engine.table(lockTable, "id SMALLINT NOT NULL", "holder "+s.engine.str(64)+" NOT NULL", "until BIGINT NOT NULL", "PRIMARY KEY (id)")); err != nil {
		return err
	}
	holder := rand.Text()
	for deadline := time.Now().Add(2 * lockLease); ; {
		taken, err := s.takeRow(ctx, c, holder)
		if err != nil && !s.engine.aborted(err) && !s.engine.duplicate(err) {
			return err
		}
		if taken && err == nil {
			break
		}
		if time.Now().After(deadline) {
			return errors.New("another process has been migrating for two minutes")
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	working, stop := context.WithCancel(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		s.renewRow(working, holder)
	}()
	err := f(ctx, c)
	stop()
	<-renewed
	ctx = context.WithoutCancel(ctx)
	_ = s.unaborted(ctx, func() error { // after all tries, the lease ends by itself
		_, err := c.ExecContext(ctx, "DELETE FROM "+lockTable+" WHERE holder = ?", holder)
		return err
	})
	return err
}

// takeRow takes the lock if it is free or its lease has ended.
func (s *Store) takeRow(ctx context.Context, c *sql.Conn, holder string) (bool, error) {
	now := time.Now()
	until := now.Add(lockLease).UnixMilli()
	res, err := c.ExecContext(ctx, "UPDATE "+lockTable+" SET holder = ?, until = ? WHERE id = 1 AND until < ?", holder, until, now.UnixMilli())
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return n == 1, err
	}
	res, err = c.ExecContext(ctx, "INSERT INTO "+lockTable+" (id, holder, until) VALUES (1, ?, ?)", holder, until)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func (s *Store) renewRow(ctx context.Context, holder string) {
	for {
		select {
		case <-time.After(lockLease / 4):
			_, _ = s.db.DB.ExecContext(ctx, "UPDATE "+lockTable+" SET until = ? WHERE holder = ?", time.Now().Add(lockLease).UnixMilli(), holder)
		case <-ctx.Done():
			return
		}
	}
}
