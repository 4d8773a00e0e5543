package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

func manyEvents(t *testing.T, path string, n int) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	for range n {
		e := audit.Event{ID: uuid.Must(uuid.NewV7()).String(), At: time.Now().UTC().Truncate(time.Millisecond), Type: audit.LimitAlarm}
		if err := store.AppendEvent(t.Context(), e, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// A request whose body is still on its way at SIGTERM is answered; new connections are
// refused.
func TestSIGTERMFinishesRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	s := start(t, dir, nil, "-sms", "console")
	conn := dial(t, s.addr)
	text := request(s.addr, sendPath, sendBody)
	write(t, conn, text[:len(text)-1])
	// These requests use other connections. Once they are answered, the first request is
	// being served too. (net/http drops a request whose header has not been read at
	// shutdown.)
	for range 20 {
		if status, body := get(t, "http://"+s.addr+"/healthz"); status != http.StatusOK || body != "ok\n" {
			t.Fatalf("healthz: %d %q", status, body)
		}
	}
	s.terminate(t)
	for until := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			break
		}
		_ = c.Close()
		if time.Now().After(until) {
			t.Fatal("still listening after SIGTERM")
		}
	}
	write(t, conn, text[len(text)-1:])
	if status, body := readAnswer(t, conn); status != http.StatusOK {
		t.Errorf("the request that was being handled: %d %s", status, body)
	}
	if code := s.wait(t); code != 0 {
		t.Errorf("exit status %d: %s", code, s.logs)
	}
	if out := s.out.String(); !strings.Contains(out, "SMS to") {
		t.Errorf("its message was not printed: %q", out)
	}
}

// A message that no provider accepts survives the process, and the next process
// delivers it.
func TestQueuedMessageSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	phone := newReceiver(t)
	phone.down.Store(true)
	s := start(t, dir, webhookEnv(), "-sms", "webhook="+phone.URL)
	mustPost(t, s.addr, sendPath, sendBody)
	receive(t, phone.refused, "the first try")
	s.terminate(t)
	if code := s.wait(t); code != 0 {
		t.Fatalf("exit status %d: %s", code, s.logs)
	}
	if m := jsonLines(t, mustRun(t, dir, "", "messages")); len(m) != 1 || m[0]["state"] != "pending" {
		t.Fatalf("messages %v, want one pending", m)
	}
	phone.down.Store(false)
	s = start(t, dir, webhookEnv(), "-sms", "webhook="+phone.URL)
	code := phone.next(t).Params["code"]
	mustPost(t, s.addr, resetPath, resetBody(code, newPassword))
}

func TestTwoServersOnOneDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	phone := newReceiver(t)
	first := start(t, dir, webhookEnv(), "-sms", "webhook="+phone.URL)
	second := start(t, dir, webhookEnv(), "-sms", "webhook="+phone.URL)
	mustPost(t, first.addr, sendPath, sendBody)
	mustPost(t, second.addr, resetPath, resetBody(phone.next(t).Params["code"], newPassword))
	phone.next(t)
	mustRun(t, dir, newPassword, "user", "check", "-mobile", mobile)
	for _, s := range []*process{first, second} {
		s.terminate(t)
		if code := s.wait(t); code != 0 {
			t.Errorf("exit status %d: %s", code, s.logs)
		}
	}
	if n := len(phone.messages); n != 0 {
		t.Errorf("%d messages more than expected", n)
	}
}

