//go:build unix

package sqlite_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
)

// lockedPath turns the test binary into a program that reports whether another process
// holds a lock on the file. A process cannot see its own locks.
const lockedPath = "REKEY_TEST_LOCKED_PATH"

func TestMain(m *testing.M) {
	path := os.Getenv(lockedPath)
	if path == "" {
		os.Exit(m.Run())
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		defer func() { _ = f.Close() }()
		lock := syscall.Flock_t{Type: syscall.F_WRLCK}
		err = syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock)
		fmt.Println(lock.Type != syscall.F_UNLCK)
	}
	if err != nil {
		fmt.Println(err)
	}
}

func locked(t *testing.T, path string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), lockedPath+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// Closing any descriptor of a file gives up all locks that the process has on it. If
// opening the file a second time did that to the first store, another process that
// closes the file would believe itself alone and remove the WAL. What the first store
// commits afterwards would be lost.
func TestSecondOpenKeepsTheLocksOfTheFirst(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rekey.db")
	first := open(t, path)
	if err := first.AppendEvent(t.Context(), audit.Event{ID: "a", At: time.Now()}, nil); err != nil {
		t.Fatal(err)
	}
	if got := locked(t, path); got != "true" {
		t.Fatalf("after the first Open: locked is %s, want true", got)
	}
	open(t, path)
	if got := locked(t, path); got != "true" {
		t.Errorf("after the second Open: locked is %s, want true", got)
	}
}
