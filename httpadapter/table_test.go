package httpadapter_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// captcha returns the result that the token names.
type captcha struct{}

func (captcha) VerifyCaptcha(_ context.Context, r identity.CaptchaRequest) error {
	switch r.Token {
	case "good":
		return nil
	case "old":
		return identity.ErrCaptchaExpired
	case "down":
		return errors.New("captcha service down")
	}
	return identity.ErrCaptchaWrong
}

// TestErrorTable goes through the documented table on a real service, and checks the
// answer to each refusal.
func TestErrorTable(t *testing.T) {
	t.Parallel()
	f, addr := deployment(t, func(c *identity.Config) {
		c.Captcha, c.ServiceName, c.Password.History = captcha{}, "Lantern", 1
	})
	ctx := t.Context()
	for _, c := range []identity.Client{{ID: "off"}, {ID: "isv", MultiTenant: true}, {ID: "bound", Tenant: "t1"}} {
		if err := f.RegisterClient(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetClientDisabled(ctx, "off", true); err != nil {
		t.Fatal(err)
	}
	send := func(mobile, captcha string) string {
		return `{"mobile":"` + mobile + `","type":"FORGET_PWD_SMS","captcha_token":"` + captcha + `"}`
	}
	reset := func(mobile, password string) string {
		return `{"mobile":"` + mobile + `","verify_code":"123456","password":"` + password + `"}`
	}
	const mine = "12345678901"
	noTenant := del("X-tenant-id")
	client := func(id string) func(http.Header) { return set("X-client-id", id) }
	server := "http://" + addr
	tests := []struct {
		name, path, body string
		change           []func(http.Header)
		status           int
		code, message    string
	}{
		{"client not registered", resetPath, reset(mine, newPassword), []func(http.Header){client("nobody")}, 400, "APP.0001", "Application does not exist."},
		{"client disabled", resetPath, reset(mine, newPassword), []func(http.Header){client("off")}, 400, "APP.0003", "Application disabled."},
		{"client disabled, send", sendPath, send(mine, "good"), []func(http.Header){client("off")}, 400, "APP.0003", "Application disabled."},
		{"tenant missing", resetPath, reset(mine, newPassword), []func(http.Header){client("isv"), noTenant}, 400, "SDK.COMMON.1001", "Parameter X-tenant-id cannot be left blank."},
		{"tenant blank", sendPath, send(mine, "good"), []func(http.Header){client("isv"), set("X-tenant-id", "\u3000")}, 400, "SDK.COMMON.1001", "Parameter X-tenant-id cannot be left blank."},
		{"unknown type", sendPath, `{"mobile":"` + mine + `","type":"forget_pwd_sms","captcha_token":"good"}`, nil, 400, "SDK.COMMON.1002", "The type parameter format is incorrect."},
		{"number not possible", resetPath, reset("110", newPassword), nil, 400, "USER.0038", "Invalid mobile number."},
		{"country not allowed", sendPath, send("+14155552671", "good"), nil, 400, "USER.0038", "Invalid mobile number."},
		{"CAPTCHA missing", sendPath, send(mine, ""), nil, 400, "SDK.COMMON.1001", "Parameter captcha_token cannot be left blank."},
		{"CAPTCHA wrong", sendPath, send(mine, "bad"), nil, 400, "CAPTCHA.0002", "Invalid CAPTCHA code."},
		{"CAPTCHA expired", sendPath, send(mine, "old"), nil, 400, "CAPTCHA.0003", "CAPTCHA token expired."},
		{"CAPTCHA service down", sendPath, send(mine, "down"), nil, 500, "SDK.COMMON.1008", "The system is busy. Try again later."},
		{"password short", resetPath, reset(mine, "short"), nil, 400, "PWD.0002", "The password must have 8 to 256 characters."},
		{"password long", resetPath, reset(mine, strings.Repeat("x", 257)), nil, 400, "PWD.0002", "The password must have 8 to 256 characters."},
		{"password holds the number", resetPath, reset(mine, "a12345678901z"), nil, 400, "PWD.0003", "The password must not contain the mobile number."},
		{"password holds the service", resetPath, reset(mine, "violet-LANTERN-58"), nil, 400, "PWD.0003", "The password must not contain Lantern."},
		{"password weak", resetPath, reset(mine, "password1"), nil, 400, "PWD.0006", "The password is too easy to guess."},
		{"no code", resetPath, reset(mine, "violet-Harbor-58"), nil, 400, "SDK.SMS.1005", "The SMS verification code is incorrect or has expired."},
		{"no user", resetPath, reset("13800138000", "violet-Harbor-58"), nil, 400, "SDK.SMS.1005", "The SMS verification code is incorrect or has expired."},
		{"foreign tenant", resetPath, reset(mine, "violet-Harbor-58"), []func(http.Header){client("bound")}, 400, "SDK.SMS.1005", "The SMS verification code is incorrect or has expired."},
	}
	call := func(path, body string, change ...func(http.Header)) answer {
		h := headers()
		h.Set("X-L", "en")
		for _, c := range change {
			c(h)
		}
		return do(t, http.MethodPost, server+path, h, strings.NewReader(body))
	}
	for _, tt := range tests {
		t.Log(tt.name)
		refusedWith(t, call(tt.path, tt.body, tt.change...), tt.status, tt.code, tt.message)
	}
	// The password that a right code would bring back.
	accepted(t, call(sendPath, send(mine, "good")))
	code := f.Code("+86" + mine)
	refusedWith(t, call(resetPath, documentedBody(code, "violet-Harbor-93")), 400, "PWD.0005", "The password was used before.")
	accepted(t, call(resetPath, documentedBody(code, "violet-Harbor-58")))
}

// TestOrderOfTheService begins where TestOrderOfChecks ends: it takes a request with
// all faults that a real service finds, and removes one fault after another.
func TestOrderOfTheService(t *testing.T) {
	t.Parallel()
	f, addr := deployment(t, func(c *identity.Config) { c.Captcha = captcha{} })
	for _, c := range []identity.Client{{ID: "isv", MultiTenant: true}, {ID: "off", MultiTenant: true}} {
		if err := f.RegisterClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetClientDisabled(t.Context(), "off", true); err != nil {
		t.Fatal(err)
	}
	h := headers()
	h.Set("X-client-id", "off")
	h.Del("X-tenant-id")
	body := map[string]string{"mobile": "110", "verify_code": "abc", "password": "short", "type": "OTHER", "captcha_token": "bad"}
	encode := func() string {
		return `{"mobile":"` + body["mobile"] + `","verify_code":"` + body["verify_code"] + `","password":"` + body["password"] +
			`","type":"` + body["type"] + `","captcha_token":"` + body["captcha_token"] + `"}`
	}
	type step struct {
		code string
		mend func()
	}
	run := func(path string, steps []step) {
		for _, s := range steps {
			a := do(t, http.MethodPost, "http://"+addr+path, h.Clone(), strings.NewReader(encode()))
			if !strings.Contains(a.body, `"`+s.code+`"`) {
				t.Fatalf("%s: answered %d %s, want %s", path, a.status, a.body, s.code)
			}
			s.mend()
		}
	}
	run(sendPath, []step{
		{"SDK.COMMON.1002", func() { body["type"] = "FORGET_PWD_SMS" }},
		{"APP.0003", func() { h.Set("X-client-id", "isv") }},
		{"SDK.COMMON.1001", func() { h.Set("X-tenant-id", "t1") }},
		{"USER.0038", func() { body["mobile"] = "12345678901" }},
		{"CAPTCHA.0002", func() { body["captcha_token"] = "good" }},
	})
	accepted(t, do(t, http.MethodPost, "http://"+addr+sendPath, h.Clone(), strings.NewReader(encode())))
	run(sendPath, []step{
		{"SDK.COMMON.1008", func() { body["captcha_token"] = "bad" }},
		{"CAPTCHA.0002", func() {}},
	})
	h.Set("X-client-id", "off")
	h.Del("X-tenant-id")
	body["mobile"] = "110"
	run(resetPath, []step{
		{"APP.0003", func() { h.Set("X-client-id", "isv") }},
		{"SDK.COMMON.1001", func() { h.Set("X-tenant-id", "t1") }},
		{"USER.0038", func() { body["mobile"] = "12345678901" }},
		{"PWD.0002", func() { body["password"] = "a12345678901" }},
		{"PWD.0003", func() { body["password"] = "password1" }},
		{"PWD.0006", func() { body["password"] = newPassword }},
		{"SDK.SMS.1005", func() {}},
	})
}

// TestBlankDeviceSpendsNothing: the documented answer comes from the check of the
// headers. If the service is called without a device, its error gives the same answer.
func TestBlankDeviceSpendsNothing(t *testing.T) {
	t.Parallel()
	f, addr := deployment(t)
	before := len(trail(t, f))
	for _, path := range []string{resetPath, sendPath} {
		a := do(t, http.MethodPost, "http://"+addr+path, func() http.Header { h := headers(); h.Set("X-device-fingerprint", "\u3000"); return h }(), strings.NewReader(resetBody))
		refusedWith(t, a, 400, "SDK.COMMON.1003", "Device information is incomplete.")
	}
	if after := len(trail(t, f)); after != before {
		t.Errorf("%d events", after-before)
	}
}

func trail(t *testing.T, f *identitytest.Fixture) []audit.Event {
	t.Helper()
	events, err := f.Events(t.Context(), audit.Query{Max: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return events
}
