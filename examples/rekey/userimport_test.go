package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// djangoHash is a hash of djangoPassword.
const (
	djangoHash     = "pbkdf2_sha256$1000$seasalt2seasalt$UZaMqbjFtHn+qZAx8qlFNJ98Fz7pws/hIaAoJwxEYP4="
	djangoPassword = "lètmein"
	otherHash      = "pbkdf2_sha1$1000$seasalt2seasalt$bqEZQfiXL8i6SzeFCk1WPScNg+A="
)

// importLines writes a file of lines and imports it.
func importLines(t *testing.T, dir string, env, lines []string, flags ...string) result {
	t.Helper()
	writeFile(t, filepath.Join(dir, "users"), strings.Join(lines, "\n")+"\n", 0o600)
	return runEnv(t, dir, env, "", append([]string{"user", "import", "users"}, flags...)...)
}

// said checks an import's summary, its messages about lines, and its exit status.
func said(t *testing.T, r result, code int, summary string, lines ...string) {
	t.Helper()
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
	want := ""
	for _, line := range lines {
		want += line + "\n"
	}
	if got := id.ReplaceAllString(r.err, "ID"); r.code != code || r.out != summary+"\n" || got != want {
		t.Errorf("exit status %d, %q\n%s; want %d, %q\n%s", r.code, r.out, got, code, summary, want)
	}
	for _, private := range []string{"pbkdf2", "$2a$", "12345678"} {
		if strings.Contains(r.out+r.err, private) {
			t.Errorf("%q repeats %s", r.out+r.err, private)
		}
	}
}

func TestUserImport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lines := []string{
		"mobile,password_hash,verified,id,tenant,disabled",
		"12345678901," + djangoHash + ",true,,,",
		"+86 123-4567-8902," + djangoHash + ",false,two,,true",
		"12345678901," + djangoHash + ",true,,acme,",
	}
	said(t, importLines(t, dir, nil, lines), 0, "3 added, 0 already there, 0 updated, 0 differ, 0 refused")
	list := mustRun(t, dir, "", "user", "list")
	if n := strings.Count(mustRun(t, dir, "", "events"), `"type":"user.created"`); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
	said(t, importLines(t, dir, nil, lines), 0, "0 added, 3 already there, 0 updated, 0 differ, 0 refused")
	if again := mustRun(t, dir, "", "user", "list"); again != list || strings.Count(list, "Django pbkdf2_sha256") != 2 {
		t.Errorf("users were\n%s\nand are\n%s", list, again)
	}
	two := jsonLines(t, mustRun(t, dir, "", "user", "show", "-id", "two", "-show-numbers"))[0]
	if two["mobile"] != "+8612345678902" || two["disabled"] != true || two["verified_at"] != nil {
		t.Errorf("the user is %v", two)
	}
	mustRun(t, dir, djangoPassword, "user", "check", "-mobile", mobile)
	mustRun(t, dir, djangoPassword, "user", "check", "-mobile", mobile, "-tenant", "acme")
	// The logins replaced the stored hashes by other hashes of the same passwords.
	said(t, importLines(t, dir, nil, lines), 0, "0 added, 1 already there, 0 updated, 2 differ, 0 refused",
		"line 2: the stored user ID differs in password_hash", "line 4: the stored user ID differs in password_hash")
}

// A refused line is named, and the lines after it are stored.
func TestUserImportRefusesLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir) // with the number 12345678901
	r := importLines(t, dir, nil, []string{
		`{"mobile":"12345678902","password_hash":"` + djangoHash + `","id":"a"}`,
		`{"mobile":"12345678901","password_hash":"` + djangoHash + `","id":"b"}`,
		`{"mobile":"12345678903","password_hash":"$1$salt$hash"}`,
		`{"mobile":"12345678903","password_hash":"` + oldPassword + `"}`,
		`{"mobile":"+447400123456","password_hash":"` + djangoHash + `"}`,
		`{"mobile":"12","password_hash":"` + djangoHash + `"}`,
		`{"mobile":"12345678903"`,
		`{"mobile":"12345678903","password_hash":"` + djangoHash + `","id":"a"}`,
		`{"mobile":"12345678903","password_hash":"` + djangoHash + `","id":"a","tenant":"acme"}`,
		`{"mobile":"12345678903","password_hash":"` + djangoHash + `","id":"` + strings.Repeat("x", 65) + `"}`,
		`{"mobile":"12345678904","password_hash":"` + djangoHash + `"}`,
		`{"mobile":"123 4567 8904","password_hash":"` + djangoHash + `"}`,
	}, "-verified")
	said(t, r, 1, "2 added, 1 already there, 0 updated, 1 differ, 8 refused",
		"line 2: refused: user ID has the number",
		"line 3: refused: password_hash is of a scheme or form that cannot be verified (md5-crypt)",
		"line 4: refused: password_hash is of a scheme or form that cannot be verified (unknown)",
		"line 5: refused: +44… is a number of GB; served regions: CN (set -countries)",
		`line 6: refused: not a possible mobile number of region CN; write one of another region with "+" and its country code`,
		`line 7: refused: it is not one JSON object such as {"mobile": "…", "password_hash": "…"}`,
		"line 8: the stored user a differs in mobile",
		"line 9: refused: a user of another tenant has the id, or several users have the number",
		"line 10: refused: id has 65 bytes, may have 64",
		"rekey user import: 8 of 12 lines were refused")
	if out := mustRun(t, dir, "", "user", "list", "-show-numbers"); strings.Count(out, "\n") != 3 || !strings.Contains(out, `"id":"a","mobile":"+8612345678902"`) {
		t.Errorf("users are\n%s", out)
	}
	mustRun(t, dir, oldPassword, "user", "check", "-mobile", mobile)
	// Without -verified or -unverified, each JSON line must say whether the number is
	// verified.
	r = importLines(t, dir, nil, []string{`{"mobile":"12345678905","password_hash":"` + djangoHash + `","verified":true}`, `{"mobile":"12345678906","password_hash":"` + djangoHash + `"}`})
	said(t, r, 1, "1 added, 0 already there, 0 updated, 0 differ, 1 refused",
		"line 2: refused: verified is missing; -verified or -unverified sets it for all lines without it", "rekey user import: 1 of 2 lines were refused")
}

