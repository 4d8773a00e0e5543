package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "here")
	s := open(t, filepath.Join(dir, "rekey.db"))
	if err := s.AppendEvent(t.Context(), audit.Event{ID: "1", At: time.Now()}, nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{".": 0o700, "rekey.db": 0o600, "rekey.db-wal": 0o600, "rekey.db-shm": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

// Several processes start at the same time on a file that does not exist yet.
func TestOpenConcurrently(t *testing.T) {
	t.Parallel()
	for range 10 {
		path := filepath.Join(t.TempDir(), "rekey.db")
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				s, err := sqlite.Open(t.Context(), path)
				if err != nil {
					t.Errorf("%d: %v", i, err)
					return
				}
				if err := s.AppendEvent(t.Context(), audit.Event{ID: string(rune('a' + i)), At: time.Now()}, nil); err != nil {
					t.Errorf("%d: %v", i, err)
				}
				if err := s.Close(); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if all, err := open(t, path).Events(t.Context(), audit.Query{AfterID: "", Max: 100}); err != nil || len(all) != 8 {
			t.Errorf("%d events, %v", len(all), err)
		}
	}
}

func TestPathsAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "a?mode=memory.db", "a#b.db", "100%.db", "a%00b.db", "数据.db", "a&_pragma=synchronous(OFF).db", "'\"`.db"} {
		dir := t.TempDir()
		open(t, filepath.Join(dir, name))
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOpenRefusesBadFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	content := bytes.Repeat([]byte("this is no database\n"), 100)
	if err := os.WriteFile(text, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", ":memory:", "file::memory:?cache=shared", "file:x.db", dir, filepath.Join(text, "below", "a.db"), text} {
		s, err := sqlite.Open(t.Context(), path)
		if err == nil {
			_ = s.Close()
			t.Errorf("%q opened", path)
		}
	}
	if got, err := os.ReadFile(text); err != nil || !bytes.Equal(got, content) {
		t.Error("a file that is not a database was changed")
	}
}

// Every connection of the pool has the settings, not only the first.
func TestSettingsOnEveryConnection(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "rekey.db"))
	for range 4 {
		c, err := s.DB().DB.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000", "foreign_keys": "1", "trusted_schema": "0"} {
			var got string
			if err := c.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %s (%v), want %s", pragma, got, err, want)
			}
		}
	}
}

// If another process holds the write lock for longer than the busy time-out, a call
// fails, nothing is half done, and calls succeed once the lock is released.
func TestLockedByAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rekey.db")
	s := open(t, path)
	db := s.DB().DB
	db.SetMaxOpenConns(1) // the one that the PRAGMA is for
	if _, err := db.ExecContext(t.Context(), "PRAGMA busy_timeout = 100"); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	event := audit.Event{ID: "1", At: time.Now()}
	if err := s.AppendEvent(ctx, event, nil); err == nil || errors.Is(err, identity.ErrAlreadyExists) {
		t.Errorf("while locked: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.AppendEvent(ctx, event, nil); err != nil {
		t.Errorf("after: %v", err)
	}
	if all, err := s.Events(ctx, audit.Query{AfterID: "", Max: 10}); err != nil || len(all) != 1 {
		t.Errorf("%d events, %v", len(all), err)
	}
}

// The disk is full: SQLite refuses to grow the file.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "rekey.db"))
	db := s.DB().DB
	db.SetMaxOpenConns(1)
	limit := func(pages string) {
		if _, err := db.ExecContext(t.Context(), "PRAGMA max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // no more than it has now
	var full error
	stored := 0
	for i := range 2000 {
		id := string(rune('a'+i/260)) + string(rune('a'+i/10%26)) + string(rune('0'+i%10))
		if full = s.AppendEvent(t.Context(), audit.Event{ID: id, At: time.Now(), Agent: strings.Repeat("x", 200)}, nil); full != nil {
			break
		}
		stored++
	}
	if full == nil {
		t.Fatal("the disk never filled")
	}
	all, err := s.Events(t.Context(), audit.Query{AfterID: "", Max: 5000})
	if err != nil || len(all) != stored {
		t.Errorf("%d events, want %d (%v)", len(all), stored, err)
	}
	limit("1000000")
	if err := s.AppendEvent(t.Context(), audit.Event{ID: "zzz", At: time.Now()}, nil); err != nil {
		t.Errorf("after the disk has room again: %v", err)
	}
}
