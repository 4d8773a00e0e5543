package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Characters that shells, editors and container tools leave around a value change
// nothing.
func TestStrayBytesInTheEnvironment(t *testing.T) {
	t.Parallel()
	for name, around := range map[string][2]string{
		"line feed": {"", "\n"}, "carriage return": {"", "\r"}, "both": {"", "\r\n"}, "spaces": {" ", "  "}, "tab": {"\t", "\t"},
		"byte-order mark": {"\ufeff", ""}, "no-break space": {"\u00a0", "\u00a0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var env []string
			for _, entry := range []string{"REKEY_DB=r.db", "REKEY_DEFAULT_REGION=DE", "REKEY_COUNTRIES=DE,AT", "REKEY_UNVERIFIED=true", "REKEY_HASH_MEMORY_KIB=20000",
				"REKEY_SECRET=" + strings.Repeat("s", 32)} {
				variable, value, _ := strings.Cut(entry, "=")
				env = append(env, variable+"="+around[0]+value+around[1])
			}
			if r := runEnv(t, dir, env, oldPassword, "user", "add", "-mobile", "015112345678"); r.code != 0 {
				t.Fatalf("exit status %d, %q", r.code, r.err)
			}
			if files := names(t, dir); len(files) != 1 || files[0] != "r.db" {
				t.Errorf("made %q", files)
			}
			// The values find the same secret and database as without these characters.
			if r := runEnv(t, dir, []string{"REKEY_DB=r.db", "REKEY_DEFAULT_REGION=DE", "REKEY_SECRET=" + strings.Repeat("s", 32)}, oldPassword, "user", "check", "-mobile", "015112345678"); r.code != 0 {
				t.Errorf("exit status %d, %q", r.code, r.err)
			}
		})
	}
}

// An address that is neither a path nor a URL would be served as a new empty
// database of that name.
func TestAddressesThatAreNotPaths(t *testing.T) {
	t.Parallel()
	for name, db := range map[string]string{
		"scheme without slashes": "sqlite:r.db", "scheme": "sqlite://r.db", "file": "file:r.db", "parameters": "r.db?_pragma=x",
		"carriage return": "r.db\r", "line feed inside": "r\n.db", "byte-order mark": "\ufeffr.db", "zero-width space": "r\u200b.db", "in memory": ":memory:",
		"quoted": `"r.db"`, "single quotes": "'r.db'", "space at the end": "r.db ", "keywords": "host=127.0.0.1 dbname=r", "folder": "r/",
		"MySQL's form": "root:pw@tcp(127.0.0.1:3306)/r", "one slash": "postgres:/u@h/r", "upper case": "POSTGRES://u@h/r", "host": "localhost:5432/r",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := run(t, dir, "", "client", "add", "-id", "x", "-db", db)
			if r.code != 2 || !strings.Contains(r.err, "-db") || strings.Count(r.err, "\n") != 1 {
				t.Errorf("exit status %d, %q", r.code, r.err)
			}
			if files := names(t, dir); len(files) > 0 {
				t.Errorf("made %q", files)
			}
		})
	}
}

// Passwords from PowerShell and Windows editors.
func TestPasswordsInOtherEncodings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wide := func(s string, bigEndian bool) string {
		var b strings.Builder
		for _, r := range s {
			if bigEndian {
				b.WriteString("\x00" + string(r))
			} else {
				b.WriteString(string(r) + "\x00")
			}
		}
		return b.String()
	}
	for i, stdin := range []string{"\xef\xbb\xbf" + oldPassword + "\r\n", "\xff\xfe" + wide(oldPassword+"\r\n", false), "\xfe\xff" + wide(oldPassword+"\n", true), oldPassword} {
		number := "1234567890" + string(rune('0'+i))
		if r := run(t, dir, stdin, "user", "add", "-mobile", number); r.code != 0 {
			t.Fatalf("%q: exit status %d, %q", stdin, r.code, r.err)
		}
		if r := run(t, dir, oldPassword+"\n", "user", "check", "-mobile", number); r.code != 0 {
			t.Errorf("%q: exit status %d, %q", stdin, r.code, r.err)
		}
	}
	for name, stdin := range map[string]string{
		"UTF-16 without a mark": wide(oldPassword, false), "NUL": "violet-\x00-Harbor-93", "broken after a mark": "\xef\xbb\xbfviolet-\xff-Harbor-93",
		"half a pair": "\xff\xfe" + wide("violet-Harbor", false) + "\x00\xd8\n\x00", "mark alone": "\xef\xbb\xbf\n",
	} {
		if r := run(t, dir, stdin, "user", "add", "-mobile", "12345678909"); r.code != 2 || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit status %d, %q", name, r.code, r.err)
		}
	}
}