func TestUserImportUpdates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	then, later := time.Now().Add(-48*time.Hour).UTC().Format(time.RFC3339), time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339)
	head := "id,mobile,password_hash,verified,disabled,password_changed_at"
	said(t, importLines(t, dir, nil, []string{
		head,
		"a,12345678901," + djangoHash + ",true,false," + then,
		"b,12345678902," + djangoHash + ",true,false," + then,
		"c,12345678903," + djangoHash + ",true,false," + then,
		"d,12345678904," + djangoHash + ",true,false," + then,
	}), 0, "4 added, 0 already there, 0 updated, 0 differ, 0 refused")
	changed := []string{
		head,
		"a,12345678911," + otherHash + ",,true," + later, // a new number, not verified; a newer password
		"b,12345678902," + otherHash + ",false,,",        // a password of unknown age
		"c,12345678904," + djangoHash + ",,,",            // the number of d
		"d,12345678904," + otherHash + ",true,false," + then,
	}
	differences := []string{"line 2: the stored user a differs in mobile, disabled, password_hash", "line 3: the stored user b differs in verified, password_hash", "line 4: the stored user c differs in mobile"}
	before := mustRun(t, dir, "", "user", "list", "-show-numbers")
	said(t, importLines(t, dir, nil, changed, "-verified"), 0, "0 added, 1 already there, 0 updated, 3 differ, 0 refused", differences...)
	updates := []string{
		"line 2: user a is updated: mobile, disabled, password_hash",
		"line 3: user b is updated: verified; the stored password_hash is kept, since no password_changed_at says that the line's is newer",
		"line 4: refused: another user has the number that user c would get",
		"rekey user import: 1 of 4 lines were refused",
	}
	said(t, importLines(t, dir, nil, changed, "-verified", "-update", "-dry-run"), 1, "0 added, 1 already there, 2 updated, 0 differ, 1 refused (nothing was stored, -dry-run)", updates...)
	if after := mustRun(t, dir, "", "user", "list", "-show-numbers"); after != before {
		t.Errorf("users were\n%s\nand are\n%s", before, after)
	}
	said(t, importLines(t, dir, nil, changed, "-verified", "-update"), 1, "0 added, 1 already there, 2 updated, 0 differ, 1 refused", updates...)
	users := jsonLines(t, mustRun(t, dir, "", "user", "list", "-show-numbers"))
	if a := users[0]; a["mobile"] != "+8612345678911" || a["verified_at"] != nil || a["disabled"] != true || a["hash_scheme"] != "Django pbkdf2_sha1" || a["password_changed_at"] != later {
		t.Errorf("a is %v", a)
	}
	if b := users[1]; b["verified_at"] != nil || b["hash_scheme"] != "Django pbkdf2_sha256" {
		t.Errorf("b is %v", b)
	}
	if c, d := users[2], users[3]; c["mobile"] != "+8612345678903" || d["hash_scheme"] != "Django pbkdf2_sha256" {
		t.Errorf("c is %v, d is %v", c, d)
	}
	events := mustRun(t, dir, "", "events")
	if strings.Count(events, `"type":"user.changed"`) != 2 || strings.Count(events, `"type":"password.set","outcome":"by an operator"`) != 1 {
		t.Errorf("the trail is\n%s", events)
	}
	r := importLines(t, dir, nil, append(changed[:2:2], "b,12345678902,"+otherHash+",,,"), "-verified", "-update")
	said(t, r, 0, "0 added, 1 already there, 0 updated, 1 differ, 0 refused",
		"line 3: the stored user b differs in password_hash; the stored password_hash is kept, since no password_changed_at says that the line's is newer")
}

