package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// Store is a bunstore.Store on a file. It is safe for concurrent use.
type Store struct {
	*bunstore.Store
}

// connections is the size of the pool. SQLite has one writer at a time, so more
// connections would only wait for each other, each with its own page cache.
const connections = 4

// Open opens the file, creates it with mode 0600 if it is absent and its folder
// with mode 0700, and applies missing migrations. Several processes may have one
// file open, on one machine.
//
// Open fails for an empty path, for a folder, for a file that cannot be read or written
// or is not a database, and for the name of a database in memory, because each
// connection would have its own. The options are those of package bunstore.
func Open(ctx context.Context, path string, options ...bunstore.Option) (*Store, error) {
	store, err := Connect(path, options...)
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open %s: %w", path, err), store.Close())
	}
	return store, nil
}

// Connect is [Open] without the migrations, and without a check of what the file holds.
// Use it to show or apply the migrations in another way.
func Connect(path string, options ...bunstore.Option) (*Store, error) {
	if path == "" || strings.Contains(path, ":memory:") || strings.HasPrefix(path, "file:") {
		return nil, fmt.Errorf("sqlite: %q is not the path of a file; storage/memory keeps everything in memory", path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if err := createPrivate(abs); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	db, err := openPool(abs)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	store, err := bunstore.New(bun.NewDB(db, sqlitedialect.New()), options...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open %s: %w", path, err), db.Close())
	}
	return &Store{Store: store}, nil
}

// Migrate is Migrate of package bunstore, and waits for other processes that start at
// the same moment. While one of them switches a new file to WAL, SQLite refuses the
// others immediately and ignores their busy time-out.
func (s *Store) Migrate(ctx context.Context) error {
	const patience = 10 * time.Second
	for start := time.Now(); ; {
		err := s.Store.Migrate(ctx)
		var code interface{ Code() int }
		busy := errors.As(err, &code) && code.Code()&0xff == 5 // SQLITE_BUSY and its extended codes
		if !busy || time.Since(start) > patience {
			return err
		}
		select {
		case <-time.After(10*time.Millisecond + rand.N(20*time.Millisecond)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close closes the database, as Close of its DB does. New calls fail. Close waits for
// connections in use, because the last connection that closes moves the write-ahead log
// into the file and removes it. After 10 s Close fails; nothing is lost, but the log
// remains.
func (s *Store) Close() error { return s.DB().Close() }

// createPrivate makes the file before the driver does, because the driver would make it
// readable by other users. The files beside it (-wal, -shm) get the same mode.
func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return err
		}
		info, err = os.Stat(path)
	}
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return err
}

// create makes the file unless another process does so first. It closes the file before
// it gives it its name, because closing a file releases all POSIX locks that this
// process has on it, also those of an open store. For the same reason create never opens
// an existing file.
func create(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".rekey-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if err := f.Close(); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return createInPlace(path)
	}
	return nil
}

// createInPlace is for file systems without hard links.
func createInPlace(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// dsn returns the address of the file with the settings, so that each connection of the
// pool has them.
func dsn(path string) string {
	settings := url.Values{
		"_pragma": {
			"busy_timeout(5000)",
			"journal_mode(WAL)",
			"synchronous(FULL)",
			"foreign_keys(ON)",
			"trusted_schema(OFF)",
		},
		"_txlock": {"immediate"},
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), OmitHost: true, RawQuery: settings.Encode()}
	return u.String()
}
