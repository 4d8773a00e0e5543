package secretfile_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/secretfile"
)

// Processes that start at the same time on an empty folder all get the same secret.
func TestMakeSecretTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	got := make([]string, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			if err := secretfile.Make(path); err != nil {
				t.Error(err)
			}
			text, _, err := secretfile.Read(path)
			if err != nil {
				t.Error(err)
			}
			got[i] = text
		})
	}
	wg.Wait()
	for _, secret := range got {
		if secret != got[0] || len(secret) < 32 {
			t.Fatal("the secrets differ, or are short")
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
