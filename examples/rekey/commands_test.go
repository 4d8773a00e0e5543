package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := mustRun(t, dir, "", "version")
	if !regexp.MustCompile(`^rekey \S+ go\S+ \S+/\S+\n$`).MatchString(out) {
		t.Errorf("version said %q", out)
	}
	s := start(t, dir, nil, "-sms", "console")
	if s.line["version"] != strings.Fields(out)[1] {
		t.Errorf("the log says %v, version %s", s.line["version"], out)
	}
}

// The environment takes precedence over the file, and flags over the environment.
func TestSettingsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "rekey.conf"), "\ufeff# comment\r\n\r\ndefault-region = DE\r\ncode-digits=7\r\ncode-lifetime = 3m\r\nsms = vonage\r\nvonage-from = Rekey\r\n"+
		"vonage-api-key = k\r\nvonage-api-secret-file = vonage.secret\r\n", 0o600)
	writeFile(t, filepath.Join(dir, "vonage.secret"), "vonage-secret", 0o600)
	for name, test := range map[string]struct {
		env, args []string
	}{
		"flag":     {[]string{"REKEY_CODE_DIGITS=8"}, []string{"-config", "rekey.conf", "-code-lifetime", "4m"}},
		"variable": {[]string{"REKEY_CODE_DIGITS=8", "REKEY_CODE_LIFETIME=4m", "REKEY_CONFIG=rekey.conf"}, nil},
	} {
		r := runEnv(t, dir, test.env, "", append([]string{"config"}, test.args...)...)
		if r.code != 0 {
			t.Fatalf("%s: exit status %d, %q", name, r.code, r.err)
		}
		for _, want := range []string{"default-region = DE\n", "code-digits = 8\n", "code-lifetime = 4m\n", "sms = vonage\n", "# countries = DE\n", "vonage-from = Rekey\n", "vonage-api-secret-file = vonage.secret\n"} {
			if !strings.Contains("\n"+r.out, "\n"+want) {
				t.Errorf("%s: config lacks %q:\n%s", name, want, r.out)
			}
		}
		if strings.Contains(r.out, "vonage-secret\n") {
			t.Errorf("%s: config shows a secret", name)
		}
		// config prints a settings file that gives the same settings.
		writeFile(t, filepath.Join(dir, "again.conf"), r.out, 0o600)
		if again := mustRun(t, dir, "", "config", "-config", "again.conf"); again != r.out {
			t.Errorf("%s: read again, it is\n%s\nwas\n%s", name, again, r.out)
		}
	}
}

func TestRefusedSettingsFiles(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"code-digits = six":                    `invalid value "six" for code-digits in the settings file: not a whole number`,
		"code-digts = 6":                       "line 1: there is no setting of this name; did you mean code-digits?",
		"\n-code-digits = 6":                   "line 2: there is no setting of this name; did you mean code-digits?",
		"Code-Digits = 6":                      "there is no setting of this name; did you mean code-digits?",
		"hunter2hunter2 =":                     "line 1: there is no setting of this name\n",
		"code-digits":                          `line 1: write "name = value"`,
		"code-digits = 6\ncode-digits = 7":     "line 2: code-digits is set twice",
		"twilio-auth-token = hunter2":          "line 1: twilio-auth-token is a secret: write it to a file of its own, and name that file in twilio-auth-token-file",
		"secret = hunter2":                     "name that file in secret-file",
		"code-digits = 5":                      "-code-digits is 5",
		"db = postgres://u:hunter2@127.0.0.1/": "the settings file holds a password: rekey.conf has mode 0666",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "rekey.conf")
		writeFile(t, path, text, 0o600)
		if strings.HasPrefix(text, "db") {
			if err := os.Chmod(path, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		r := run(t, dir, "", "serve", "-sms", "console", "-addr", "127.0.0.1:0", "-config", "rekey.conf")
		if r.code == 0 || !strings.Contains(r.err, says) || strings.Count(r.err, "\n") != 1 || strings.Contains(r.err, "hunter2") {
			t.Errorf("%q: exit status %d, %q; want %q", text, r.code, r.err, says)
		}
	}
	if r := run(t, t.TempDir(), "", "events", "-config", "gone.conf"); r.code != 1 || !strings.Contains(r.err, "gone.conf") {
		t.Errorf("no file: exit status %d, %q", r.code, r.err)
	}
}

