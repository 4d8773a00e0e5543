package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// onlyTheFile fails if there are other files beside the database: after a server has
// ended, a copy of the one file must be complete.
func onlyTheFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s is still beside the database", e.Name())
		}
	}
}

// written opens a store and writes an event, so that its write-ahead log is not empty.
func written(t *testing.T, path, id string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AppendEvent(t.Context(), audit.Event{ID: id, At: time.Now()}, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// inUse takes connections from the pool and reads on each of them.
func inUse(t *testing.T, s *sqlite.Store, n int) (all []*sql.Conn) {
	t.Helper()
	for range n {
		c, err := s.DB().DB.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ExecContext(t.Context(), "SELECT 1 FROM rekey_users"); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// The pool is closed while connections are in use, which then end at the same time.
func TestCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "rekey.db")
	for round := range 50 {
		s := written(t, path, strconv.Itoa(round))
		held := inUse(t, s, 1+round%4)
		closed := make(chan error, 1)
		go func() {
			err := s.DB().Close()
			if n := s.DB().Stats().OpenConnections; n > 0 {
				t.Errorf("Close returned with %d connections open", n)
			}
			closed <- err
		}()
		for errors.Is(s.DB().PingContext(ended), context.Canceled) { // until Close has begun: then it is "closed"
			runtime.Gosched()
		}
		var wg sync.WaitGroup
		for _, c := range held {
			wg.Go(func() { _ = c.Close() })
		}
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		onlyTheFile(t, path)
	}
}

// The store prepares statements after it has answered, on a separate connection.
func TestCloseRightAfterAnAnswer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rekey.db")
	for round := range 20 {
		s := written(t, path, "a"+strconv.Itoa(round))
		if err := s.AppendEvent(t.Context(), audit.Event{ID: "b" + strconv.Itoa(round), At: time.Now()}, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.DB().Close(); err != nil {
			t.Fatal(err)
		}
		onlyTheFile(t, path)
	}
}

// Stores on one file close at the same time, as those of several processes may.
func TestStoresThatCloseTogetherLeaveOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rekey.db")
	for round := range 20 {
		var wg sync.WaitGroup
		stores := []*sqlite.Store{written(t, path, "a"+strconv.Itoa(round)), written(t, path, "b"+strconv.Itoa(round))}
		for _, s := range stores {
			wg.Go(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		onlyTheFile(t, path)
	}
}

// A file that was moved away is not created again as an empty file.
func TestCloseMakesNoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rekey.db")
	s := written(t, path, "1")
	open(t, path) // keeps the write-ahead log beside the moved file
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("made again: %v", err)
	}
}
