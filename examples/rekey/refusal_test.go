package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A refused call prints one sentence, exits with its status, and changes nothing.
func TestRefusedCallsChangeNothing(t *testing.T) {
	t.Parallel()
	secretEnv := "REKEY_WEBHOOK_SECRET=" + webhookSecret
	tests := map[string]struct {
		args  string
		env   []string
		stdin string
		code  int
		says  string
	}{
		"no command":             {"", nil, "", 2, "a command is needed"},
		"unknown command":        {"severe", nil, "", 2, "a command is needed"},
		"half a command":         {"user", nil, "", 2, "a command is needed"},
		"unknown flag":           {"serve -sms console -prot 80", nil, "", 2, "-prot"},
		"argument":               {"serve -sms console hunter2", nil, "", 2, "takes only flags"},
		"no provider":            {"serve", nil, "", 2, "-sms is missing"},
		"unknown provider":       {"serve -sms pigeon", nil, "", 2, "-sms must be one of console, webhook=URL, twilio"},
		"no webhook secret":      {"serve -sms webhook=https://sms.example/", nil, "", 2, "REKEY_WEBHOOK_SECRET"},
		"bad webhook secret":     {"serve -sms webhook=https://sms.example/", []string{"REKEY_WEBHOOK_SECRET=short"}, "", 2, "whsec_"},
		"bad webhook URL":        {"serve -sms webhook=ftp://sms.example/", []string{secretEnv}, "", 2, "https"},
		"http webhook":           {"serve -sms webhook=http://sms.example/", []string{secretEnv}, "", 2, "https"},
		"two webhook secrets":    {"serve -sms webhook=https://sms.example/", []string{secretEnv, "REKEY_WEBHOOK_SECRET_FILE=x"}, "", 2, "give one of them"},
		"bad variable":           {"serve -sms console", []string{"REKEY_CODE_DIGITS=six"}, "", 2, "REKEY_CODE_DIGITS: not a whole number"},
		"two faults":             {"serve -sms console -code-digits 5 -live-codes 11", nil, "", 2, "-live-codes is 11, must be 1 to 10"},
		"zero":                   {"serve -sms console -code-attempts 0", nil, "", 2, "must not be 0"},
		"zero rate":              {"serve -sms console -budget-total 0/1h", nil, "", 2, "not a rate"},
		"empty rate":             {"serve -sms console -budget-total=", nil, "", 2, "not a rate"},
		"rate without a time":    {"serve -sms console -budget-total 5", nil, "", 2, "not a rate"},
		"negative duration":      {"serve -sms console -send-cooldown -1s", nil, "", 2, "negative"},
		"weak hash":              {"serve -sms console -hash-memory-kib 1024", nil, "", 2, "-hash-memory-kib is 1024"},
		"lanes wrap around":      {"serve -sms console -hash-parallelism 257", nil, "", 2, "not a whole number from 0 to 255"},
		"long code life":         {"serve -sms console -code-lifetime 11m", nil, "", 2, "-code-lifetime is 11m0s"},
		"unknown country":        {"serve -sms console -countries CN,XX", nil, "", 2, `"XX"`},
		"rate of other region":   {"serve -sms console -sends-per-region US=1/1h", nil, "", 2, "-sends-per-region"},
		"proxies without header": {"serve -sms console -trusted-proxies 10.0.0.0/8", nil, "", 2, "-address-header"},
		"every address a proxy":  {"serve -sms console -trusted-proxies 0.0.0.0/0 -address-header X-Forwarded-For", nil, "", 2, "trusts every address"},
		"no network":             {"serve -sms console -trusted-proxies here", nil, "", 2, "not an address or a network"},
		"small body limit":       {"serve -sms console -max-body-bytes 10", nil, "", 2, "-max-body-bytes is 10"},
		"no connections":         {"serve -sms console -max-conns -1", nil, "", 2, "-max-conns is -1"},
		"unknown language":       {"serve -sms console -default-language fr", nil, "", 2, "-default-language"},
		"certificate alone":      {"serve -sms console -tls-cert x.pem", nil, "", 2, "belong together"},
		"no such certificate":    {"serve -sms console -tls-cert x.pem -tls-key y.pem", nil, "", 1, "x.pem"},
		"no such texts":          {"serve -sms console -texts-file x.json", nil, "", 1, "x.json"},
		"page without client":    {"serve -sms console -page on", nil, "", 2, "-page-client is missing"},
		"page at the root":       {"serve -sms console -page / -page-client x", nil, "", 2, "-page cannot be /"},
		"page on other routes":   {"serve -sms console -page /api/reset -page-client x", nil, "", 2, "-page cannot be below /api"},
		"page in no form":        {"serve -sms console -page yes -page-client x", nil, "", 2, "-page is neither on nor off"},
		"path of a page":         {"serve -sms console -page /a//b -page-client x", nil, "", 2, "-page: the path"},
		"page's accent":          {"serve -sms console -page on -page-client x -page-accent red", nil, "", 2, "-page-accent is"},
		"page's sign-in":         {"serve -sms console -page on -page-client x -page-sign-in //evil.example", nil, "", 2, "-page-sign-in is"},
		"page's help":            {"serve -sms console -page on -page-client x -page-help data:x", nil, "", 2, "-page-help is"},
		"no such logo":           {"serve -sms console -page on -page-client x -page-logo gone.svg", nil, "", 1, "-page-logo: open gone.svg"},
		"page with a widget":     {"serve -sms console -page on -page-client x -captcha puzzle", nil, "", 2, "cannot solve -captcha puzzle"},
		"unknown CAPTCHA":        {"serve -sms console -captcha letters", nil, "", 2, `-captcha is "letters"`},
		"CAPTCHA without secret": {"serve -sms console -captcha turnstile -captcha-hosts a.example", nil, "", 2, "REKEY_CAPTCHA_SECRET"},
		"CAPTCHA without hosts":  {"serve -sms console -captcha hcaptcha", []string{"REKEY_CAPTCHA_SECRET=s"}, "", 2, "-captcha-hosts are missing"},
		"score without action":   {"serve -sms console -captcha recaptcha3 -captcha-hosts a.example", []string{"REKEY_CAPTCHA_SECRET=s"}, "", 2, "-captcha-action is missing"},
		"hosts without company":  {"serve -sms console -captcha altcha -captcha-hosts a.example", nil, "", 2, "-captcha-hosts, -captcha-site-key and -captcha-action are for"},
		"CAPTCHA's secret twice": {"serve -sms console -captcha hcaptcha -captcha-hosts a.example", []string{"REKEY_CAPTCHA_SECRET=s", "REKEY_CAPTCHA_SECRET_FILE=f"}, "", 2, "give one of them"},
		"guard on plain HTTP":    {"serve -sms console -guard http://guard.example/", nil, "", 2, "-guard: the URL is neither https nor http on a loopback address"},
		"breached over HTTP":     {"serve -sms console -breached-passwords http://pwned.example/", nil, "", 2, "-breached-passwords: "},
		"bad address":            {"serve -sms console -addr nowhere", nil, "", 1, "nowhere"},
		"empty database":         {"serve -sms console -addr 127.0.0.1:0 -db=", nil, "", 2, "-db: must not be empty"},
		"empty address":          {"serve -sms console -addr=", nil, "", 2, "-addr: must not be empty"},
		"short secret":           {"client add -id x", []string{"REKEY_SECRET=too-short"}, "", 1, "the secret in REKEY_SECRET has 9 bytes, must have at least 32"},
		"two secrets":            {"client add -id x -secret-file f", []string{"REKEY_SECRET=" + strings.Repeat("s", 32)}, "", 2, "give one of them"},
		"no old secret":          {"client add -id x -old-secret-file gone", nil, "", 1, "old secret"},
		"client without id":      {"client add", nil, "", 2, "-id is missing"},
		"tenants without isv":    {"client add -id x -tenant a -tenant b", nil, "", 2, "-isv"},
		"switch without id":      {"client disable", nil, "", 2, "-id is missing"},
		"user without number":    {"user add", nil, oldPassword, 2, "-mobile is missing"},
		"no password":            {"user add -mobile 12345678901", nil, "", 2, "no password on standard input"},
		"empty line":             {"user add -mobile 12345678901", nil, "\n" + oldPassword, 2, "no password on standard input"},
		"long password":          {"user add -mobile 12345678901", nil, strings.Repeat("p", 5000), 2, "longer than 4096 bytes"},
		"no UTF-8":               {"user add -mobile 12345678901", nil, "violet-\xff-Harbor-93", 2, "not UTF-8"},
		"password as argument":   {"user add -mobile 12345678901 " + oldPassword, nil, "", 2, "takes only flags"},
		"check in no database":   {"user check -mobile 12345678901", nil, oldPassword, 1, "there is no database rekey.db"},
		"unlock in no database":  {"user unlock -mobile 12345678901", nil, "", 1, "there is no database"},
		"switch in no database":  {"user disable -mobile 12345678901", nil, "", 1, "there is no database"},
		"client in no database":  {"client enable -id x", nil, "", 1, "there is no database"},
		"events in no database":  {"events -db elsewhere.db", nil, "", 1, "there is no database elsewhere.db"},
		"messages in a folder":   {"messages -db .", nil, "", 1, "is not a file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := runEnv(t, dir, test.env, test.stdin, strings.Fields(test.args)...)
			if r.code != test.code || !strings.Contains(r.err, test.says) {
				t.Errorf("exit status %d, %q; want %d and %q", r.code, r.err, test.code, test.says)
			}
			if strings.Count(r.err, "\n") != 1 || !strings.HasPrefix(r.err, "rekey") || r.out != "" {
				t.Errorf("not one sentence: %q, standard output %q", r.err, r.out)
			}
			for _, secret := range []string{oldPassword, "hunter2", "too-short", webhookSecret} {
				if strings.Contains(r.err, secret) {
					t.Errorf("%q repeats a secret", r.err)
				}
			}
			if files := names(t, dir); len(files) > 0 {
				t.Errorf("left %v behind", files)
			}
		})
	}
}