// config prints no secret.
func TestConfigRedacts(t *testing.T) {
	t.Parallel()
	env := []string{"REKEY_DB=postgres://u:hunter2@127.0.0.1:1/db?sslpassword=hunter2", "REKEY_SECRET=hunter2" + strings.Repeat("s", 32), "REKEY_SMS=webhook=https://sms.example/hunter2,twilio",
		"REKEY_WEBHOOK_SECRET=hunter2", "REKEY_TWILIO_AUTH_TOKEN=hunter2", "REKEY_TWILIO_ACCOUNT_SID=AC1"}
	r := runEnv(t, t.TempDir(), env, "", "config")
	if r.code != 0 || strings.Contains(r.out+r.err, "hunter2") {
		t.Errorf("exit status %d, %q:\n%s", r.code, r.err, r.out)
	}
	for _, want := range []string{"twilio-account-sid = AC1", "twilio-auth-token = (redacted)", "db = postgres://127.0.0.1:1/db", "sms = webhook=(redacted),twilio"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("config lacks %q:\n%s", want, r.out)
		}
	}
}

// check reports all faults, makes nothing and sends nothing.
func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url, texts := vonage(t)
	env := []string{"REKEY_VONAGE_ENDPOINT=" + url, "REKEY_VONAGE_API_KEY=abcd1234", "REKEY_VONAGE_FROM=Rekey"}
	r := runEnv(t, dir, env, "", "check", "-sms", "vonage", "-code-digits", "5", "-max-body-bytes", "10")
	if r.code != 2 || !strings.HasSuffix(r.err, "checks above failed\n") {
		t.Errorf("exit status %d, %q", r.code, r.err)
	}
	for _, want := range []string{
		"fault    providers  -sms vonage: missing in the environment: REKEY_VONAGE_API_SECRET\n", "fault    settings   -code-digits is 5, must be 6 to 10\n",
		"fault    adapter    -max-body-bytes is 10", "fault    database   there is no database rekey.db", "fault    secret     secret file rekey.db.secret does not exist\n",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("check lacks %q:\n%s", want, r.out)
		}
	}
	if files := names(t, dir); len(files) > 0 {
		t.Errorf("made %q", files)
	}
	seed(t, dir)
	r = runEnv(t, dir, append(env, "REKEY_VONAGE_API_SECRET=vonage-secret", "REKEY_CODE_DIGTS=7"), "", "check", "-sms", "+86=vonage", "-countries", "CN,HK")
	if r.code != 0 || r.err != "" || strings.Contains(r.out, "fault") || strings.Contains(r.out, "vonage-secret") {
		t.Errorf("exit status %d, %q:\n%s", r.code, r.err, r.out)
	}
	for _, want := range []string{"ok       database   rekey.db\n", "ok       users      has users\n", "warning  numbers of HK are served", "warning  REKEY_CODE_DIGTS in the environment: there is no setting of this name; did you mean REKEY_CODE_DIGITS?\n"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("check lacks %q:\n%s", want, r.out)
		}
	}
	if len(texts) > 0 {
		t.Error("an SMS was sent")
	}
}

// helpOfCommands returns the commands of the overview: for each the line, the name and
// the summary.
func helpOfCommands(t *testing.T) [][]string {
	t.Helper()
	overview := mustRun(t, t.TempDir(), "", "help")
	found := regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z-]+)?)  +(\S.*)`).FindAllStringSubmatch(overview, -1)
	if len(found) < 26 {
		t.Fatalf("the overview has %d commands:\n%s", len(found), overview)
	}
	return found
}

// Every command is explained by both ways of asking for help.
func TestHelpOfEachCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range helpOfCommands(t) {
		words := strings.Fields(c[1])
		one, other := mustRun(t, dir, "", append([]string{"help"}, words...)...), mustRun(t, dir, "", append(words, "-h")...)
		if one != other || !regexp.MustCompile("^Usage: rekey "+c[1]+` \[flags\]( [A-Z]+)?\n\n`).MatchString(one) || !strings.Contains(one, c[2]) {
			t.Errorf("help of %s is\n%s\nand\n%s", c[1], one, other)
		}
	}
}
