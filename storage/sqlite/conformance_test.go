package sqlite_test

import (
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

func TestConformance(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) identity.Storage {
		return open(t, filepath.Join(t.TempDir(), "rekey.db"))
	})
}
