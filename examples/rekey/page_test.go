package main_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-16109ab2/rekey/identity/altcha"
)

// fetch asks for a page, following no redirect.
func fetch(t *testing.T, addr, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	for name, text := range map[string]string{
		"logo.svg":   `<svg xmlns="http://www.w3.org/2000/svg"></svg>`,
		"texts.json": `{"page": {"en": {"number.title": "Locked out of {service}?"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, dir, nil, "-sms", "console", "-page", "/account/reset", "-page-client", clientID, "-service-name", "Harbour", "-page-sign-in", "/in",
		"-page-help", "mailto:help@harbour.example", "-page-logo", "logo.svg", "-page-accent", "#112233", "-texts-file", "texts.json", "-countries", "CN,GB", "-password-min", "11")
	response, body := fetch(t, s.addr, "/account/reset")
	for _, want := range []string{"Locked out of Harbour?", "/account/reset/assets/logo.", `href="mailto:help@harbour.example"`, `value="GB"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not have %q:\n%s", want, body)
		}
	}
	// Over plain HTTP on the loopback interface, the page sets cookies that a browser
	// keeps.
	if cookie := response.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "rekey-device=") || strings.Contains(cookie, "Secure") {
		t.Errorf("cookie %q", cookie)
	}
	if response, _ := fetch(t, s.addr, "/.well-known/change-password"); response.Header.Get("Location") != "/account/reset" {
		t.Errorf("the well-known path: %d %v", response.StatusCode, response.Header)
	}
	if response, body := fetch(t, s.addr, "/account/resets"); response.StatusCode != 404 || !strings.Contains(body, "SDK.COMMON.1002") {
		t.Errorf("beside the page: %d %s", response.StatusCode, body)
	}
	mustPost(t, s.addr, sendPath, sendBody) // the public routes are served too
	if strings.Contains(s.logs.String(), "WARN") || s.line["page"] != "/account/reset" {
		t.Errorf("log: %s", s.logs)
	}
}

// Without -page there is no page. A client that is not registered is reported at the
// start.
func TestPageWarnings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, nil, "-sms", "console")
	for _, path := range []string{"/reset-password", "/.well-known/change-password"} {
		if response, _ := fetch(t, s.addr, path); response.StatusCode != 404 {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
	s.terminate(t)
	s.wait(t)
	s = start(t, dir, nil, "-sms", "console", "-page", "on", "-page-client", "nobody", "-addr", "0.0.0.0:0")
	for _, want := range []string{"the page cannot send codes yet: -page-client nobody", "the page works over HTTPS only"} {
		if !strings.Contains(s.logs.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, s.logs)
		}
	}
}

// Behind a proxy the cookies are those of HTTPS, the SMS names the host of the page,
// and limits count by the address that the proxy reports.
func TestPageBehindProxy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	phone := newReceiver(t)
	s := start(t, dir, webhookEnv(), "-sms", "webhook="+phone.URL, "-page", "https://id.harbour.example/forgotten", "-page-client", clientID,
		"-trusted-proxies", "127.0.0.1", "-address-header", "X-Forwarded-For", "-sends-per-address", "1/1h")
	response, _ := fetch(t, s.addr, "/forgotten")
	cookie, _, _ := strings.Cut(response.Header.Get("Set-Cookie"), ";")
	if !strings.HasPrefix(cookie, "__Host-rekey-device=") {
		t.Fatalf("cookie %q", cookie)
	}
	send := func(number, address string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/forgotten", strings.NewReader("action=send&mobile="+number))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie, "X-Forwarded-For": address, "Sec-Fetch-Site": "same-origin"} {
			r.Header.Set(name, value)
		}
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.Header.Get("Location")
	}
	if to := send(mobile, "203.0.113.1"); to != "/forgotten/code" {
		t.Fatalf("leads to %s", to)
	}
	if text := phone.next(t).Text; !strings.Contains(text, "@id.harbour.example #") {
		t.Errorf("the SMS is %q", text)
	}
	if to := send("13800138001", "203.0.113.1"); to != "/forgotten" {
		t.Errorf("the second send of an address leads to %s", to)
	}
	if to := send("13800138002", "203.0.113.2"); to != "/forgotten/code" {
		t.Errorf("the first send of another address leads to %s", to)
	}
}

