package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vonage is a fake of Vonage's SMS API; it passes on the texts.
func vonage(t *testing.T) (url string, texts <-chan string) {
	t.Helper()
	arrived := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sms/json" || r.PostFormValue("api_key") != "abcd1234" || r.PostFormValue("api_secret") != "vonage-secret" {
			_, _ = fmt.Fprint(w, `{"message-count":"1","messages":[{"status":"4","error-text":"Bad Credentials"}]}`)
			return
		}
		arrived <- r.PostFormValue("text")
		_, _ = fmt.Fprint(w, `{"message-count":"1","messages":[{"status":"0","message-id":"0A00000001234567"}]}`)
	}))
	t.Cleanup(server.Close)
	return server.URL, arrived
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// A reset works with the second provider while the first is down.
func TestServeFailsOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	url, texts := vonage(t)
	writeFile(t, filepath.Join(dir, "vonage.secret"), "vonage-secret\n", 0o600)
	env := []string{
		"REKEY_SMS=+86=twilio,vonage", "REKEY_TWILIO_ENDPOINT=http://127.0.0.1:1",
		"REKEY_TWILIO_ACCOUNT_SID=AC1", "REKEY_TWILIO_AUTH_TOKEN=twilio-token", "REKEY_TWILIO_FROM=+15005550006",
		"REKEY_VONAGE_ENDPOINT=" + url, "REKEY_VONAGE_API_KEY=abcd1234", "REKEY_VONAGE_FROM=Rekey",
		"REKEY_VONAGE_API_SECRET_FILE=vonage.secret", "REKEY_VONAGE_API_SECRETS=typo",
	}
	s := start(t, dir, env)
	mustPost(t, s.addr, sendPath, sendBody)
	text := receive(t, texts, "an SMS")
	mustPost(t, s.addr, resetPath, resetBody(strings.TrimFunc(text, func(r rune) bool { return r < '0' || r > '9' })[:6], newPassword))
	receive(t, texts, "the notice")
	s.terminate(t)
	s.wait(t)
	logs := s.logs.String()
	for _, secret := range []string{"twilio-token", "vonage-secret"} {
		if strings.Contains(logs, secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
	for _, want := range []string{`"sms":["twilio","vonage"]`, `"msg":"REKEY_VONAGE_API_SECRETS in the environment: there is no setting of this name; did you mean REKEY_VONAGE_API_SECRET?"`} {
		if !strings.Contains(logs, want) {
			t.Errorf("the log lacks %s:\n%s", want, logs)
		}
	}
	if strings.Count(logs, "there is no setting of this name") != 1 {
		t.Errorf("the log warns about variables that are settings:\n%s", logs)
	}
}

func TestSMSTest(t *testing.T) {
	t.Parallel()
	url, texts := vonage(t)
	good := []string{"REKEY_VONAGE_ENDPOINT=" + url, "REKEY_VONAGE_API_KEY=abcd1234", "REKEY_VONAGE_API_SECRET=vonage-secret", "REKEY_VONAGE_FROM=Rekey"}
	bad := []string{"REKEY_TWILIO_ENDPOINT=http://127.0.0.1:1", "REKEY_TWILIO_ACCOUNT_SID=AC1", "REKEY_TWILIO_AUTH_TOKEN=twilio-token", "REKEY_TWILIO_FROM=+15005550006"}
	wrongKey := append(good[:3:3], "REKEY_VONAGE_API_SECRET=wrong-secret", "REKEY_VONAGE_FROM=Rekey")
	for name, test := range map[string]struct {
		args string
		env  []string
		code int
		says string
	}{
		"taken":           {"-sms vonage -to 12345678901", good, 0, "vonage accepted the message as 0A00000001234567"},
		"in Chinese":      {"-sms vonage -to 12345678901 -language zh", good, 0, "vonage accepted"},
		"second":          {"-sms twilio -sms vonage -to 12345678901", append(bad, good...), 0, "twilio did not accept the message\nvonage accepted"},
		"down":            {"-sms twilio -to 12345678901", bad, 1, "not sent, to be tried again: twilio: network failure"},
		"refused":         {"-sms vonage -to 12345678901", wrongKey, 1, "refused for good: vonage: "},
		"no number":       {"-sms vonage", good, 2, "-to is missing"},
		"short number":    {"-sms vonage -to 12", good, 1, "not a possible mobile number"},
		"foreign number":  {"-sms vonage -to +4915112345678", good, 1, "+49… is a number of DE; served regions: CN (set -countries)"},
		"no provider for": {"-sms +1=vonage -to 12345678901", good, 1, "no provider serves this number"},
		"no provider":     {"-to 12345678901", good, 2, "-sms is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := runEnv(t, dir, test.env, "", append([]string{"sms", "test"}, strings.Fields(test.args)...)...)
			if r.code != test.code || !strings.Contains(r.out+r.err, test.says) {
				t.Errorf("exit status %d, %q, %q; want %d and %q", r.code, r.out, r.err, test.code, test.says)
			}
			for _, secret := range []string{"twilio-token", "wrong-secret", "vonage-secret", mobile} {
				if strings.Contains(r.out+r.err, secret) {
					t.Errorf("%q shows %q", r.out+r.err, secret)
				}
			}
			if files := names(t, dir); len(files) > 0 {
				t.Errorf("left %v behind", files)
			}
		})
	}
	t.Cleanup(func() {
		if len(texts) != 3 {
			t.Errorf("%d messages arrived, want 3", len(texts))
		}
	})
}

