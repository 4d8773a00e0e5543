//go:build unix

package secretfile_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/secretfile"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" a b\r\n": "a b", "\ufeffa": "a", "a\x00\x00": "a", "\u00a0a\u2028": "a", "\u200ba": "a", "\r\n\t": "", "\ufeff \r\n\ufeffa": "a",
	} {
		if got := secretfile.Clean(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, empty := filepath.Join(dir, "pipe"), filepath.Join(dir, "empty")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "is not a file", dir: "is not a file", empty: "the file is empty"} {
		if _, _, err := secretfile.Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, _, err := secretfile.Read(filepath.Join(dir, "gone")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// A user other than root refuses a file that another user owns. Root runs the test
// again as such a user.
func TestForeignOwner(t *testing.T) {
	const variable = "SECRETFILE_TEST_PATH"
	if path := os.Getenv(variable); path != "" {
		if _, err := secretfile.Check(path); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
			t.Errorf("owned by another user: %v", err)
		}
		if _, err := secretfile.Check(path + ".root"); err != nil {
			t.Errorf("owned by root: %v", err)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("this test changes a file's owner: run it as root")
	}
	dir, err := os.MkdirTemp("", "secretfile-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "secret")
	program := filepath.Join(dir, "program")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{path: 0o600, path + ".root": 0o444, program: 0o755} {
		if err := os.WriteFile(name, binary[:len(binary)*int(mode&1)], mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(path, 12345, 12345)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestForeignOwner$")
	cmd.Dir, cmd.Env = "/", []string{variable + "=" + path}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
