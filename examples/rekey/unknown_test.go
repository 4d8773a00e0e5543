package main_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// serve, check and config tell of variables that mean nothing, before anything can fail,
// and repeat no value.
func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	env := []string{"REKEY_CODE_DIGTS=hunter2", "REKEY_VONAGE_API_SECRETS=hunter2", "REKEY_Sms=hunter2", "REKEY_PORT=hunter2", "REKEY_SENDS_PER_CLIENT=hunter2",
		"REKEY_KY=hunter2", "SMS_CODE_DIGTS=hunter2"}
	for command, print := range map[string]func(r result) string{
		"serve -code-digits 5":  func(r result) string { return r.err },
		"check":                 func(r result) string { return r.out },
		"config -code-digits 8": func(r result) string { return r.err },
	} {
		r := runEnv(t, t.TempDir(), env, "", strings.Fields(command)...)
		for _, want := range []string{
			"REKEY_CODE_DIGTS in the environment: there is no setting of this name; did you mean REKEY_CODE_DIGITS?",
			"REKEY_VONAGE_API_SECRETS in the environment: there is no setting of this name; did you mean REKEY_VONAGE_API_SECRET?",
			"REKEY_Sms in the environment: there is no setting of this name; did you mean REKEY_SMS?",
			"REKEY_PORT in the environment: there is no setting of this name",
			"REKEY_SENDS_PER_CLIENT in the environment: there is no setting of this name",
			"REKEY_KY in the environment: there is no setting of this name",
		} {
			if !regexp.MustCompile(`(?m)` + regexp.QuoteMeta(want) + `("|$)`).MatchString(print(r)) {
				t.Errorf("%s lacks %q:\n%s", command, want, print(r))
			}
		}
		if n := strings.Count(r.out+r.err, "there is no setting of this name"); n != 6 || strings.Contains(r.out+r.err, "hunter2") {
			t.Errorf("%s warns %d times, want 6, and without a value:\n%s%s", command, n, r.out, r.err)
		}
	}
	// Other commands do what they are told.
	if r := runEnv(t, t.TempDir(), env, "", "version"); r.code != 0 || r.err != "" {
		t.Errorf("version: exit status %d, %q", r.code, r.err)
	}
}

// read matches a variable where a program reads it.
var read = regexp.MustCompile(`(?:Getenv|LookupEnv|setting)\("(REKEY_[A-Z0-9_]+)"\)|\$\{?(REKEY_[A-Z0-9_]+)`)

// No variable that a program of this repository reads, or that Kubernetes sets, draws a
// warning.
func TestVariablesOfOtherPrograms(t *testing.T) {
	t.Parallel()
	env := []string{
		// For Services called rekey and rekey-db.
		"REKEY_SERVICE_HOST=10.0.0.1", "REKEY_SERVICE_PORT=443", "REKEY_SERVICE_PORT_HTTPS=443", "REKEY_PORT=tcp://10.0.0.1:443", "REKEY_PORT_443_TCP=tcp://10.0.0.1:443",
		"REKEY_PORT_443_TCP_PROTO=tcp", "REKEY_PORT_443_TCP_PORT=443", "REKEY_PORT_443_TCP_ADDR=10.0.0.1",
		"REKEY_DB_SERVICE_HOST=10.0.0.2", "REKEY_DB_PORT=tcp://10.0.0.2:5432", "REKEY_DB_PORT_5432_TCP_ADDR=10.0.0.2",
	}
	found := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if info, err := entry.Info(); err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range read.FindAllStringSubmatch(string(text), -1) {
			found[match[1]+match[2]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range found {
		env = append(env, name+"=") // none of them may change what config prints
	}
	for _, name := range []string{"REKEY_TOKEN", "REKEY_REPLICA", "REKEY_RACE_ROUNDS", "REKEY_TEST_CHROMIUM"} {
		if !found[name] {
			t.Errorf("%s is not among the variables found", name)
		}
	}
	if r := runEnv(t, t.TempDir(), env, "", "config"); r.code != 0 || r.err != "" {
		t.Errorf("exit status %d, %q", r.code, r.err)
	}
}
