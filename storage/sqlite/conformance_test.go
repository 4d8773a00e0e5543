package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
	"github.com/seed-16109ab2/rekey/storage/storagetest"
)

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// migrated returns the path of a copy of a migrated database: migrating a new file for
// each case takes more time than the rest of the suite.
func migrated(t testing.TB, template string) string {
	t.Helper()
	content, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rekey.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConformance(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the whole suite takes seconds: run it without -short")
	}
	template := filepath.Join(t.TempDir(), "template.db")
	s, err := sqlite.Open(t.Context(), template)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	storagetest.Run(t, func(t *testing.T) identity.Storage { return open(t, migrated(t, template)) })
}
