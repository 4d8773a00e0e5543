package main_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver
)

// ownTable describes the table of TestUsersTable.
const ownTable = `{
	"table": "accounts", "id": "account_no", "id_type": "integer", "mobile": "phone", "national": "CN", "password_hash": "secret",
	"verified_at": "phone_ok_at", "password_changed_at": "secret_at", "disabled": "blocked", "where": "closed_at IS NULL"
}`

// A bcrypt hash of oldPassword.
const bcryptHash = "$2a$10$IJR93H4mblVJ8EHXMkp6puarBoIViHboz8hYBp4M8AdCzEBIuIh5."

// Rekey works on the users table of another application, in the same database.
func TestUsersTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "accounts.json"), ownTable, 0o600)
	path := filepath.Join(dir, "rekey.db")
	env := append(webhookEnv(), "REKEY_USERS_TABLE=accounts.json")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, path, "", 0o600)
	exec(`CREATE TABLE accounts (account_no INTEGER PRIMARY KEY, phone TEXT UNIQUE, phone_ok_at INTEGER, secret TEXT, secret_at INTEGER, blocked INTEGER NOT NULL DEFAULT 0, closed_at TEXT)`)
	exec(`INSERT INTO accounts VALUES (7, ?, 1, ?, NULL, 0, NULL), (8, '13900139000', 1, '', NULL, 0, '2026-01-01')`, mobile, bcryptHash)

	if r := runEnv(t, dir, env, "", "client", "add", "-id", clientID); r.code != 0 {
		t.Fatalf("client add: %s", r.err)
	}
	if r := runEnv(t, dir, env, oldPassword, "user", "check", "-mobile", mobile); r.code != 0 {
		t.Errorf("the old hash: %s", r.err)
	}
	if r := runEnv(t, dir, env, "", "check", "-sms", "console"); r.code != 0 || !strings.Contains(r.out, "in the table of accounts.json") {
		t.Errorf("check: exit status %d\n%s", r.code, r.out)
	}
	phone := newReceiver(t)
	s, b := startManaged(t, dir, env, "-sms", "webhook="+phone.URL)
	mustPost(t, s.addr, sendPath, sendBody)
	mustPost(t, s.addr, sendPath, strings.Replace(sendBody, mobile, "13900139000", 1)) // closed: the number belongs to no user
	message := phone.next(t)
	if message.To != "+86"+mobile {
		t.Fatalf("an SMS to %s", message.To)
	}
	mustPost(t, s.addr, resetPath, resetBody(message.Params["code"], newPassword))
	var hash string
	var at sql.NullInt64
	if err := db.QueryRowContext(t.Context(), `SELECT secret, secret_at FROM accounts WHERE account_no = 7`).Scan(&hash, &at); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$") || at.Int64 < 1_700_000_000_000 {
		t.Errorf("the row has the hash %.10s…, set at %v", hash, at)
	}
	if found := b.want(t, 200, "POST", "/v1/users/find", `{"mobile":"`+mobile+`"}`); !strings.Contains(found, `"id":"7"`) {
		t.Errorf("found %s", found)
	}
	b.want(t, 404, "GET", "/v1/users/8", "")
	var report struct {
		Rows     int
		Complete bool
		Findings []any
	}
	if err := json.Unmarshal([]byte(b.want(t, 200, "GET", "/v1/users/report", "")), &report); err != nil || report.Rows != 1 || !report.Complete || report.Findings == nil {
		t.Errorf("the report is %+v, %v", report, err)
	}
	var tables int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_master WHERE name = 'rekey_users'`).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("Rekey's own table of users exists: %d %v", tables, err)
	}

	// Without the description, the same database is refused, because it belongs to another
	// deployment.
	if r := run(t, dir, "", "serve", "-addr", "127.0.0.1:0", "-sms", "console"); r.code != 1 {
		t.Errorf("without -users-table: exit status %d, %s", r.code, r.err)
	}
}

func TestUsersTableFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for says, text := range map[string]string{
		"unknown field":                       strings.Replace(ownTable, "phone_ok_at", "x\", \"verfied\": \"y", 1),
		"id_type must be":                     strings.Replace(ownTable, "integer", "number", 1),
		"times must be":                       strings.Replace(ownTable, `"table"`, `"times": "seconds", "table"`, 1),
		"mobile is required":                  strings.Replace(ownTable, `"mobile": "phone",`, "", 1),
		"exactly one of verified_at":          strings.Replace(ownTable, `"verified_at": "phone_ok_at",`, "", 1),
		"not a name of letters":               strings.Replace(ownTable, "accounts", "accounts; DROP", 1),
		"the region \"XX\" of national":       strings.Replace(ownTable, "CN", "XX", 1),
		"text after the JSON object":          ownTable + "{}",
		"where: it contains a question mark":  strings.Replace(ownTable, "closed_at IS NULL", "a = ?", 1),
		"accounts.json: unexpected EOF":       `{`,
		"accounts.json: invalid character":    `table = accounts`,
		"accounts.json: json: cannot":         `[]`,
		"accounts.json: the file is empty":    ` `,
		"mode 0622, so other users may have ": "",
	} {
		mode := map[bool]os.FileMode{true: 0o622, false: 0o600}[text == ""]
		if text == "" {
			text = ownTable
		}
		path := filepath.Join(dir, "accounts.json")
		writeFile(t, path, text, 0o600)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if r := run(t, dir, "", "serve", "-addr", "127.0.0.1:0", "-sms", "console", "-users-table", "accounts.json"); r.code == 0 || !strings.Contains(r.err, "-users-table") || !strings.Contains(r.err, says) {
			t.Errorf("%s: exit status %d, %q", text, r.code, r.err)
		}
		if r := run(t, dir, "", "check", "-sms", "console", "-users-table", "accounts.json"); r.code == 0 || !strings.Contains(r.out, says) {
			t.Errorf("check of %s: exit status %d, %q", text, r.code, r.out)
		}
	}
}
