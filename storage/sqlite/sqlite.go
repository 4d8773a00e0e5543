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

// SQLite has one writer at a time; more connections only wait for each other,
// and each has a page cache of its own.
const connections = 4

// Open opens the file, creates it with mode 0600 if it is absent and its folder
// with mode 0700, and applies missing migrations. Several processes may have one
// file open, on one machine.
//
// It fails for an empty path and for names of databases in memory, which every
// connection would have one of; and for a path that is a folder, cannot be read
// or written, or holds something else than a database. The options are bunstore's.
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

// Connect is [Open] without the migrations, and without a look at what the file
// holds: for whoever shows or applies them in another way.
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

// Migrate is bunstore's, and waits for other processes that start at the same
// moment: while one switches the new file to WAL, SQLite turns the others away
// at once, whatever their busy time-out.
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
// connections that are in use, because the last one that is closed moves the
// write-ahead log into the file and removes it: after 10 s it fails, with nothing
// lost and the log still there.
func (s *Store) Close() error { return s.DB().Close() }

// createPrivate makes the file before the driver does: it would make it
// readable by others. The files beside it (-wal, -shm) take its mode.
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

// create makes the file unless somebody else does first. It closes it before
// it has its name: to close a file gives up all POSIX locks that this process
// has on it, those of a store that is open already among them. For the same
// reason, a file that exists is never opened here.
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

// dsn holds the settings, so that each connection of the pool has them.
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
