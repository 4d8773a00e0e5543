package main_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"
)

// Session settings that the store does not expect, in the address or in the database,
// do no harm.
func TestSessionSettings(t *testing.T) {
	onEachServer(t, func(t *testing.T, address, password string) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		addresses := map[string]string{"mysql": "autocommit=0&clientFoundRows=true&sql_mode=%27%27", "postgres": "default_query_exec_mode=simple_protocol&bytea_output=escape"}
		if u.Scheme == "postgres" {
			db, err := sql.Open("pgx", address)
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range []string{"bytea_output = 'escape'", "standard_conforming_strings = off"} {
				if _, err := db.ExecContext(t.Context(), "ALTER DATABASE "+strings.Trim(u.Path, "/")+" SET "+statement); err != nil {
					t.Fatal(err)
				}
			}
			_ = db.Close()
		}
		u.RawQuery = addresses[u.Scheme]
		dir := t.TempDir()
		env := append(loadEnv(), "REKEY_DB="+u.String(), "REKEY_SECRET="+strings.Repeat("k", 40))
		must := func(stdin string, args ...string) string {
			t.Helper()
			r := runEnv(t, dir, env, stdin, args...)
			if r.code != 0 {
				t.Fatalf("%v: exit status %d: %s", args, r.code, r.err)
			}
			return r.out
		}
		must("", "client", "add", "-id", clientID)
		must(oldPassword, "user", "add", "-mobile", mobile)
		phone := newReceiver(t)
		s := start(t, dir, env, "-sms", "webhook="+phone.URL)
		mustPost(t, s.addr, sendPath, sendBody)
		mustPost(t, s.addr, resetPath, resetBody(phone.next(t).Params["code"], newPassword))
		phone.next(t)
		// Every connection sees what another process writes: none keeps an old snapshot.
		for range 3 {
			must("", "client", "disable", "-id", clientID)
			if status, answer := exchange(t, s.addr, sendPath, sendBody); status != 400 || !strings.Contains(answer, "APP.0003") {
				t.Errorf("a disabled client: %d %s", status, answer)
			}
			must("", "client", "enable", "-id", clientID)
			mustPost(t, s.addr, sendPath, sendBody)
			phone.next(t)
		}
		s.terminate(t)
		if code := s.wait(t); code != 0 {
			t.Errorf("exit status %d", code)
		}
		must(newPassword, "user", "check", "-mobile", mobile)
		if out := must("", "events"); strings.Count(out, "password.reset") != 1 {
			t.Errorf("events: %s", out)
		}
		if out := must("", "messages"); strings.Count(out, `"state":"delivered"`) != 5 {
			t.Errorf("messages: %s", out)
		}
	})
}

// A database that a newer version has migrated is not served.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	db, err := sql.Open("sqlite", dir+"/rekey.db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO rekey_migrations (id) VALUES ('9999_later')"); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	for _, args := range []string{"serve -sms console -addr 127.0.0.1:0", "events", "client add -id x", "migrate", "client add -id x -migrate=false"} {
		r := run(t, dir, "", strings.Fields(args)...)
		if r.code != 1 || !strings.Contains(r.err, "9999_later") || !strings.Contains(r.err, "a newer version of rekey has used it") || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit status %d, %q", args, r.code, r.err)
		}
	}
	mustRun(t, dir, "", "backup", "-to", "copy.db") // backup copies a database with any schema
}