// One error names everything that a provider lacks, and contains no secret.
func TestRefusedSettings(t *testing.T) {
	t.Parallel()
	aliyun := []string{"REKEY_ALIYUN_ACCESS_KEY_ID=key", "REKEY_ALIYUN_ACCESS_KEY_SECRET=aliyun-secret", "REKEY_ALIYUN_SIGN_NAME=Rekey"}
	for name, test := range map[string]struct {
		args string
		env  []string
		code int
		says string
	}{
		"missing":            {"-sms sns", nil, 2, "-sms sns: missing in the environment: REKEY_SNS_REGION, REKEY_SNS_ACCESS_KEY_ID, REKEY_SNS_SECRET_ACCESS_KEY"},
		"missing for two":    {"-sms bird,vonage", nil, 2, "REKEY_BIRD_CHANNEL_ID; -sms vonage: missing in the environment: REKEY_VONAGE_API_KEY"},
		"both":               {"-sms vonage", []string{"REKEY_VONAGE_API_SECRET=vonage-secret", "REKEY_VONAGE_API_SECRET_FILE=secret"}, 2, "give one of them"},
		"no file":            {"-sms vonage", []string{"REKEY_VONAGE_API_SECRET_FILE=gone"}, 2, "REKEY_VONAGE_API_SECRET_FILE: stat gone"},
		"public file":        {"-sms vonage", []string{"REKEY_VONAGE_API_SECRET_FILE=public"}, 2, "mode 0666"},
		"empty file":         {"-sms vonage", []string{"REKEY_VONAGE_API_SECRET_FILE=empty"}, 2, "REKEY_VONAGE_API_SECRET_FILE: empty: the file is empty"},
		"contradiction":      {"-sms twilio", []string{"REKEY_TWILIO_ACCOUNT_SID=AC1", "REKEY_TWILIO_AUTH_TOKEN=twilio-token"}, 2, "REKEY_TWILIO_*: twilio: invalid configuration: exactly one of From and MessagingServiceSID"},
		"plain http":         {"-sms vonage", []string{"REKEY_VONAGE_API_KEY=k", "REKEY_VONAGE_API_SECRET=vonage-secret", "REKEY_VONAGE_FROM=x", "REKEY_VONAGE_ENDPOINT=http://sms.example"}, 2, "Endpoint must be https"},
		"no JSON":            {"-sms aliyun", append(aliyun, "REKEY_ALIYUN_TEMPLATES=SMS_1"), 2, "REKEY_ALIYUN_TEMPLATES: invalid character"},
		"more JSON":          {"-sms aliyun", append(aliyun, "REKEY_ALIYUN_TEMPLATES=[] []"), 2, "there is text after the list"},
		"unknown field":      {"-sms aliyun", append(aliyun, `REKEY_ALIYUN_TEMPLATES=[{"kind": "verify_code", "id": "SMS_1"}]`), 2, `unknown field "id"`},
		"no template":        {"-sms aliyun", append(aliyun, "REKEY_ALIYUN_TEMPLATES=[]"), 2, `no entry of Templates for "verify_code"`},
		"no prefix":          {"-sms +=console", nil, 2, `"+" and digits`},
		"unserved prefix":    {"-sms +86/852=console", nil, 2, `"+" and digits`},
		"prefix alone":       {"-sms +86", nil, 2, "must be one of console, webhook=URL, twilio"},
		"URL for a provider": {"-sms twilio=https://token@sms.example/", nil, 2, "must be one of console"},
		"webhook alone":      {"-sms webhook", nil, 2, "-sms webhook: missing in the environment: REKEY_WEBHOOK_URL, REKEY_WEBHOOK_SECRET"},
		"empty part":         {"-sms console,", nil, 2, "must be one of console"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "public"), "vonage-secret", 0o600)
			if err := os.Chmod(filepath.Join(dir, "public"), 0o666); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, "empty"), "\n", 0o600)
			r := runEnv(t, dir, test.env, "", append([]string{"serve"}, strings.Fields(test.args)...)...)
			if r.code != test.code || !strings.Contains(r.err, test.says) || strings.Count(r.err, "\n") != 1 {
				t.Errorf("exit status %d, %q; want %d and %q", r.code, r.err, test.code, test.says)
			}
			for _, secret := range []string{"token", "aliyun-secret", "vonage-secret"} {
				if strings.Contains(r.err, secret) {
					t.Errorf("%q shows a secret", r.err)
				}
			}
			if files := names(t, dir); len(files) != 2 {
				t.Errorf("left %v behind", files)
			}
		})
	}
}

