package main_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// twilioCallback posts a status the way Twilio does, signed with a token.
func twilioCallback(t *testing.T, addr, public, token, status string) int {
	t.Helper()
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {status}, "ErrorCode": {"30008"}}
	signed := public
	for _, name := range []string{"ErrorCode", "MessageSid", "MessageStatus"} {
		signed += name + form.Get(name)
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(signed))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/receipts/twilio", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // otherwise any test that closes its server would end idle connections of the default client
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// A provider's signed report on a message appears in the listing. Reports that another
// party sends do not appear.
func TestReceiptsAreListed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	const public = "https://rekey.example/receipts/twilio"
	callbacks := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		callbacks <- r.PostFormValue("StatusCallback")
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprint(w, `{"sid":"SM1","status":"queued"}`)
	}))
	t.Cleanup(server.Close)
	s := start(t, dir, []string{
		"REKEY_TWILIO_ENDPOINT=" + server.URL, "REKEY_TWILIO_ACCOUNT_SID=AC1", "REKEY_TWILIO_AUTH_TOKEN=twilio-token",
		"REKEY_TWILIO_FROM=+15005550006", "REKEY_RECEIPTS_URL=https://rekey.example/",
	}, "-sms", "twilio")
	if status := twilioCallback(t, s.addr, public, "twilio-token", "delivered"); status != http.StatusNotFound {
		t.Errorf("before the message: %d", status)
	}
	mustPost(t, s.addr, sendPath, sendBody)
	if got := receive(t, callbacks, "a message"); got != public {
		t.Errorf("callback %q, want %q", got, public)
	}
	var got []int
	for _, c := range [][2]string{{"another-token", "delivered"}, {"twilio-token", "sent"}, {"twilio-token", "undelivered"}, {"twilio-token", "undelivered"}, {"twilio-token", "delivered"}} {
		got = append(got, twilioCallback(t, s.addr, public, c[0], c[1]))
	}
	if want := []int{403, 200, 200, 200, 200}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	lines := jsonLines(t, mustRun(t, dir, "", "messages"))
	if len(lines) != 1 || lines[0]["receipt"] != "failed" || lines[0]["receipt_code"] != "30008" || lines[0]["state"] != "delivered" {
		t.Errorf("messages %v", lines)
	}
	if at, err := time.Parse(time.RFC3339, fmt.Sprint(lines[0]["receipt_at"])); err != nil || time.Since(at).Abs() > time.Hour {
		t.Errorf("receipt at %v", lines[0]["receipt_at"])
	}
	if status, _ := exchange(t, s.addr, "/receipts/vonage", "{}"); status != http.StatusNotFound {
		t.Errorf("receipts of an unused provider: %d", status)
	}
}

func TestRefusedReceiptSettings(t *testing.T) {
	t.Parallel()
	twilio := []string{"REKEY_TWILIO_ACCOUNT_SID=AC1", "REKEY_TWILIO_AUTH_TOKEN=key-secret", "REKEY_TWILIO_KEY_SID=SK1", "REKEY_TWILIO_FROM=+15005550006"}
	vonage := []string{"REKEY_VONAGE_API_KEY=k", "REKEY_VONAGE_API_SECRET=key-secret", "REKEY_VONAGE_FROM=Rekey"}
	for name, test := range map[string]struct {
		args string
		env  []string
		says string
	}{
		"no URL":              {"-sms console -receipts-url rekey.example", nil, "-receipts-url is not a URL"},
		"query":               {"-sms console -receipts-url https://rekey.example?x=1", nil, "-receipts-url is not a URL"},
		"no signature secret": {"-sms vonage -receipts-url https://rekey.example", vonage, "REKEY_VONAGE_*: vonage: invalid configuration: SignatureSecret is required"},
		"key's secret":        {"-sms twilio -receipts-url https://rekey.example", twilio, "REKEY_TWILIO_*: twilio: invalid configuration: AuthToken is required"},
	} {
		r := runEnv(t, t.TempDir(), test.env, "", append([]string{"serve", "-addr", "127.0.0.1:0"}, strings.Fields(test.args)...)...)
		if r.code != 2 || !strings.Contains(r.err, test.says) || strings.Count(r.err, "\n") != 1 || strings.Contains(r.err, "key-secret") {
			t.Errorf("%s: exit status %d, %q; want %q", name, r.code, r.err, test.says)
		}
	}
}

// Behind a proxy that serves the server below a path, receipts arrive whether or not
// the proxy removes the path.
func TestReceiptsBelowAPath(t *testing.T) {
	t.Parallel()
	env := []string{"REKEY_TWILIO_ACCOUNT_SID=AC1", "REKEY_TWILIO_AUTH_TOKEN=twilio-token", "REKEY_TWILIO_FROM=+15005550006"}
	s := start(t, t.TempDir(), env, "-sms", "twilio", "-receipts-url", "https://example.com/auth/")
	for path, want := range map[string]int{"/receipts/twilio": 403, "/auth/receipts/twilio": 403, "/other/receipts/twilio": 404, "/auth/receipts/vonage": 404} {
		if status, _ := exchange(t, s.addr, path, "{}"); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	for _, url := range []string{"https://example.com/a//b", "https://example.com/../b", "https://example.com/a%2fb"} {
		if r := runEnv(t, t.TempDir(), env, "", "serve", "-addr", "127.0.0.1:0", "-sms", "twilio", "-receipts-url", url); r.code != 2 || !strings.Contains(r.err, "-receipts-url has a path") {
			t.Errorf("%s: exit status %d, %q", url, r.code, r.err)
		}
	}
}
