package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter/management"
)

func TestTokenNew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "tokens")
	newToken(t, dir, "backend", "users:read,users:write")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v %v", info, err)
	}
	// An editor may leave the last line without an end.
	if err := os.WriteFile(path, []byte(strings.TrimSpace(readFile(t, path))), 0o600); err != nil {
		t.Fatal(err)
	}
	newToken(t, dir, "backend", "all")
	tokens, err := management.ParseTokens(readFile(t, path))
	if err != nil || len(tokens) != 2 || tokens[0].Name != "backend" || len(tokens[0].Scopes) != 2 {
		t.Errorf("the file has %v, %v", tokens, err)
	}
	before := readFile(t, path)
	for says, args := range map[string][]string{
		"-management-tokens is missing": {"-name", "a", "-scopes", "all"},
		"-name is missing":              {"-management-tokens", "tokens", "-scopes", "all"},
		"-scopes is missing":            {"-management-tokens", "tokens", "-name", "a"},
		"not one of all":                {"-management-tokens", "tokens", "-name", "a", "-scopes", "everything"},
		"1 to 64 letters":               {"-management-tokens", "tokens", "-name", "a b", "-scopes", "all"},
	} {
		if r := run(t, dir, "", append([]string{"token", "new"}, args...)...); r.code != 2 || !strings.Contains(r.err, says) || r.out != "" {
			t.Errorf("%v: exit status %d, %q, %q", args, r.code, r.out, r.err)
		}
	}
	if readFile(t, path) != before {
		t.Error("a refused command changed the file")
	}
	if err := os.Chmod(path, 0o622); err != nil {
		t.Fatal(err)
	}
	if r := run(t, dir, "", "token", "new", "-management-tokens", "tokens", "-name", "a", "-scopes", "all"); r.code != 1 || !strings.Contains(r.err, "0622") {
		t.Errorf("with a file that other users can write: exit status %d, %s", r.code, r.err)
	}
}
