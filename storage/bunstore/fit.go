package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/uptrace/bun/dialect"
)

// ErrUnfit says that the server lacks something that a reset relies on, or has it in
// name only. Servers that speak PostgreSQL's protocol differ in this.
var ErrUnfit = errors.New("bunstore: unfit server")

// server holds what a store has found out about its server.
type server struct {
	mu     sync.Mutex
	fit    bool
	galera bool
	// witnesses are the keys of rows for witness that no transaction uses now.
	witnesses []string
}

// probe checks once that the server does what the store relies on.
func (s *Store) probe(ctx context.Context) error {
	if s.joined != nil || s.engine.oneWriter {
		return nil
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.fit {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := s.unaborted(ctx, func() (err error) {
		if s.engine.name == dialect.PG {
			return s.probePostgres(ctx)
		}
		s.server.galera, err = s.probeGalera(ctx)
		return err
	})
	s.server.fit = err == nil
	return err
}

// probePostgres tries what the store needs, in transactions that it rolls back. It
// tries a lock on two connections, because some servers accept the functions for
// locks but do not lock.
func (s *Store) probePostgres(ctx context.Context) error {
	conn, err := s.db.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if s.pipeline != nil {
		if _, err := s.pipeline.Send(ctx, conn, []Statement{{Query: "SELECT 1"}}); err != nil {
			return fmt.Errorf("bunstore: WithPipeline: %w", err)
		}
	}
	t := &pgTx{held: conn, timeout: s.timeout}
	defer func() { _ = t.Rollback(ctx) }()
	key := rand.Int64()
	if err := t.lock(ctx, key); err != nil {
		return s.unfit(ctx, "it refuses how each transaction begins (READ COMMITTED, set_config, pg_advisory_xact_lock)", err)
	}
	var isolation, timeout string
	var effective sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT current_setting('transaction_isolation'), current_setting('lock_timeout'), "+
		"current_setting('yb_effective_transaction_isolation_level', true)").Scan(&isolation, &timeout, &effective); err != nil {
		return s.unfit(ctx, "it does not tell its settings (current_setting)", err)
	}
	switch {
	case isolation != "read committed":
		return s.unfit(ctx, "a transaction that asks for READ COMMITTED runs at "+isolation, nil)
	case effective.Valid && effective.String != "" && effective.String != "read committed":
		return s.unfit(ctx, "a transaction that asks for READ COMMITTED runs at "+effective.String+": start it with yb_enable_read_committed_isolation=true", nil)
	case timeout == "0":
		return s.unfit(ctx, "set_config does not set lock_timeout for a transaction", nil)
	}
	if s.db.DB.Stats().MaxOpenConnections == 1 {
		return nil // a second connection would wait for the first
	}
	var locks bool
	if err := s.db.DB.QueryRowContext(ctx, "SELECT NOT pg_try_advisory_xact_lock($1)", key).Scan(&locks); err != nil {
		return s.unfit(ctx, "it lacks pg_try_advisory_xact_lock", err)
	}
	if !locks {
		return s.unfit(ctx, "its advisory locks do not lock: two guesses at one number could pass as one", nil)
	}
	return nil
}

// unfit returns an error that wraps ErrUnfit, or err if the server just cannot be
// reached.
func (s *Store) unfit(ctx context.Context, why string, err error) error {
	if err != nil && (ctx.Err() != nil || s.engine.lost(err) || s.engine.demoted(err) || s.engine.aborted(err)) {
		return err
	}
	var version string
	if s.db.DB.QueryRowContext(ctx, "SELECT version()").Scan(&version) != nil {
		version = "the server"
	}
	version, _, _ = strings.Cut(version, " on ") // the compiler and the like
	wrapped := fmt.Errorf("%w: %s calls itself PostgreSQL-compatible, but %s; use PostgreSQL, or a server with all features that docs/storage.md lists", ErrUnfit, version, why)
	if err != nil {
		wrapped = fmt.Errorf("%w: %w", wrapped, err)
	}
	return wrapped
}