// Faults that only the database can find.
func TestRefusedByTheDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	before := mustRun(t, dir, "", "events")
	for name, test := range map[string]struct{ args, stdin, says string }{
		"client again":     {"client add -id " + clientID, "", "already registered"},
		"unknown client":   {"client disable -id nobody", "", "not registered"},
		"user again":       {"user add -mobile +86-12345678901", newPassword, "already a user"},
		"unknown user":     {"user disable -mobile 12345678902", "", "no user with this number"},
		"no number":        {"user add -mobile 12", newPassword, "not a possible mobile number"},
		"foreign number":   {"user add -mobile +12025550123", newPassword, "+1… is a number of US; served regions: CN (set -countries)"},
		"weak password":    {"user add -mobile 12345678902", "password", "easy to guess"},
		"short password":   {"user add -mobile 12345678902", "x", "8 to 256 characters"},
		"padded client":    {"client add -id=\u00a0", "", "client id missing"},
		"long client id":   {"client add -id " + strings.Repeat("x", 129), "", "has 129 bytes, may have 128"},
		"long tenant":      {"client add -id y -tenant " + strings.Repeat("x", 129), "", "has 129 bytes, may have 128"},
		"unlock no number": {"user unlock -mobile 12", "", "not a possible mobile number"},
	} {
		args := []string{}
		for arg := range strings.SplitSeq(test.args, " ") { // a no-break space is part of an argument
			args = append(args, arg)
		}
		r := run(t, dir, test.stdin, args...)
		if r.code != 1 || !strings.Contains(r.err, test.says) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("%s: exit status %d, %q, standard output %q", name, r.code, r.err, r.out)
		}
	}
	if after := mustRun(t, dir, "", "events"); after != before {
		t.Errorf("the trail changed:\n%s", strings.TrimPrefix(after, before))
	}
}

func TestSecretFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustRun(t, dir, "", "client", "add", "-id", "x")
	path := filepath.Join(dir, "rekey.db.secret")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode is %v, want 0600", info.Mode())
	}
	made, err := os.ReadFile(path)
	if err != nil || len(made) < 32 {
		t.Fatalf("%d bytes, %v", len(made), err)
	}
	mustRun(t, dir, "", "client", "add", "-id", "y")
	if again, err := os.ReadFile(path); err != nil || string(again) != string(made) {
		t.Errorf("the second start changed the file (%v)", err)
	}
	for name, change := range map[string]func() error{
		"writable by all":   func() error { return os.Chmod(path, 0o602) },
		"writable by group": func() error { return os.Chmod(path, 0o620) },
		"too short":         func() error { return os.WriteFile(path, []byte("short\n"), 0o600) },
		"too large":         func() error { return os.WriteFile(path, make([]byte, 5000), 0o600) },
		"a folder":          func() error { _ = os.Remove(path); return os.Mkdir(path, 0o700) },
	} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, made, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := change(); err != nil {
			t.Fatal(err)
		}
		r := run(t, dir, "", "serve", "-sms", "console", "-addr", "127.0.0.1:0")
		if r.code != 1 || strings.Count(r.err, "\n") != 1 || !strings.Contains(r.err, "secret file rekey.db.secret") {
			t.Errorf("%s: exit status %d, %q", name, r.code, r.err)
		}
		if strings.Contains(r.err, strings.TrimSpace(string(made))) {
			t.Errorf("%s: %q shows the secret", name, r.err)
		}
	}
}