func TestHealthzOverHTTPS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert := certificate(t, dir)
	s := start(t, dir, []string{"REKEY_TLS_CERT=cert.pem", "REKEY_TLS_KEY=key.pem"}, "-sms", "console")
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: patience}
	response, err := client.Get("https://" + s.addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("healthz: %d %v", response.StatusCode, response.Header)
	}
	if s.line["tls"] != true {
		t.Errorf("the log says %v", s.line)
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func certificate(t *testing.T, dir string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Settings in flags and in the environment take effect.
func TestSettingsTakeEffect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	texts := `{"sms": {"de": {"Code": {"": "Ihr Code: {code}."}, "PasswordChanged": "Geändert um {time}."}},
		"errors": {"de": {"SDK.SMS.1005": "Der Code ist falsch."}}}`
	if err := os.WriteFile(filepath.Join(dir, "texts.json"), []byte(texts), 0o600); err != nil {
		t.Fatal(err)
	}
	phone := newReceiver(t)
	env := append(webhookEnv(), "REKEY_SMS=webhook="+phone.URL, "REKEY_CODE_DIGITS=10", "REKEY_REFUSALS_AS_400=true",
		"REKEY_TEXTS_FILE=texts.json", "REKEY_PASSWORD_MIN=20", "REKEY_CODE_LIFETIME=", "REKEY_CODE_DIGTS=8") // empty: not set
	s := start(t, dir, env, "-password-min", "16", "-send-cooldown", "0", "-sends-per-number", "2/24h", "-max-body-bytes", "26624",
		"-trusted-proxies", "127.0.0.0/8,10.1.1.1", "-address-header", "X-Forwarded-For", "-max-conns", "3")

	german := func(path, body string) (int, string) {
		conn := dial(t, s.addr)
		defer func() { _ = conn.Close() }()
		text := strings.Replace(request(s.addr, path, body), "X-L: zh\r\n", "X-L: de-AT\r\nX-Forwarded-For: 203.0.113.9, 10.1.1.1\r\n", 1)
		write(t, conn, text)
		return readAnswer(t, conn)
	}
	if status, answer := german(sendPath, sendBody); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	message := phone.next(t)
	code := message.Params["code"]
	if !regexp.MustCompile(`^Ihr Code: \d{10}\.$`).MatchString(message.Text) {
		t.Errorf("SMS %q", message.Text)
	}
	if status, answer := german(sendPath, sendBody); status != http.StatusOK { // no pause
		t.Errorf("the second send: %d %s", status, answer)
	}
	if status, answer := german(sendPath, sendBody); status != http.StatusBadRequest || !strings.Contains(answer, "SDK.COMMON.1008") {
		t.Errorf("the third send: %d %s", status, answer)
	}
	if status, answer := german(resetPath, resetBody(code, "amberLantern-27")); !strings.Contains(answer, "PWD.0002") || !strings.Contains(answer, "16") {
		t.Errorf("a password of 15 characters: %d %s", status, answer)
	}
	if status, answer := german(resetPath, resetBody("0", newPassword)); !strings.Contains(answer, "Der Code ist falsch.") {
		t.Errorf("a wrong code: %d %s", status, answer)
	}
	if status, _ := german(sendPath, sendBody+strings.Repeat(" ", 26624)); status != http.StatusBadRequest {
		t.Errorf("a large body: %d", status)
	}
	if logs := s.logs.String(); !strings.Contains(logs, "REKEY_CODE_DIGTS") || strings.Contains(logs, `"REKEY_SMS"`) {
		t.Errorf("the log must warn about the unknown variable and no other: %s", logs)
	}
	trail := mustRun(t, dir, "", "events")
	if !strings.Contains(trail, `"address":"203.0.113.9"`) || strings.Contains(trail, `"address":"127.0.0.1"`) {
		t.Errorf("events do not show the address behind the proxies: %s", trail)
	}
	s.terminate(t)
	if status := s.wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, text := range []string{trail, s.logs.String(), s.out.String(), mustRun(t, dir, "", "messages")} {
		if strings.Contains(text, code) {
			t.Errorf("the code is in %s", text)
		}
	}
}

// Every flag is explained with its variable, and no secret is a flag.
func TestHelp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	overview := mustRun(t, dir, "", "-h")
	for _, name := range []string{"serve", "client add", "client disable", "client enable", "user add", "user check", "user unlock",
		"user disable", "user enable", "events", "messages"} {
		if !strings.Contains(overview, "  "+name+" ") {
			t.Errorf("the overview lacks %s", name)
		}
		help := mustRun(t, dir, "", append(strings.Fields(name), "-h")...)
		flags := regexp.MustCompile(`(?m)^  -([a-z0-9-]+).* (REKEY_[A-Z0-9_]+)\n      \S`).FindAllStringSubmatch(help, -1)
		if len(flags) == 0 || len(flags) != strings.Count(help, "\n  -") {
			t.Errorf("%s -h explains %d flags:\n%s", name, len(flags), help)
		}
		for _, f := range flags {
			if want := "REKEY_" + strings.ToUpper(strings.ReplaceAll(f[1], "-", "_")); f[2] != want {
				t.Errorf("%s: -%s is %s", name, f[1], f[2])
			}
			if f[1] == "secret" || f[1] == "password" || f[1] == "webhook-secret" {
				t.Errorf("%s takes -%s as an argument", name, f[1])
			}
		}
	}
	help := mustRun(t, dir, "", "serve", "-h")
	for flag, def := range map[string]string{
		"code-digits": "6", "code-lifetime": "5m", "code-attempts": "5", "live-codes": "3", "send-cooldown": "1m",
		"sends-per-known-device": "3/10m,5/1h,10/24h", "sends-per-address": "30/1h", "sends-per-number": "33/1h,100/24h", "budget-per-tenant": "1000/1h",
		"budget-total": "1000/1h", "failures-per-number-and-network": "7/24h", "failures-per-number": "78/24h", "failures-per-known-device": "10+1/2h",
		"failures-per-address": "60/1h", "failures-alarm": "1000/1h", "failures-total": "10000/1h", "default-region": "CN",
		"hash-memory-kib": "19456", "hash-iterations": "2", "hash-parallelism": "1", "password-min": "8", "password-max": "256",
		"password-strength": "3", "max-body-bytes": "32768",
	} {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^  -%s .*\n.*; default %s$`, flag, regexp.QuoteMeta(def))).MatchString(help) {
			t.Errorf("-%s is not explained with its default %s", flag, def)
		}
	}
}
