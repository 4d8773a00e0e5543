package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// addUser stores a user and returns the id.
func addUser(t *testing.T, dir, mobile string, more ...string) string {
	t.Helper()
	out := mustRun(t, dir, oldPassword, append([]string{"user", "add", "-mobile", mobile}, more...)...)
	return strings.Fields(out)[1]
}

// Numbers are masked unless -show-numbers is given, and hashes are never shown.
func TestUserListAndShow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := addUser(t, dir, mobile)
	addUser(t, dir, "12345678902", "-unverified")
	addUser(t, dir, mobile, "-tenant", "acme", "-id", "of-acme")
	mustRun(t, dir, "", "user", "disable", "-mobile", "12345678902")

	list := jsonLines(t, mustRun(t, dir, "", "user", "list"))
	if len(list) != 2 || list[0]["id"] != id || list[0]["mobile"] != "+86*******8901" || list[0]["hash_scheme"] != "argon2id" || list[0]["verified_at"] == nil ||
		list[1]["disabled"] != true || list[1]["verified_at"] != nil {
		t.Errorf("user list printed %v", list)
	}
	if out := mustRun(t, dir, "", "user", "list", "-show-numbers"); !strings.Contains(out, `"+8612345678901"`) || strings.Contains(out, "$argon2id$") {
		t.Errorf("user list -show-numbers printed %s", out)
	}
	if out := mustRun(t, dir, "", "user", "list", "-tenant", "acme"); !strings.HasPrefix(out, `{"id":"of-acme","tenant":"acme",`) || strings.Count(out, "\n") != 1 {
		t.Errorf("user list -tenant printed %s", out)
	}
	table := mustRun(t, dir, "", "user", "list", "-format", "table")
	if !regexp.MustCompile(`^ID +TENANT +MOBILE .*\n` + id + ` +- +\+86\*{7}8901 +yes +argon2id +\S+ \S+Z +no +\S+ \S+Z\n\S+ .*\+86\*{7}8902 +no .* yes .*\n$`).MatchString(table) {
		t.Errorf("the table is\n%s", table)
	}
	for _, args := range []string{"-mobile +86-123-4567-8901", "-id " + id} {
		if out := mustRun(t, dir, "", strings.Fields("user show "+args)...); !strings.HasPrefix(out, `{"id":"`+id+`","mobile":"+86*******8901",`) {
			t.Errorf("user show %s printed %s", args, out)
		}
	}
	if out := mustRun(t, dir, "", "user", "show", "-tenant", "acme", "-mobile", mobile, "-show-numbers", "-format", "table"); !strings.Contains(out, "\nof-acme  acme    +8612345678901  yes") {
		t.Errorf("user show in a table printed %s", out)
	}
}

// A list of several pages is complete.
func TestUserListPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := openStore(t, dir)
	const users = 1203
	for i := range users {
		if err := store.CreateUser(t.Context(), userOf(fmt.Sprintf("user-%04d", i), fmt.Sprintf("+861380000%04d", i))); err != nil {
			t.Fatal(err)
		}
	}
	lines := jsonLines(t, mustRun(t, dir, "", "user", "list"))
	if len(lines) != users || !slices.IsSortedFunc(lines, func(a, b map[string]any) int { return strings.Compare(a["id"].(string), b["id"].(string)) }) {
		t.Errorf("%d lines, want %d in the order of ids", len(lines), users)
	}
	if out := mustRun(t, dir, "", "user", "list", "-format", "table"); strings.Count(out, "\n") != users+1 || strings.Count(out, "TENANT") != 1 {
		t.Errorf("the table has %d lines and %d headings", strings.Count(out, "\n"), strings.Count(out, "TENANT"))
	}
}

func TestUserSetMobile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := addUser(t, dir, mobile)
	if out := mustRun(t, dir, "", "user", "set-mobile", "-mobile", mobile, "-to", "123 4567 8902"); !strings.Contains(out, id) || !strings.Contains(out, "cannot reset the password until it is verified") {
		t.Errorf("set-mobile said %q", out)
	}
	if out := mustRun(t, dir, "", "user", "show", "-id", id, "-show-numbers"); !strings.Contains(out, `"+8612345678902"`) || strings.Contains(out, "verified_at") {
		t.Errorf("the user is %s", out)
	}
	mustRun(t, dir, oldPassword, "user", "check", "-mobile", "12345678902")
	mustRun(t, dir, "", "user", "set-mobile", "-id", id, "-to", "12345678903", "-verified")
	if out := mustRun(t, dir, "", "user", "show", "-mobile", "12345678903"); !strings.Contains(out, "verified_at") {
		t.Errorf("the user is %s", out)
	}
}