// A code outlives the rotation of the secret while the old one is listed, and
// the webhook's receiver can move from the old secret to the new one.
func TestSecretRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	phone := newReceiver(t)
	s := start(t, dir, webhookEnv(), "-sms", "webhook="+phone.URL)
	mustPost(t, s.addr, sendPath, sendBody)
	code := phone.next(t).Params["code"]
	s.terminate(t)
	s.wait(t)
	for name, secret := range map[string]string{"webhook.secret": "whsec_" + strings.Repeat("bmV3", 8), "webhook.old": webhookSecret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = start(t, dir, []string{"REKEY_WEBHOOK_SECRET_FILE=webhook.secret", "REKEY_WEBHOOK_OLD_SECRET_FILE=webhook.old"}, "-sms", "webhook="+phone.URL,
		"-secret-file", "new.secret", "-old-secret-file", "rekey.db.secret")
	mustPost(t, s.addr, resetPath, resetBody(code, newPassword))
	phone.next(t)
	if n := phone.signatures.Load(); n != 2 {
		t.Errorf("%d signatures on the notice, want 2", n)
	}
}

// A secret moves from its file into the environment without a change.
func TestSecretInEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	phone := newReceiver(t)
	s := start(t, dir, webhookEnv(), "-sms", "webhook="+phone.URL)
	mustPost(t, s.addr, sendPath, sendBody)
	code := phone.next(t).Params["code"]
	s.terminate(t)
	s.wait(t)
	secret, err := os.ReadFile(filepath.Join(dir, "rekey.db.secret"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "rekey.db.secret")); err != nil {
		t.Fatal(err)
	}
	s = start(t, dir, append(webhookEnv(), "REKEY_SECRET="+strings.TrimSpace(string(secret))), "-sms", "webhook="+phone.URL)
	mustPost(t, s.addr, resetPath, resetBody(code, newPassword))
	if _, err := os.Stat(filepath.Join(dir, "rekey.db.secret")); !os.IsNotExist(err) {
		t.Errorf("a secret file was made although it must not be: %v", err)
	}
	if strings.Contains(s.logs.String(), strings.TrimSpace(string(secret))) {
		t.Error("the log shows the secret")
	}
}

func names(t *testing.T, dir string) (files []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		files = append(files, e.Name())
	}
	return files
}
