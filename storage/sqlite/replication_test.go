package sqlite_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// A program that replicates the file, such as Litestream, reads the write-ahead log. It
// keeps a read transaction open, so that the log is not restarted before it has been
// read. Neither the store's writes nor its Close may restart the log.
func TestLogStaysForAReader(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rekey.db")
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	replicator, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(1000)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = replicator.Close() })
	tx, err := replicator.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	var n int
	if err := tx.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM rekey_users").Scan(&n); err != nil {
		t.Fatal(err)
	}
	before := logOf(t, path)
	const checkpoint = 1000 * 4096 // bytes of log after which SQLite makes a checkpoint
	for i := 0; len(logOf(t, path)) < 2*checkpoint; i++ {
		event := audit.Event{ID: fmt.Sprint(i), At: time.Now(), Outcome: strings.Repeat("r", 10_000)}
		if err := s.AppendEvent(t.Context(), event, nil); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasPrefix(logOf(t, path), before) {
		t.Error("the log was restarted while a reader needs it")
	}
	whole := logOf(t, path)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(logOf(t, path), whole) {
		t.Error("closing the store changed the log while a reader needs it")
	}
}

func logOf(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return content
}