// Secrets are read as orchestrators mount them. A file that other users could have
// written is refused.
func TestModesOfSecretFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode, folder os.FileMode
		code         int
		says         string
	}{
		"private":                   {0o600, 0o755, 0, ""},
		"Kubernetes with a group":   {0o440, 0o755, 0, ""},
		"Swarm":                     {0o444, 0o755, 0, "warning: mounted/secret has mode 0444, so all users of this machine can read it"},
		"Swarm, in a closed folder": {0o444, 0o700, 0, ""},
		"writable by the group":     {0o660, 0o700, 1, "mounted/secret has mode 0660, so other users may have changed it"},
		"writable by all":           {0o666, 0o700, 1, "mounted/secret has mode 0666"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			folder := filepath.Join(dir, "mounted")
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, "secret")
			writeFile(t, path, strings.Repeat("s", 32), 0o600)
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(folder, test.folder); err != nil {
				t.Fatal(err)
			}
			r := run(t, dir, "", "client", "add", "-id", "x", "-secret-file", "mounted/secret")
			if r.code != test.code || !strings.Contains(r.err, test.says) || (test.says == "") != (r.err == "") {
				t.Errorf("exit status %d, %q; want %d and %q", r.code, r.err, test.code, test.says)
			}
		})
	}
}

// The rule for secret files holds for the database and the TLS key too.
func TestModesOfOtherFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	certificate(t, dir)
	chmod := func(name string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	chmod("rekey.db", 0o666)
	if r := run(t, dir, "", "events"); r.code != 1 || !strings.Contains(r.err, "database rekey.db has mode 0666") {
		t.Errorf("exit status %d, %q", r.code, r.err)
	}
	chmod("rekey.db", 0o644)
	chmod("key.pem", 0o644)
	s := start(t, dir, nil, "-sms", "console", "-tls-cert", "cert.pem", "-tls-key", "key.pem")
	for _, want := range []string{"database rekey.db has mode 0644", "-tls-key: key.pem has mode 0644"} {
		if !strings.Contains(s.logs.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, s.logs)
		}
	}
	chmod("key.pem", 0o602)
	if r := run(t, dir, "", "serve", "-sms", "console", "-addr", "127.0.0.1:0", "-tls-cert", "cert.pem", "-tls-key", "key.pem"); r.code != 1 || !strings.Contains(r.err, "key.pem has mode 0602") {
		t.Errorf("exit status %d, %q", r.code, r.err)
	}
}

// The owner of a file can change it. So a file of another user is refused, except to
// root, who may work on the files of a service.
func TestFilesOfOtherUsers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	writeFile(t, path, strings.Repeat("s", 32), 0o600)
	if err := os.Chown(path, 12345, -1); err != nil {
		t.Skip("this test changes a file's owner: run it as root: ", err)
	}
	if r := run(t, dir, "", "client", "add", "-id", "x", "-secret-file", "secret"); r.code != 0 || !strings.Contains(r.err, "warning: secret belongs to user 12345, who may have changed it") {
		t.Errorf("exit status %d, %q", r.code, r.err)
	}
}

// A database with users whose secret is missing is not served as if it were new.
func TestMissingSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	secret := filepath.Join(dir, "rekey.db.secret")
	if err := os.Rename(secret, secret+".lost"); err != nil {
		t.Fatal(err)
	}
	r := run(t, dir, "", "serve", "-sms", "console", "-addr", "127.0.0.1:0")
	if r.code != 1 || !strings.Contains(r.err, "the database has users, but its secret rekey.db.secret is missing") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("exit status %d, %q", r.code, r.err)
	}
	if _, err := os.Stat(secret); err == nil {
		t.Error("a secret was made although it must not be")
	}
	mustRun(t, dir, "", "client", "add", "-id", "x", "-new-secret")
	if _, err := os.Stat(secret); err != nil {
		t.Error(err)
	}
}

// A symbolic link leads to one database, and to one secret.
func TestSecretOfALinkedDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"a.db": "data/r.db", "b.db": "a.db"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t, dir, oldPassword, "user", "add", "-mobile", mobile, "-db", "data/r.db")
	for _, db := range []string{"a.db", "b.db", "data/r.db"} {
		mustRun(t, dir, oldPassword, "user", "check", "-mobile", mobile, "-db", db)
	}
	if files := names(t, filepath.Join(dir, "data")); len(files) != 2 {
		t.Errorf("in the folder of the target: %q", files)
	}
	if files := names(t, dir); len(files) != 3 {
		t.Errorf("beside the links: %q", files)
	}
	// Earlier versions kept the secret beside the link.
	if err := os.Rename(filepath.Join(dir, "data/r.db.secret"), filepath.Join(dir, "a.db.secret")); err != nil {
		t.Fatal(err)
	}
	mustRun(t, dir, oldPassword, "user", "check", "-mobile", mobile, "-db", "a.db")
	writeFile(t, filepath.Join(dir, "data/r.db.secret"), strings.Repeat("x", 32), 0o600)
	if r := run(t, dir, oldPassword, "user", "check", "-mobile", mobile, "-db", "a.db"); r.code != 1 || !strings.Contains(r.err, "there are two secrets") {
		t.Errorf("exit status %d, %q", r.code, r.err)
	}
}