func TestAltchaOfBinary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	s := start(t, dir, nil, "-sms", "console", "-captcha", "altcha")
	if status, answer := exchange(t, s.addr, sendPath, sendBody); status != 400 || !strings.Contains(answer, "captcha_token") {
		t.Errorf("without a token: %d %s", status, answer)
	}
	status, challenge := exchange(t, s.addr, "/api/v2/sdk/captcha/challenge", sendBody)
	if status != 200 {
		t.Fatalf("challenge: %d %s", status, challenge)
	}
	token, err := altcha.Solve(t.Context(), []byte(challenge))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"mobile": mobile, "type": "FORGET_PWD_SMS", "captcha_token": token})
	if err != nil {
		t.Fatal(err)
	}
	mustPost(t, s.addr, sendPath, string(body))
}

func TestPuzzleOfBinary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	s := start(t, dir, nil, "-sms", "console", "-captcha", "puzzle", "-captcha-mode", "on suspicion")
	response, body := fetch(t, s.addr, "/api/v2/sdk/captcha", "X-client-id", clientID, "X-operating-sys-version", "1", "X-agent", "a", "X-device-fingerprint", "f")
	if response.StatusCode != 200 || !strings.Contains(body, "jigsawImageBase64") {
		t.Errorf("puzzle: %d %.100s", response.StatusCode, body)
	}
	mustPost(t, s.addr, sendPath, sendBody) // nothing is suspicious yet
}

// The guard refuses, fails and allows; a leaked password is refused.
func TestGuardAndBreachedPasswords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	var mu sync.Mutex
	var actions []string
	answer := `{"allow":true}`
	asked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/range/") {
			// SHA-1 of newPassword, without its first five digits.
			_, _ = io.WriteString(w, sha1Suffix(newPassword)+":7\r\n")
			return
		}
		mu.Lock()
		defer mu.Unlock()
		var q struct {
			Action string `json:"action"`
			UserID string `json:"user_id"`
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.UserID == "" || r.Header.Get("Authorization") != "Bearer t0ken" {
			t.Errorf("question %+v, %v", q, r.Header)
		}
		actions = append(actions, q.Action)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(asked.Close)
	say := func(text string) { mu.Lock(); defer mu.Unlock(); answer = text }
	phone := newReceiver(t)
	s := start(t, dir, append(webhookEnv(), "REKEY_GUARD_TOKEN=t0ken"), "-sms", "webhook="+phone.URL,
		"-guard", asked.URL+"/guard", "-breached-passwords", asked.URL+"/range/")
	mustPost(t, s.addr, sendPath, sendBody)
	code := phone.next(t).Params["code"]
	if status, answer := exchange(t, s.addr, resetPath, resetBody(code, newPassword)); status != 400 || !strings.Contains(answer, "PWD.0006") {
		t.Errorf("leaked password: %d %s", status, answer)
	}
	const other = "granite-Willow-58"
	say(`broken`)
	if status, answer := exchange(t, s.addr, resetPath, resetBody(code, other)); status != 500 || !strings.Contains(answer, "SDK.COMMON.1008") {
		t.Errorf("broken guard: %d %s", status, answer)
	}
	say(`{"allow":true}`)
	mustPost(t, s.addr, resetPath, resetBody(code, other))
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(actions, " "); got != "send reset reset" {
		t.Errorf("the guard was asked for %s", got)
	}
	if strings.Contains(s.logs.String(), "t0ken") {
		t.Errorf("the log shows the token: %s", s.logs)
	}
}

func TestConfigPrintsNoSecretsOfOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := runEnv(t, dir, []string{"REKEY_CAPTCHA_SECRET=hidden1", "REKEY_GUARD_TOKEN_FILE=token.txt"}, "", "config", "-sms", "console",
		"-captcha", "turnstile", "-guard", "https://guard.example/?key=hidden2", "-breached-passwords", "https://pwned.example/hidden3/")
	if r.code != 0 || strings.Contains(r.out, "hidden") || !strings.Contains(r.out, "guard-token-file = token.txt") || !strings.Contains(r.out, "captcha = turnstile") {
		t.Errorf("exit status %d: %s\n%s", r.code, r.out, r.err)
	}
}

// sha1Suffix returns the line by which a service with the protocol of Pwned Passwords
// lists a password.
func sha1Suffix(password string) string {
	sum := sha1.Sum([]byte(password))
	return strings.ToUpper(hex.EncodeToString(sum[:]))[5:]
}
