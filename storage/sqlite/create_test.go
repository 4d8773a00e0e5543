package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

func TestOpenLeavesOnlyItsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, filepath.Join(dir, "rekey.db"))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "rekey.db") {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestFileWhereThereAreNoHardLinks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rekey.db")
	for range 2 {
		if err := sqlite.CreateInPlace(path); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "x" {
		t.Errorf("the existing file was overwritten: %q, %v", content, err)
	}
}
