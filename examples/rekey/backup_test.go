package main_test

import (
	"bytes"
	"database/sql"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// seedLoad registers the application and the users of load.
func seedLoad(t *testing.T, dir string, env []string) {
	t.Helper()
	if r := runEnv(t, dir, env, "", "client", "add", "-id", clientID); r.code != 0 {
		t.Fatal(r.err)
	}
	for user := range loadUsers {
		if r := runEnv(t, dir, env, loadPassword(user, 0), "user", "add", "-mobile", loadMobile(user)); r.code != 0 {
			t.Fatal(r.err)
		}
	}
}

// underLoad calls f a few times while passwords are being reset.
func underLoad(t *testing.T, dir string, env []string, f func(round int)) {
	t.Helper()
	phone := newReceiver(t)
	s := start(t, dir, env, "-sms", "webhook="+phone.URL)
	stop, resets := make(chan struct{}), make(chan int)
	go func() { resets <- load(t, s.addr, phone, stop) }()
	for round := range 4 {
		receive(t, phone.seen, "load")
		f(round)
	}
	close(stop)
	if n := <-resets; n == 0 {
		t.Error("no resets")
	}
	s.terminate(t)
	s.wait(t)
}

// Each copy that is taken while passwords are being reset shows one moment.
func TestBackupWhileServing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds under load: run it without -short")
	}
	t.Parallel()
	dir := t.TempDir()
	env := append(loadEnv(), "REKEY_SECRET="+strings.Repeat("k", 40))
	seedLoad(t, dir, env)
	underLoad(t, dir, env, func(round int) {
		to := "copy" + string(rune('0'+round)) + ".db"
		if r := runEnv(t, dir, env, "", "backup", "-to", to); r.code != 0 || !strings.HasPrefix(r.out, to+" made.") {
			t.Fatalf("backup: exit status %d: %s%s", r.code, r.out, r.err)
		}
	})
	before := -1
	for round := range 4 {
		name := "copy" + string(rune('0'+round)) + ".db"
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o600 {
			t.Fatalf("%v, %v", info, err)
		}
		db, err := sql.Open("sqlite", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var says string
		if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&says); err != nil || says != "ok" {
			t.Errorf("integrity check: %s, %v", says, err)
		}
		_ = db.Close()
		restored := append(env, "REKEY_DB="+name)
		resets := consistent(t, dir, restored)
		if resets < before {
			t.Errorf("backup %d has %d resets, an earlier one had %d", round, resets, before)
		}
		before = resets
	}
	for _, file := range names(t, dir) {
		if strings.HasPrefix(file, ".rekey") {
			t.Errorf("left %s behind", file)
		}
	}
}

func TestRefusedBackups(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args string
		code int
		says string
	}{
		"no target":     {"backup", 2, "-to is missing"},
		"exists":        {"backup -to there", 1, "there exists, and is left as it is"},
		"no folder":     {"backup -to gone/copy.db", 1, "no such file"},
		"no database":   {"backup -to copy.db -db gone.db", 1, "there is no database gone.db"},
		"PostgreSQL":    {"backup -to copy.db -db postgres://u@h/db", 2, "pg_dump makes a consistent copy"},
		"MariaDB":       {"backup -to copy.db -db mysql://u@h/db", 2, "mariadb-dump --single-transaction"},
		"show and SQL":  {"migrate -show -sql", 2, "exclude each other"},
		"show of none":  {"migrate -show -db gone.db", 1, "there is no database gone.db"},
		"no SQLite":     {"migrate -db there", 1, "not a database"},
		"no connection": {"serve -sms console -db-conns -1", 2, "-db-conns is -1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "there"), strings.Repeat("something else ", 100), 0o600)
			if name != "no database" && name != "no SQLite" && name != "show of none" {
				mustRun(t, dir, "", "migrate")
			}
			before := names(t, dir)
			r := run(t, dir, "", strings.Fields(test.args)...)
			if r.code != test.code || !strings.Contains(r.err, test.says) || strings.Count(r.err, "\n") != 1 {
				t.Errorf("exit status %d, %q; want %d and %q", r.code, r.err, test.code, test.says)
			}
			if after := names(t, dir); len(after) != len(before) {
				t.Errorf("afterwards the folder has %v, before it had %v", after, before)
			}
			if text, err := os.ReadFile(filepath.Join(dir, "there")); err != nil || !strings.HasPrefix(string(text), "something else") {
				t.Errorf("the existing file was changed: %v", err)
			}
		})
	}
}

// The engines' own tools copy a database in use consistently.
func TestDumpWhileServing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds under load: run it without -short")
	}
	onEachServer(t, func(t *testing.T, address, password string) {
		dir := t.TempDir()
		env := append(loadEnv(), "REKEY_SECRET="+strings.Repeat("k", 40), "REKEY_DB="+address)
		seedLoad(t, dir, env)
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		var dumps [][]byte
		underLoad(t, dir, env, func(int) { dumps = append(dumps, tool(t, nil, u, dumper)) })
		for _, dump := range dumps[2:] {
			var copied string
			if u.Scheme == "mysql" {
				copied, _ = freshMySQL(t, os.Getenv("REKEY_TEST_MYSQL"))
			} else {
				copied, _ = freshPostgres(t, os.Getenv("REKEY_TEST_POSTGRES"))
			}
			target, err := url.Parse(copied)
			if err != nil {
				t.Fatal(err)
			}
			tool(t, dump, target, restorer)
			if resets := consistent(t, dir, append(env, "REKEY_DB="+copied)); resets == 0 {
				t.Error("no resets in the copy")
			}
		}
	})
}

var (
	dumper   = map[string][]string{"postgres": {"pg_dump"}, "mysql": {"mariadb-dump", "--single-transaction"}}
	restorer = map[string][]string{"postgres": {"psql", "--quiet", "--set=ON_ERROR_STOP=1"}, "mysql": {"mariadb"}}
)

// tool runs a client program of the engine on a database.
func tool(t *testing.T, stdin []byte, u *url.URL, programs map[string][]string) []byte {
	t.Helper()
	command := programs[u.Scheme]
	path, err := exec.LookPath(command[0])
	if err != nil {
		t.Skipf("to run it, install %s, one of the engine's client programs", command[0])
	}
	password, _ := u.User.Password()
	args := append(command[1:len(command):len(command)], u.Redacted())
	if u.Scheme == "mysql" {
		args = append(command[1:len(command):len(command)], "--host="+u.Hostname(), "--port="+u.Port(), "--user="+u.User.Username(), strings.Trim(u.Path, "/"))
	} else {
		bare := *u
		bare.User = url.User(u.User.Username())
		args[len(args)-1] = bare.String()
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password, "MYSQL_PWD="+password)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", command[0], err, errs.String())
	}
	return out.Bytes()
}
