package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The texts of a file are measured with the settings that lengthen them.
func TestTextsCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := `{"sms": {"de": {"Code": {"": "{code} ist Ihr Code – gültig {minutes} min. Bitte geben Sie ihn nie weiter."}, "PasswordChanged": "Geändert am {time}."}}}`
	if err := os.WriteFile(filepath.Join(dir, "texts.json"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"texts", "-texts-file", "texts.json", "-origin-domain", "accounts.acme.example"}
	r := runEnv(t, dir, nil, "", args...)
	want := map[string]bool{
		"de verify_code others 2 98 UCS-2": false, "de password_changed - 1 33 GSM-7": false, "en verify_code FORGET_PWD_SMS 1 121 GSM-7": false,
	}
	for line := range strings.Lines(r.out) {
		want[strings.Join(strings.Fields(line), " ")] = true
	}
	for line, found := range want {
		if !found {
			t.Errorf("no line %q in:\n%s%s", line, r.out, r.err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the command left files behind: %v, %v", entries, err)
	}
	r = runEnv(t, dir, nil, "", append(args, "-android-app-hash", "FA+9qCX9VSu")...)
	if r.code != 2 || !strings.Contains(r.err, "-android-app-hash and an origin domain are both set") {
		t.Errorf("exit status %d: %s", r.code, r.err)
	}
}