// The new password is valid, and the user is told about it by SMS.
func TestUserSetPassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	if out := mustRun(t, dir, newPassword+"\n", "user", "set-password", "-mobile", mobile); !strings.Contains(out, "has the new password; serve sends the notice") {
		t.Errorf("set-password said %q", out)
	}
	mustRun(t, dir, newPassword, "user", "check", "-mobile", mobile)
	if r := run(t, dir, oldPassword, "user", "check", "-mobile", mobile); r.code != 1 {
		t.Errorf("the old password: exit status %d", r.code)
	}
	phone := newReceiver(t)
	start(t, dir, webhookEnv(), "-sms", "webhook="+phone.URL)
	if notice := phone.next(t); notice.To != "+8612345678901" || notice.Params["code"] != "" {
		t.Errorf("the notice is %+v", notice)
	}
}

// With -password-history the old password is remembered, so serve refuses it in a later
// reset.
func TestUserSetPasswordHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	mustRun(t, dir, newPassword, "user", "set-password", "-mobile", mobile, "-password-history", "2")
	store := openStore(t, dir)
	user, err := store.UserByMobile(t.Context(), "", "+8612345678901")
	if err != nil {
		t.Fatal(err)
	}
	if hashes, err := store.PasswordHistory(t.Context(), "", user.ID, 5); err != nil || len(hashes) != 1 {
		t.Errorf("%d earlier passwords are remembered, %v", len(hashes), err)
	}
}

func TestUserErase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := addUser(t, dir, mobile)
	if out := mustRun(t, dir, "", "user", "erase", "-mobile", mobile, "-yes"); !strings.Contains(out, "user "+id+" erased") {
		t.Errorf("erase said %q", out)
	}
	if out := mustRun(t, dir, "", "user", "list"); out != "" {
		t.Errorf("the user is still there: %s", out)
	}
	events := mustRun(t, dir, "", "events")
	if !strings.Contains(events, `"type":"user.erased"`) || strings.Contains(events, "8901") {
		t.Errorf("the trail is %s", events)
	}
}