func manyUsers(n int) []string {
	lines := []string{"mobile,password_hash"}
	for i := range n {
		lines = append(lines, fmt.Sprintf("1390000%04d,%s", i, djangoHash))
	}
	return lines
}

// Thousands of lines come from a pipe, in more than one transaction. The line numbers
// are those of the whole file.
func TestUserImportOfThousands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const users = 3210
	lines := append(manyUsers(users), "12,"+djangoHash, "1390000 0000,"+djangoHash)
	for _, summary := range []string{"3210 added, 1 already there, 0 updated, 0 differ, 1 refused", "0 added, 3211 already there, 0 updated, 0 differ, 1 refused"} {
		r := run(t, dir, strings.Join(lines, "\n"), "user", "import", "-unverified", "-")
		said(t, r, 1, summary, `line 3212: refused: not a possible mobile number of region CN; write one of another region with "+" and its country code`, "rekey user import: 1 of 3212 lines were refused")
		if n := strings.Count(mustRun(t, dir, "", "user", "list"), "\n"); n != users {
			t.Errorf("%d users, want %d", n, users)
		}
	}
	if strings.Contains(mustRun(t, dir, "", "user", "list"), "verified_at") {
		t.Error("a user is verified despite -unverified")
	}
}

// An interrupted import keeps the lines that it has committed, and may be repeated.
func TestUserImportInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustRun(t, dir, "", "client", "add", "-id", clientID) // makes the database
	lines := manyUsers(1500)
	cmd := command(t.Context(), dir, nil, "user", "import", "-", "-verified")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write := strings.Join(lines, "\n") + "\n"
	if _, err := in.Write([]byte(write)); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(patience); !strings.Contains(mustRun(t, dir, "", "user", "list"), "\n"); {
		if time.Now().After(until) {
			t.Fatal("nothing is stored")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	said(t, result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}, 1, "1000 added, 0 already there, 0 updated, 0 differ, 0 refused",
		"rekey user import: interrupted; to continue, run it again: users that are already stored are skipped")
	said(t, importLines(t, dir, nil, lines, "-verified"), 0, "500 added, 1000 already there, 0 updated, 0 differ, 0 refused")
}

func TestUserImportDryRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	before := mustRun(t, dir, "", "user", "list") + mustRun(t, dir, "", "events")
	r := importLines(t, dir, nil, []string{"mobile,password_hash", "12345678902," + djangoHash, "12345678902," + djangoHash, "12345678901," + djangoHash, "12345678903,x"}, "-dry-run", "-verified")
	said(t, r, 1, "1 added, 1 already there, 0 updated, 1 differ, 1 refused (nothing was stored, -dry-run)",
		"line 4: the stored user ID differs in password_hash", "line 5: refused: password_hash is of a scheme or form that cannot be verified (unknown)", "rekey user import: 1 of 4 lines were refused")
	if after := mustRun(t, dir, "", "user", "list") + mustRun(t, dir, "", "events"); after != before {
		t.Errorf("-dry-run changed\n%s\nto\n%s", before, after)
	}
}

// The other engines store, skip, update and refuse the same lines.
func TestUserImportOnEngines(t *testing.T) {
	onEachServer(t, func(t *testing.T, address, _ string) {
		dir := t.TempDir()
		env := []string{"REKEY_DB=" + address, "REKEY_SECRET=" + strings.Repeat("k", 40)}
		lines := append(manyUsers(1200), "12,"+djangoHash)
		refusal := []string{`line 1202: refused: not a possible mobile number of region CN; write one of another region with "+" and its country code`, "rekey user import: 1 of 1201 lines were refused"}
		said(t, importLines(t, dir, env, lines, "-verified"), 1, "1200 added, 0 already there, 0 updated, 0 differ, 1 refused", refusal...)
		said(t, importLines(t, dir, env, lines, "-verified"), 1, "0 added, 1200 already there, 0 updated, 0 differ, 1 refused", refusal...)
		changed := []string{"mobile,password_hash,verified,disabled", "13900000000," + djangoHash + ",false,true", "13900000001," + djangoHash + ",true,", "13911111111," + djangoHash + ",true,"}
		said(t, importLines(t, dir, env, changed, "-update", "-dry-run"), 0, "1 added, 1 already there, 1 updated, 0 differ, 0 refused (nothing was stored, -dry-run)", "line 2: user ID is updated: verified, disabled")
		said(t, importLines(t, dir, env, changed, "-update"), 0, "1 added, 1 already there, 1 updated, 0 differ, 0 refused", "line 2: user ID is updated: verified, disabled")
		if r := runEnv(t, dir, env, "", "user", "list"); strings.Count(r.out, "\n") != 1201 || strings.Count(r.out, `"disabled":true`) != 1 {
			t.Errorf("%d users, %q", strings.Count(r.out, "\n"), r.err)
		}
		if r := runEnv(t, dir, env, djangoPassword, "user", "check", "-mobile", "13900000007"); r.code != 0 {
			t.Errorf("user check: %s", r.err)
		}
	})
}
