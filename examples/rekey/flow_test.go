package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/sms"
)

func TestWholeFlow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out := mustRun(t, dir, "", "client", "add", "-id", clientID); out != "client "+clientID+" registered\n" {
		t.Errorf("client add said %q", out)
	}
	// A Windows line end does not become part of the password.
	if out := mustRun(t, dir, oldPassword+"\r\n", "user", "add", "-mobile", mobile); !strings.HasSuffix(out, " added\n") {
		t.Errorf("user add said %q", out)
	}
	mustRun(t, dir, oldPassword, "user", "check", "-mobile", mobile)

	phone := newReceiver(t)
	s := start(t, dir, webhookEnv(), "-sms", "webhook="+phone.URL)
	mustPost(t, s.addr, sendPath, sendBody)
	message := phone.next(t)
	code := message.Params["code"]
	if message.To != "+86"+mobile || message.Kind != sms.KindVerifyCode || message.Language != "zh" || len(code) != 6 || !strings.Contains(message.Text, code) {
		t.Fatalf("SMS to %s, kind %s, language %s, text %q", message.To, message.Kind, message.Language, message.Text)
	}
	mustPost(t, s.addr, resetPath, resetBody(code, newPassword))
	if notice := phone.next(t); notice.Kind != sms.KindPasswordChanged {
		t.Errorf("the second SMS is of kind %s", notice.Kind)
	}
	if status, answer := exchange(t, s.addr, resetPath, resetBody(code, "granite-Willow-58")); status != http.StatusBadRequest || !strings.Contains(answer, "SDK.SMS.1005") {
		t.Errorf("the code again: %d %s", status, answer)
	}

	if r := run(t, dir, oldPassword, "user", "check", "-mobile", mobile); r.code != 1 || r.err != "rekey user check: number or password wrong\n" {
		t.Errorf("old password: exit status %d, %q", r.code, r.err)
	}
	mustRun(t, dir, newPassword, "user", "check", "-mobile", "+86 123 4567 8901")

	var types []string
	trail := mustRun(t, dir, "", "events")
	for _, e := range jsonLines(t, trail) {
		types = append(types, e["type"].(string))
	}
	want := []string{"client.created", "user.created", "code.sent", "password.reset", "reset.refused", "login.refused"}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	messages := mustRun(t, dir, "", "messages")
	var states []string
	for _, m := range jsonLines(t, messages) {
		states = append(states, m["state"].(string)+" by "+m["provider"].(string))
	}
	if want := []string{"delivered by webhook", "delivered by webhook"}; !slices.Equal(states, want) {
		t.Errorf("messages %v, want %v", states, want)
	}

	s.terminate(t)
	if code := s.wait(t); code != 0 {
		t.Errorf("serve: exit status %d: %s", code, s.logs)
	}
	secret, err := os.ReadFile(filepath.Join(dir, "rekey.db.secret"))
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"events": trail, "messages": messages, "log": s.logs.String(), "standard output": s.out.String()} {
		for _, canary := range []string{oldPassword, newPassword, mobile, strings.TrimSpace(string(secret)), webhookSecret, phone.URL} {
			if strings.Contains(text, canary) {
				t.Errorf("%s shows %q:\n%s", where, canary, text)
			}
		}
	}
}

func TestConsole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	s := start(t, dir, nil, "-sms", "console")
	mustPost(t, s.addr, sendPath, sendBody)
	s.terminate(t) // queued messages are still printed
	if code := s.wait(t); code != 0 {
		t.Errorf("exit status %d: %s", code, s.logs)
	}
	if out := s.out.String(); !strings.Contains(out, "SMS to +86"+mobile) {
		t.Errorf("standard output is %q", out)
	}
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	mustRun(t, dir, "", "user", "disable", "-mobile", mobile)
	if r := run(t, dir, oldPassword, "user", "check", "-mobile", mobile); r.code != 1 {
		t.Errorf("a disabled user: exit status %d", r.code)
	}
	mustRun(t, dir, "", "user", "enable", "-mobile", mobile)
	mustRun(t, dir, "", "user", "unlock", "-mobile", mobile)
	mustRun(t, dir, oldPassword, "user", "check", "-mobile", mobile)

	s := start(t, dir, nil, "-sms", "console")
	mustRun(t, dir, "", "client", "disable", "-id", clientID)
	if status, answer := exchange(t, s.addr, sendPath, sendBody); status != http.StatusBadRequest || !strings.Contains(answer, "APP.0003") {
		t.Errorf("a disabled client: %d %s", status, answer)
	}
	mustRun(t, dir, "", "client", "enable", "-id", clientID)
	mustPost(t, s.addr, sendPath, sendBody)
}

func TestTenants(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustRun(t, dir, "", "client", "add", "-id", "many", "-isv", "-tenant", "one", "-tenant", "two,three")
	mustRun(t, dir, "", "client", "add", "-id", "single", "-tenant", "one")
	mustRun(t, dir, oldPassword, "user", "add", "-mobile", mobile, "-tenant", "one")
	mustRun(t, dir, newPassword, "user", "add", "-mobile", mobile, "-tenant", "two")
	mustRun(t, dir, oldPassword, "user", "check", "-mobile", mobile, "-tenant", "one")
	mustRun(t, dir, newPassword, "user", "check", "-mobile", mobile, "-tenant", "two")
	if r := run(t, dir, newPassword, "user", "check", "-mobile", mobile, "-tenant", "one"); r.code != 1 {
		t.Errorf("the other tenant's password: exit status %d", r.code)
	}
}

// The pages of the trail follow each other without a gap and without a repetition.
func TestEventsOfManyPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	manyEvents(t, filepath.Join(dir, "rekey.db"), 1203)
	seen := map[any]bool{}
	for _, e := range jsonLines(t, mustRun(t, dir, "", "events")) {
		seen[e["id"]] = true
	}
	if len(seen) != 1203 {
		t.Errorf("%d different events, want 1203", len(seen))
	}
}