// The settings that help explains are enough to open each provider.
func TestProvidersOpen(t *testing.T) {
	t.Parallel()
	help := mustRun(t, t.TempDir(), "", "serve", "-h")
	for name, env := range map[string][]string{
		"twilio": {"ACCOUNT_SID=AC1", "AUTH_TOKEN=t", "MESSAGING_SERVICE_SID=MG1"},
		"vonage": {"API_KEY=k", "API_SECRET=s", "FROM=Rekey"},
		"bird":   {"ACCESS_KEY=k", "WORKSPACE_ID=w", "CHANNEL_ID=c"},
		"sns":    {"REGION=eu-central-1", "ACCESS_KEY_ID=k", "SECRET_ACCESS_KEY=s", "SESSION_TOKEN=t", "SENDER_ID=Rekey"},
		"huaweicloud": {"APP_KEY=k", "APP_SECRET=s",
			`TEMPLATES=[{"kind": "verify_code", "id": "t", "sender": "1", "params": ["code"]}]`},
		"aliyun": {"ACCESS_KEY_ID=k", "ACCESS_KEY_SECRET=s", "SIGN_NAME=Rekey",
			`TEMPLATES=[{"kind": "verify_code", "code": "SMS_1", "params": {"code": "code"}}]`},
		"tencentcloud": {"SECRET_ID=i", "SECRET_KEY=k", "APP_ID=1400000000", "SIGN_NAME=Rekey", "REGION=ap-guangzhou",
			`TEMPLATES=[{"kind": "verify_code", "id": "1", "params": ["code", "minutes"]}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env = append(env, "ENDPOINT=http://127.0.0.1:1")
			for i, entry := range env {
				env[i] = "REKEY_" + strings.ToUpper(name) + "_" + entry
				if variable, _, _ := strings.Cut(env[i], "="); !strings.Contains(help, "  "+variable+"\n") {
					t.Errorf("-h does not explain %s", variable)
				}
			}
			r := runEnv(t, t.TempDir(), env, "", "sms", "test", "-sms", name, "-to", mobile)
			if r.code != 1 || !strings.Contains(r.err, name+": network failure: connection refused") {
				t.Errorf("exit status %d, %q", r.code, r.err)
			}
		})
	}
}