// A faulty call gets a one-sentence error and changes nothing.
func TestRefusedUserAndClientCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	addUser(t, dir, "12345678902")
	before := mustRun(t, dir, "", "user", "list", "-show-numbers") + mustRun(t, dir, "", "events") + mustRun(t, dir, "", "messages") + mustRun(t, dir, "", "client", "list")
	for args, test := range map[string]struct {
		stdin string
		code  int
		says  string
	}{
		"user list -format xml":                                {"", 2, `-format is "xml", must be json or table`},
		"user list -db gone.db":                                {"", 1, "there is no database gone.db"},
		"user show":                                            {"", 2, "give either -mobile or -id"},
		"user show -mobile 12345678901 -id x":                  {"", 2, "give either -mobile or -id"},
		"user show -id x":                                      {"", 1, "there is no user with this id"},
		"user show -mobile 12345678909":                        {"", 1, "there is no user with this number"},
		"user show -mobile 12345678901 -tenant acme":           {"", 1, `tenant "acme" has no user with this number`},
		"user show -mobile 12":                                 {"", 1, "not a possible mobile number of region CN"},
		"user show -mobile 12345678901 -default-region XX":     {"", 2, "-default-region"},
		"user show -mobile 12345678901 -format x":              {"", 2, "-format"},
		"user set-mobile -to 12345678903":                      {"", 2, "give either -mobile or -id"},
		"user set-mobile -mobile 12345678901":                  {"", 2, "-to is missing"},
		"user set-mobile -mobile 12345678901 -to 12345678902":  {"", 1, "another user has the new number"},
		"user set-mobile -mobile 12345678901 -to +12025550123": {"", 1, "+1… is a number of US; served regions: CN (set -countries)"},
		"user set-mobile -mobile 12345678909 -to 12345678903":  {"", 1, "there is no user with this number"},
		"user set-mobile -id x -to 12345678903 -db gone.db":    {"", 1, "there is no database gone.db"},
		"user set-password":                                    {newPassword, 2, "give either -mobile or -id"},
		"user set-password -id x":                              {newPassword, 1, "there is no user with this id"},
		"user set-password -mobile 12345678901":                {"", 2, "no password on standard input"},
		"user set-password -mobile 12345678902":                {"password", 1, "easy to guess"},
		"user set-password -id x -texts-file gone.json":        {newPassword, 1, "gone.json"},
		"user set-password -mobile 12345678901 " + newPassword: {"", 2, "takes only flags"},
		"user erase -mobile 12345678901":                       {"yes\n", 2, "confirm with -yes"},
		"user erase -yes":                                      {"", 2, "give either -mobile or -id"},
		"user erase -yes -id x":                                {"", 1, "there is no user with this id"},
		"client list -format csv":                              {"", 2, `-format is "csv"`},
		"client list -db gone.db":                              {"", 1, "there is no database gone.db"},
		"client show":                                          {"", 2, "-id is missing"},
		"client show -id x":                                    {"", 1, `client "x" is not registered`},
		"client remove":                                        {"", 2, "-id is missing"},
		"client remove -id x":                                  {"", 1, `client "x" is not registered`},
		"client remove -id x -db gone.db":                      {"", 1, "there is no database gone.db"},
		"events -since yesterday":                              {"", 2, `-since is "yesterday", which is neither a duration`},
		"events -tenant acme":                                  {"", 2, "-tenant is for -user"},
		"events -follow -db gone.db":                           {"", 1, "there is no database gone.db"},
	} {
		r := run(t, dir, test.stdin, strings.Fields(args)...)
		if r.code != test.code || !strings.Contains(r.err, test.says) || strings.Count(r.err, "\n") != 1 || !strings.HasPrefix(r.err, "rekey ") || r.out != "" {
			t.Errorf("%s: exit status %d, %q, standard output %q; want %d and %q", args, r.code, r.err, r.out, test.code, test.says)
		}
		if strings.Contains(r.err, newPassword) || strings.Contains(r.err, "8901") {
			t.Errorf("%s: %q repeats private data", args, r.err)
		}
	}
	after := mustRun(t, dir, "", "user", "list", "-show-numbers") + mustRun(t, dir, "", "events") + mustRun(t, dir, "", "messages") + mustRun(t, dir, "", "client", "list")
	if after != before {
		t.Errorf("refused calls changed\n%s\nto\n%s", before, after)
	}
}

func TestClientListShowRemove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustRun(t, dir, "", "client", "add", "-id", clientID, "-name", "App <1>", "-tenant", "acme")
	mustRun(t, dir, "", "client", "add", "-id", "isv", "-isv", "-tenant", "a,b")
	mustRun(t, dir, "", "client", "disable", "-id", "isv")
	list := mustRun(t, dir, "", "client", "list")
	lines := jsonLines(t, list)
	if len(lines) != 2 || lines[0]["id"] != clientID || lines[0]["name"] != "App <1>" || lines[0]["tenant"] != "acme" || lines[1]["multi_tenant"] != true ||
		fmt.Sprint(lines[1]["tenants"]) != "[a b]" || lines[1]["disabled"] != true || lines[1]["created_at"] == nil {
		t.Errorf("client list printed %s", list)
	}
	table := mustRun(t, dir, "", "client", "list", "-format", "table")
	if !regexp.MustCompile(`^ID +NAME +TENANTS +DISABLED +CREATED\n` + clientID + ` +App <1> +acme +no .*Z\nisv +- +a,b +yes .*Z\n$`).MatchString(table) {
		t.Errorf("the table is\n%s", table)
	}
	if one := mustRun(t, dir, "", "client", "show", "-id", "isv"); !strings.HasSuffix(list, "\n"+one) {
		t.Errorf("client show printed %s", one)
	}
	if out := mustRun(t, dir, "", "client", "remove", "-id", "isv"); out != "client isv removed\n" {
		t.Errorf("client remove said %q", out)
	}
	if left := mustRun(t, dir, "", "client", "list"); strings.Contains(left, "isv") || strings.Count(left, "\n") != 1 {
		t.Errorf("client list printed %s", left)
	}
}
