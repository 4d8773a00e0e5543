package main_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// Each command, and the server, leaves the database as one file, so a copy of that file
// is complete.
func TestNothingIsLeftBesideTheDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	clean := func(what string) {
		t.Helper()
		for _, name := range names(t, dir) {
			if strings.HasPrefix(name, "rekey.db-") {
				t.Errorf("after %s: %s is left", what, name)
			}
		}
	}
	clean("seed")
	commands := []string{
		"client disable -id " + clientID, "client enable -id " + clientID,
		"user disable -mobile " + mobile, "user enable -mobile " + mobile,
		"user check -mobile " + mobile, "user unlock -mobile " + mobile,
		"events", "messages", "check -sms console", "migrate", "migrate -show",
	}
	for round, processors := range []string{"1", "2", "4"} {
		env := []string{"GOMAXPROCS=" + processors}
		all := append(commands, "backup -to "+filepath.Join(t.TempDir(), "copy.db"))
		for _, args := range all {
			if r := runEnv(t, dir, env, oldPassword, strings.Fields(args)...); r.code != 0 {
				t.Errorf("round %d: %s: exit status %d: %s", round, args, r.code, r.err)
			}
			clean(args)
		}
		s := start(t, dir, env, "-sms", "console")
		s.terminate(t)
		if code := s.wait(t); code != 0 {
			t.Errorf("serve: exit status %d", code)
		}
		clean("serve")
	}
}
