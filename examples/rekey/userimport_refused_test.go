package main_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// A fault of the call, or of the whole file, stops the import before it creates
// anything.
func TestRefusedUserImports(t *testing.T) {
	t.Parallel()
	good := "mobile,password_hash,verified\n12345678901," + djangoHash + ",true\n"
	for name, test := range map[string]struct {
		args, file string
		code       int
		says       string
	}{
		"no file":            {"", good, 2, "FILE is missing: CSV with the names of the columns on its first line, or JSON lines"},
		"two files":          {"users " + oldPassword, good, 2, "takes one FILE, but there is another argument"},
		"both":               {"users -verified -unverified", good, 2, "-verified and -unverified exclude each other"},
		"no such file":       {"gone.csv", good, 1, "open gone.csv: no such file"},
		"a folder":           {".", good, 1, ". is a folder"},
		"empty":              {"users", "", 1, "users: it is empty"},
		"empty input":        {"-", good, 1, "standard input: it is empty"},
		"unknown column":     {"users", "mobile,password_hash,name\n", 1, `users: line 1: there is no column "name"; the first line names the columns, which are mobile, password_hash, id, tenant, verified, disabled, password_changed_at`},
		"no header":          {"users", "12345678901," + djangoHash + "\n", 1, "users: line 1: it does not name the columns"},
		"verified not said":  {"users", "mobile,password_hash\n", 2, "users has no column verified: say with -verified or -unverified whether the users have proved to hold their numbers"},
		"bad flag":           {"users -updat", good, 2, "-updat"},
		"bad region":         {"users -default-region XX", good, 2, "-default-region"},
		"dry, no database":   {"users -dry-run", good, 1, "there is no database rekey.db"},
		"dry, bad region":    {"users -dry-run -default-region XX", good, 2, "-default-region"},
		"long history":       {"users -password-history 11", good, 2, "-password-history is 11"},
		"password in a flag": {"users -db postgres://u:hunter2@127.0.0.1:1/db", good, 2, "every process of this machine can read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "users"), test.file, 0o600)
			r := run(t, dir, "", append([]string{"user", "import"}, strings.Fields(test.args)...)...)
			if r.code != test.code || !strings.Contains(r.err, test.says) || strings.Count(r.err, "\n") != 1 || !strings.HasPrefix(r.err, "rekey user import: ") || r.out != "" {
				t.Errorf("exit status %d, %q, %q; want %d and %q", r.code, r.err, r.out, test.code, test.says)
			}
			if strings.Contains(r.err, oldPassword) || strings.Contains(r.err, "hunter2") || strings.Contains(r.err, "pbkdf2") || strings.Contains(r.err, "8901") {
				t.Errorf("%q repeats private data", r.err)
			}
			if files := names(t, dir); len(files) != 1 {
				t.Errorf("made %q", files)
			}
		})
	}
}
