package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun/dialect"
)

// settings remembers whether the settings of an SQLite database were checked and right.
type settings struct{ seen atomic.Bool }

// errSettings holds wrong settings, as opposed to a failure to read them.
type errSettings struct{ faults error }

func (e *errSettings) Error() string {
	return "bunstore: SQLite is not opened as needed: " + e.faults.Error()
}
func (e *errSettings) Unwrap() error { return e.faults }

// checkSettings checks the settings of SQLite's connections. Settings belong to a
// connection, so it checks two of them: a PRAGMA that was sent to one connection only is
// then found.
func (s *Store) checkSettings(ctx context.Context) error {
	if s.engine.name != dialect.SQLite || s.joined != nil || s.settings.seen.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	first, err := s.db.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("bunstore: read SQLite's settings: %w", err)
	}
	defer func() { _ = first.Close() }()
	faults, err := pragmaFaults(ctx, first)
	if err == nil && s.db.DB.Stats().MaxOpenConnections != 1 && len(faults) == 0 {
		faults, err = s.secondConnection(ctx, first)
	}
	if err == nil && len(faults) == 0 {
		faults, err = s.driverFaults(ctx, first)
	}
	if err != nil {
		return fmt.Errorf("bunstore: read SQLite's settings: %w", err)
	}
	if len(faults) > 0 {
		return &errSettings{errors.Join(faults...)}
	}
	s.settings.seen.Store(true)
	return nil
}

// pragmaFaults returns the wrong settings that a PRAGMA can report.
func pragmaFaults(ctx context.Context, c *sql.Conn) (faults []error, err error) {
	var file, mode string
	if err := c.QueryRowContext(ctx, "SELECT COALESCE((SELECT file FROM pragma_database_list WHERE name = 'main'), '')").Scan(&file); err != nil {
		return nil, err
	}
	if file == "" {
		return []error{errors.New("the database is in memory, where each connection may have its own database; use package storage/memory")}, nil
	}
	if err := c.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return nil, err
	}
	if !strings.EqualFold(mode, "wal") {
		faults = append(faults, fmt.Errorf("journal_mode is %s, must be WAL: otherwise readers and the writer block each other; add _pragma=journal_mode(WAL) to the DSN", mode))
	}
	var synchronous, busy int
	if err := c.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return nil, err
	}
	if synchronous < 2 {
		faults = append(faults, errors.New("synchronous must be FULL: otherwise a used code can work again after a power loss; add _pragma=synchronous(FULL) to the DSN"))
	}
	if err := c.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&busy); err != nil {
		return nil, err
	}
	if busy < 1000 {
		faults = append(faults, fmt.Errorf("busy_timeout is %d ms, must be at least 1000: otherwise a writer fails while another writer is active; add _pragma=busy_timeout(5000) to the DSN, which sets it on every connection", busy))
	}
	return faults, nil
}

// secondConnection checks another connection. With it, it also checks that a
// transaction of the first connection takes the write lock when it begins.
func (s *Store) secondConnection(ctx context.Context, first *sql.Conn) (faults []error, err error) {
	second, err := s.db.DB.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = second.Close() }()
	if faults, err = pragmaFaults(ctx, second); err != nil || len(faults) > 0 {
		return faults, err
	}
	t, err := first.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = t.Rollback() }()
	var busy int
	if err := second.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&busy); err != nil {
		return nil, err
	}
	if _, err := second.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return nil, err
	}
	defer func() {
		_, _ = second.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA busy_timeout = %d", busy))
	}()
	if _, err := second.ExecContext(ctx, "BEGIN IMMEDIATE"); err == nil {
		_, _ = second.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		faults = append(faults, errors.New("transactions begin without the write lock: a write after a read then fails if another writer was faster; add _txlock=immediate to the DSN"))
	}
	return faults, nil
}

// driverFaults finds a driver whose error codes cannot be read. With such a driver, a
// number that is already taken would look like a failure of the database.
func (s *Store) driverFaults(ctx context.Context, c *sql.Conn) (faults []error, err error) {
	if _, err := c.ExecContext(ctx, "CREATE TEMP TABLE IF NOT EXISTS rekey_probe (id INTEGER PRIMARY KEY)"); err != nil {
		return nil, err
	}
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS temp.rekey_probe") }()
	if _, err := c.ExecContext(ctx, "INSERT OR IGNORE INTO temp.rekey_probe (id) VALUES (1)"); err != nil {
		return nil, err
	}
	_, err = c.ExecContext(ctx, "INSERT INTO temp.rekey_probe (id) VALUES (1)")
	if err == nil || !s.engine.duplicate(err) {
		faults = append(faults, fmt.Errorf("the driver's errors cannot be read (%T); use modernc.org/sqlite, registered as \"sqlite\"", err))
	}
	return faults, nil
}

// newSettings bounds how long New checks the settings.
const newSettings = 5 * time.Second

// refuseSettings is checkSettings for New. It leaves a database that cannot be reached
// to Check.
func (s *Store) refuseSettings() error {
	ctx, cancel := context.WithTimeout(context.Background(), newSettings)
	defer cancel()
	err := s.checkSettings(ctx)
	if _, wrong := errors.AsType[*errSettings](err); wrong {
		return err
	}
	return nil
}
