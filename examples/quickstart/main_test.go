package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "quickstart")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

func TestQuickstart(t *testing.T) {
	t.Parallel()
	binary, temp := build(t), t.TempDir()
	var out, errs bytes.Buffer
	cmd := exec.Command(binary)
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{"TMPDIR=" + temp}, &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s after:\n%s", err, &errs, &out)
	}
	steps := []string{
		`Listening on http://127\.0\.0\.1:\d+, on a new SQLite database\.`,
		`Registered the application DRrYIqauawN0I8myTMoDTPys6ezGZxnm and the user 12345678901\.`,
		`Asked for a code: 200\.`,
		`SMS to \+8612345678901: .*\d{6}.*`,
		`Set a new password with it: 200, empty body\.`,
		`The old password is refused\.`,
		`The new password is accepted\.`,
		`The code again: 400 \{.*"SDK\.SMS\.1005".*\}`,
		`SMS to \+8612345678901: .*密码.*`,
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if len(lines) != len(steps) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(steps), &out)
	}
	for i, step := range steps {
		if !regexp.MustCompile("^" + step + "$").MatchString(lines[i]) {
			t.Errorf("line %d is %q, want %s", i+1, lines[i], step)
		}
	}
	if errs.Len() > 0 {
		t.Errorf("standard error: %s", &errs)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestQuickstartFails(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	cmd := exec.Command(build(t))
	cmd.Env, cmd.Stderr = []string{"TMPDIR=" + filepath.Join(t.TempDir(), "missing")}, &errs
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("without a folder for the database: %v", err)
	}
	if !strings.HasPrefix(errs.String(), "quickstart: ") || strings.Count(errs.String(), "\n") != 1 {
		t.Errorf("not one sentence: %q", &errs)
	}
}

// The README shows what the command prints, starting with its first line.
func TestReadmeShowsTheOutput(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "$ go run ./examples/quickstart\n")
	shown, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("README.md does not show the command")
	}
	cmd := exec.Command(build(t))
	cmd.Env = []string{"TMPDIR=" + t.TempDir()}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	changing := regexp.MustCompile(`127\.0\.0\.1:\d+|\b\d{6}\b`) // the port and the code
	if got, want := changing.ReplaceAllString(string(out), "…"), changing.ReplaceAllString(shown, "…"); !strings.HasPrefix(got, want) {
		t.Errorf("it prints\n%s\nand README.md shows\n%s", got, want)
	}
}
