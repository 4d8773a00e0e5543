package bunstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"time"

	"github.com/uptrace/bun/dialect"
)

// sweeper checks a pool after one of its connections turned out to be useless. After a
// failover all of them are, and finding each one would delay a call.
type sweeper struct {
	mu   sync.Mutex
	done chan struct{} // of the sweep under way, or the last one
	last time.Time
}

// sweepEvery is the shortest time between the beginnings of two sweeps. One sweep runs
// at a time.
const sweepEvery = time.Second

// sweep checks the idle connections and closes those that do not answer or are
// read-only. It returns when that is done, or after wait.
func (s *Store) sweep(ctx context.Context, wait time.Duration) {
	if s.engine.oneWriter || s.joined != nil {
		return
	}
	w := s.sweeper
	w.mu.Lock()
	if time.Since(w.last) > sweepEvery {
		w.last, w.done = time.Now(), make(chan struct{})
		go s.check(w.done)
	}
	done := w.done
	w.mu.Unlock()
	enough := time.NewTimer(wait)
	defer enough.Stop()
	select {
	case <-done:
	case <-enough.C:
	case <-ctx.Done():
	}
}

func (s *Store) check(done chan struct{}) {
	defer close(done)
	ctx, cancel := context.WithTimeout(context.Background(), longestSilence)
	defer cancel()
	// All connections are held until the last is checked, so that none is checked twice.
	conns := make([]*sql.Conn, s.db.DB.Stats().Idle)
	var wg sync.WaitGroup
	for i := range conns {
		wg.Go(func() {
			c, err := s.db.DB.Conn(ctx)
			if err != nil {
				return
			}
			conns[i] = c
			if !s.writes(ctx, c) {
				_ = c.Raw(func(any) error { return driver.ErrBadConn })
			}
		})
	}
	wg.Wait()
	for _, c := range conns {
		if c != nil {
			_ = c.Close()
		}
	}
}

// writes reports whether the server of a connection answers and accepts writes.
func (s *Store) writes(ctx context.Context, c *sql.Conn) bool {
	ask := "SHOW transaction_read_only"
	if s.engine.name == dialect.MySQL {
		ask = "SELECT @@read_only"
	}
	if s.isGalera() {
		var name, ready string
		err := c.QueryRowContext(ctx, "SHOW STATUS LIKE 'wsrep_ready'").Scan(&name, &ready)
		if err != nil || ready != "ON" {
			return false
		}
	}
	var readOnly string
	err := c.QueryRowContext(ctx, ask).Scan(&readOnly)
	return err == nil && (readOnly == "off" || readOnly == "0" || readOnly == "OFF")
}
