package sqlite_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// An older version that worked on a newer schema would write rows that the newer
// version misreads.
func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rekey.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if _, err := store.DB().DB.ExecContext(t.Context(), "INSERT INTO rekey_migrations (id) VALUES ('9999_later')"); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(t.Context()); !errors.Is(err, bunstore.ErrSchemaAhead) || !strings.Contains(err.Error(), "9999_later") {
		t.Errorf("Check: %v", err)
	}
	if err := store.Migrate(t.Context()); !errors.Is(err, bunstore.ErrSchemaAhead) {
		t.Errorf("Migrate: %v", err)
	}
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, bunstore.ErrSchemaAhead) {
		t.Errorf("Open: %v", err)
	}
}
