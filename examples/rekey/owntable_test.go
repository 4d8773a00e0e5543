package main_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// The commands on users work on the application's own table, with integer ids and
// numbers as the application writes them.
func TestUserCommandsOnOwnTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "accounts.json"), ownTable, 0o600)
	path := filepath.Join(dir, "rekey.db")
	writeFile(t, path, "", 0o600)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE accounts (account_no INTEGER PRIMARY KEY, phone TEXT UNIQUE CHECK (phone <> '12345678909'), phone_ok_at INTEGER, secret TEXT, secret_at INTEGER,
		blocked INTEGER NOT NULL DEFAULT 0, closed_at TEXT); INSERT INTO accounts VALUES (9, '12345678901', 1, '$1$salt$hash', NULL, 0, NULL), (100, '12345678902', NULL, '', NULL, 1, NULL)`); err != nil {
		t.Fatal(err)
	}
	env := []string{"REKEY_USERS_TABLE=accounts.json"}
	must := func(stdin string, args string) string {
		t.Helper()
		r := runEnv(t, dir, env, stdin, strings.Fields(args)...)
		if r.code != 0 {
			t.Fatalf("%s: exit status %d, %s", args, r.code, r.err)
		}
		return r.out
	}
	must("", "migrate")
	lines := []string{"id,mobile,password_hash,verified", "7,12345678903," + djangoHash + ",true", "8,12345678909," + djangoHash + ",true", "9,12345678901," + djangoHash + ",true"}
	differ := "line 4: the stored user 9 differs in password_hash"
	r := importLines(t, dir, env, lines)
	if want := "1 added, 0 already there, 0 updated, 1 differ, 1 refused\n"; r.code != 1 || r.out != want || !strings.Contains(r.err, "line 3: refused: ") || !strings.Contains(r.err, "CHECK constraint failed") || !strings.Contains(r.err, differ) {
		t.Errorf("import: exit status %d, %q, %q", r.code, r.out, r.err)
	}
	r = importLines(t, dir, env, []string{"mobile,password_hash,verified,tenant,id", "12345678904," + djangoHash + ",true,,", "12345678904," + djangoHash + ",true,acme,6"})
	said(t, r, 1, "0 added, 0 already there, 0 updated, 0 differ, 2 refused", "line 2: refused: your table of users has integer ids, so the column id must hold one",
		"line 3: refused: your table of users has no column for the tenant", "rekey user import: 2 of 2 lines were refused")
	list := jsonLines(t, must("", "user list -show-numbers"))
	if len(list) != 3 || list[0]["id"] != "7" || list[1]["id"] != "9" || list[2]["id"] != "100" || list[0]["mobile"] != "+8612345678903" || list[1]["hash_scheme"] != "md5-crypt" || list[2]["disabled"] != true {
		t.Errorf("the users are %v", list)
	}
	must("", "user set-mobile -mobile 12345678903 -to 12345678905 -verified")
	must(newPassword, "user set-password -id 7")
	must(newPassword, "user check -mobile 12345678905")
	must("", "user enable -id 100")
	must("", "user erase -id 9 -yes")
	var rows string
	if err := db.QueryRowContext(t.Context(), `SELECT group_concat(account_no || ' ' || phone || ' ' || blocked || ' ' || substr(secret, 1, 9), ', ') FROM (SELECT * FROM accounts ORDER BY account_no)`).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != "7 12345678905 0 $argon2id, 100 12345678902 0 " {
		t.Errorf("the rows are %s", rows)
	}
	if out := must("", "check -sms console"); !strings.Contains(out, "warning  users: 1 ") {
		t.Errorf("check said\n%s", out)
	}
}
