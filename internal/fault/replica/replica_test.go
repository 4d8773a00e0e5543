package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// This is a small run in which the machine is lost once in each way. CONTRIBUTING.md
// describes the large run.
func TestReplica(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute under load: run it without -short")
	}
	counts, err := run(t.Context(), "", "", 3, 4*time.Second, io.Discard)
	if errors.Is(err, errNoLitestream) {
		t.Skip(err)
	}
	if err != nil || counts.resets == 0 || counts.replays == 0 {
		t.Errorf("%v: %v", counts, err)
	}
	t.Log(counts)
}

// A replica that is minutes behind loses resets, and the program finds them.
func TestReplicaThatIsBehindIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds under load: run it without -short")
	}
	settings := filepath.Join(t.TempDir(), "litestream.yml")
	err := os.WriteFile(settings, []byte("dbs:\n  - path: ${REKEY_DB}\n    replica:\n      url: ${REKEY_REPLICA}\n      sync-interval: 10m\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := run(t.Context(), "", settings, 1, 0, io.Discard)
	if errors.Is(err, errNoLitestream) {
		t.Skip(err)
	}
	if counts.lost == 0 || err == nil {
		t.Errorf("%v: %v", counts, err)
	}
}
