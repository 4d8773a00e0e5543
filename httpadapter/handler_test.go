package httpadapter_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
)

func TestServiceErrors(t *testing.T) {
	t.Parallel()
	const both, reset, send = "both", resetPath, sendPath
	tests := []struct {
		on     string
		err    error
		status int
		code   string
		en, zh string
		retry  string
	}{
		{both, identity.ErrClientMissing, 400, "APP.0002", "Application ID required.", "应用ID不能为空。", ""},
		{both, identity.ErrDeviceMissing, 400, "SDK.COMMON.1003", "Device information is incomplete.", "设备信息不完整。", ""},
		{both, identity.ErrClientNotFound, 400, "APP.0001", "Application does not exist.", "应用不存在。", ""},
		{both, identity.ErrClientDisabled, 400, "APP.0003", "Application disabled.", "应用已被禁用。", ""},
		{both, identity.ErrTenantMissing, 400, "SDK.COMMON.1001", "Parameter X-tenant-id cannot be left blank.", "参数X-tenant-id不能为空。", ""},
		{send, identity.ErrCaptchaMissing, 400, "SDK.COMMON.1001", "Parameter captcha_token cannot be left blank.", "参数captcha_token不能为空。", ""},
		{send, identity.ErrUnknownPurpose, 400, "SDK.COMMON.1002", "The type parameter format is incorrect.", "参数type格式不正确。", ""},
		{both, identity.ErrInvalidMobile, 400, "USER.0038", "Invalid mobile number.", "手机号无效。", ""},
		{send, identity.ErrCaptchaWrong, 400, "CAPTCHA.0002", "Invalid CAPTCHA code.", "图形验证码错误。", ""},
		{send, identity.ErrCaptchaExpired, 400, "CAPTCHA.0003", "CAPTCHA token expired.", "图形验证码令牌已过期。", ""},
		{reset, identity.ErrCodeRefused, 400, "SDK.SMS.1005", "The SMS verification code is incorrect or has expired.", "短信验证码错误或已过期。", ""},
		{reset, &identity.PasswordError{Fault: identity.PasswordLength, Min: 8, Max: 256}, 400, "PWD.0002", "The password must have 8 to 256 characters.", "密码长度必须为8到256个字符。", ""},
		{reset, &identity.PasswordError{Fault: identity.PasswordContains}, 400, "PWD.0003", "The password must not contain the mobile number.", "密码不能包含手机号。", ""},
		{reset, &identity.PasswordError{Fault: identity.PasswordContains, Word: "<Rekey>{0}"}, 400, "PWD.0003", "The password must not contain <Rekey>{0}.", "密码不能包含<Rekey>{0}。", ""},
		{reset, &identity.PasswordError{Fault: identity.PasswordReused}, 400, "PWD.0005", "The password was used before.", "不能使用曾经用过的密码。", ""},
		{reset, &identity.PasswordError{Fault: identity.PasswordWeak}, 400, "PWD.0006", "The password is too easy to guess.", "密码过于简单，容易被猜到。", ""},
		{reset, &identity.PasswordError{Fault: "of tomorrow"}, 500, "SDK.COMMON.1008", "The system is busy. Try again later.", "系统繁忙，请稍后再试。", ""},
		{both, &identity.RateLimitedError{RetryAfter: 59*time.Second + 1}, 429, "SDK.COMMON.1008", "Too many requests. Try again later.", "请求过于频繁，请稍后再试。", "60"},
		{both, &identity.RateLimitedError{RetryAfter: time.Minute}, 429, "SDK.COMMON.1008", "Too many requests. Try again later.", "请求过于频繁，请稍后再试。", "60"},
		{both, &identity.RateLimitedError{}, 429, "SDK.COMMON.1008", "Too many requests. Try again later.", "请求过于频繁，请稍后再试。", "1"},
		{both, &identity.BusyError{RetryAfter: time.Millisecond}, 503, "SDK.COMMON.1008", "The system is busy. Try again later.", "系统繁忙，请稍后再试。", "1"},
		{both, errors.New("disk full"), 500, "SDK.COMMON.1008", "The system is busy. Try again later.", "系统繁忙，请稍后再试。", ""},
	}
	for _, tt := range tests {
		t.Run(tt.err.Error(), func(t *testing.T) {
			t.Parallel()
			s := serve(t, handler(t, &fake{err: fmt.Errorf("wrapped: %w", tt.err)}, httpadapter.Options{}))
			for path, body := range map[string]string{resetPath: resetBody, sendPath: sendBody} {
				if tt.on != both && tt.on != path {
					continue
				}
				en := post(t, s, path, body)
				refusedWith(t, en, tt.status, tt.code, tt.en)
				refusedWith(t, post(t, s, path, body, set("X-L", "zh")), tt.status, tt.code, tt.zh)
				if got := en.header.Get("Retry-After"); got != tt.retry {
					t.Errorf("Retry-After is %q, want %q", got, tt.retry)
				}
				again := post(t, s, path, body)
				if d := cmp.Diff(undated(en.header), undated(again.header)); d != "" || en.body != again.body {
					t.Errorf("equal refusals differ: %s", d)
				}
			}
		})
	}
}

func TestRequestFaults(t *testing.T) {
	t.Parallel()
	const missingDevice, missingDeviceZH = "Device information is incomplete.", "设备信息不完整。"
	long := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name   string
		path   string // default resetPath
		body   string // default resetBody
		change func(http.Header)
		status int
		code   string
		en, zh string
	}{
		{"client missing", "", "", del("X-client-id"), 400, "APP.0002", "Application ID required.", "应用ID不能为空。"},
		{"client blank", "", "", set("X-client-id", "\u00a0\u3000"), 400, "APP.0002", "Application ID required.", "应用ID不能为空。"},
		{"os missing", "", "", del("X-operating-sys-version"), 400, "SDK.COMMON.1003", missingDevice, missingDeviceZH},
		{"device missing", "", "", del("X-device-fingerprint"), 400, "SDK.COMMON.1003", missingDevice, missingDeviceZH},
		{"agent missing", "", "", del("X-agent"), 400, "SDK.COMMON.1003", missingDevice, missingDeviceZH},
		{"agent blank", "", "", set("X-agent", "\u2003"), 400, "SDK.COMMON.1003", missingDevice, missingDeviceZH},
		{"header repeated", "", "", func(h http.Header) { h.Add("X-client-id", "other") }, 400, "SDK.COMMON.1002", "The X-client-id parameter format is incorrect.", "参数X-client-id格式不正确。"},
		{"optional header repeated", "", "", func(h http.Header) { h.Add("X-device-ip", "") }, 400, "SDK.COMMON.1002", "The X-device-ip parameter format is incorrect.", "参数X-device-ip格式不正确。"},
		{"header too long", "", "", set("X-tenant-id", long(257)), 400, "SDK.COMMON.1002", "The X-tenant-id parameter format is incorrect.", "参数X-tenant-id格式不正确。"},
		{"device too long", "", "", set("X-device-fingerprint", long(4097)), 400, "SDK.COMMON.1002", "The X-device-fingerprint parameter format is incorrect.", "参数X-device-fingerprint格式不正确。"},
		{"agent too long", "", "", set("X-agent", long(1025)), 400, "SDK.COMMON.1002", "The X-agent parameter format is incorrect.", "参数X-agent格式不正确。"},
		{"tab in header", "", "", set("X-tenant-id", "a\tb"), 400, "SDK.COMMON.1002", "The X-tenant-id parameter format is incorrect.", "参数X-tenant-id格式不正确。"},
		{"C1 in header", "", "", set("X-client-id", "a\u0085b"), 400, "SDK.COMMON.1002", "The X-client-id parameter format is incorrect.", "参数X-client-id格式不正确。"},
		{"header not UTF-8", "", "", set("X-operating-sys-version", "a\xff"), 400, "SDK.COMMON.1002", "The X-operating-sys-version parameter format is incorrect.", "参数X-operating-sys-version格式不正确。"},
		{"field missing", "", `{"mobile":"1","password":"p"}`, nil, 400, "SDK.COMMON.1001", "Parameter verify_code cannot be left blank.", "参数verify_code不能为空。"},
		{"type missing", sendPath, `{"mobile":"1"}`, nil, 400, "SDK.COMMON.1001", "Parameter type cannot be left blank.", "参数type不能为空。"},
		{"field of another type", "", `{"mobile":12345678901,"verify_code":"1","password":"p"}`, nil, 400, "SDK.COMMON.1007", "The mobile parameter type is incorrect.", "参数mobile类型不正确。"},
		{"type of another type", sendPath, `{"mobile":"1","type":1}`, nil, 400, "SDK.COMMON.1007", "The type parameter type is incorrect.", "参数type类型不正确。"},
		{"send size", sendPath, `{"mobile":"` + long(32<<10) + `"}`, nil, 413, "SDK.COMMON.1002", "The body parameter format is incorrect.", "参数body格式不正确。"},
		{"no JSON object", "", `[]`, nil, 400, "SDK.COMMON.1002", "The body parameter format is incorrect.", "参数body格式不正确。"},
		{"empty body", "", " ", nil, 400, "SDK.COMMON.1002", "The body parameter format is incorrect.", "参数body格式不正确。"},
		{"content type", "", "", set("Content-Type", "text/plain"), 415, "SDK.COMMON.1002", "The Content-Type parameter format is incorrect.", "参数Content-Type格式不正确。"},
		{"content type missing", "", "", del("Content-Type"), 415, "SDK.COMMON.1002", "The Content-Type parameter format is incorrect.", "参数Content-Type格式不正确。"},
		{"content type repeated", "", "", func(h http.Header) { h.Add("Content-Type", contentType) }, 415, "SDK.COMMON.1002", "The Content-Type parameter format is incorrect.", "参数Content-Type格式不正确。"},
		{"compressed", "", "", set("Content-Encoding", "gzip"), 415, "SDK.COMMON.1002", "The Content-Encoding parameter format is incorrect.", "参数Content-Encoding格式不正确。"},
		{"size", "", `{"mobile":"` + long(32<<10) + `"}`, nil, 413, "SDK.COMMON.1002", "The body parameter format is incorrect.", "参数body格式不正确。"},
		{"unknown path", "/api/v2/sdk/captcha", "", nil, 404, "SDK.COMMON.1002", "The path parameter format is incorrect.", "参数path格式不正确。"},
		{"trailing slash", resetPath + "/", "", nil, 404, "SDK.COMMON.1002", "The path parameter format is incorrect.", "参数path格式不正确。"},
		{"doubled slash", "/" + resetPath, "", nil, 404, "SDK.COMMON.1002", "The path parameter format is incorrect.", "参数path格式不正确。"},
		{"escaped path", "/api/v2/sdk/pwd/update%2Dby%2Dmobile", "", nil, 404, "SDK.COMMON.1002", "The path parameter format is incorrect.", "参数path格式不正确。"},
		{"path in capitals", strings.ToUpper(resetPath), "", nil, 404, "SDK.COMMON.1002", "The path parameter format is incorrect.", "参数path格式不正确。"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{}
			s := serve(t, handler(t, f, httpadapter.Options{}))
			path, body := resetPath, resetBody
			if tt.path != "" {
				path = tt.path
			}
			if tt.body != "" {
				body = tt.body
			}
			if tt.change == nil {
				tt.change = func(http.Header) {}
			}
			refusedWith(t, post(t, s, path, body, tt.change), tt.status, tt.code, tt.en)
			refusedWith(t, post(t, s, path, body, tt.change, set("X-L", "zh-CN")), tt.status, tt.code, tt.zh)
			if f.calls() != 0 {
				t.Error("the service was called")
			}
		})
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := serve(t, handler(t, f, httpadapter.Options{}))
	for _, path := range []string{resetPath, sendPath} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "post", "POSTX"} {
			a := do(t, method, s.URL+path, headers(), nil)
			if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
				t.Errorf("%s: %d, Allow %q", method, a.status, a.header.Get("Allow"))
			}
			guarded(t, a)
			if method != http.MethodHead {
				refusedWith(t, a, 405, "SDK.COMMON.1002", "The method parameter format is incorrect.")
			}
		}
	}
	if f.calls() != 0 {
		t.Error("the service was called")
	}
}

// TestOrderOfChecks takes a request with all faults, removes one fault after another,
// and expects the faults in their documented order.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	s := serve(t, handler(t, &fake{err: identity.ErrClientNotFound}, httpadapter.Options{}))
	h := make(http.Header)
	h.Set("X-L", "a\tb")
	h.Add("X-client-id", "")
	h.Set("Content-Encoding", "br")
	method, path, body := http.MethodGet, "/x", strings.Repeat("[", 40_000)
	steps := []struct {
		want string // status, code, what about
		mend func()
	}{
		{"404 SDK.COMMON.1002 path", func() { path = resetPath }},
		{"405 SDK.COMMON.1002 method", func() { method = http.MethodPost }},
		{"415 SDK.COMMON.1002 Content-Type", func() { h.Set("Content-Type", contentType) }},
		{"415 SDK.COMMON.1002 Content-Encoding", func() { h.Set("Content-Encoding", "identity") }},
		{"413 SDK.COMMON.1002 body", func() { body = strings.Repeat("[", 32<<10) }},
		{"400 APP.0002 Application", func() { h.Set("X-client-id", "a\tb") }},
		{"400 SDK.COMMON.1003 Device", func() {
			h.Set("X-operating-sys-version", "a\tb")
			h.Set("X-device-fingerprint", "f")
			h.Set("X-agent", "a")
		}},
		{"400 SDK.COMMON.1002 X-operating-sys-version", func() { h.Set("X-operating-sys-version", "o") }},
		{"400 SDK.COMMON.1002 X-L", func() { h.Set("X-L", "en") }},
		{"400 SDK.COMMON.1002 X-client-id", func() { h.Set("X-client-id", "c") }},
		{"400 SDK.COMMON.1002 body", func() { body = `{"mobile":"\u0000","verify_code":1}` }},
		{"400 SDK.COMMON.1001 password", func() { body = `{"mobile":"\u0000","verify_code":1,"password":"p"}` }},
		{"400 SDK.COMMON.1007 verify_code", func() { body = `{"mobile":"\u0000","verify_code":"1","password":"p"}` }},
		{"400 SDK.COMMON.1002 mobile", func() { body = `{"mobile":"1","verify_code":"1","password":"p"}` }},
		{"400 APP.0001 Application", func() {}},
	}
	for _, step := range steps {
		a := do(t, method, s.URL+path, h, strings.NewReader(body))
		var status int
		var code, about string
		if _, err := fmt.Sscan(step.want, &status, &code, &about); err != nil {
			t.Fatal(err)
		}
		if a.status != status || !strings.Contains(a.body, `"`+code+`"`) || !strings.Contains(a.body, about+" ") {
			t.Fatalf("answered %d %s, want %s", a.status, a.body, step.want)
		}
		step.mend()
	}
}

func TestRefusalsAs400(t *testing.T) {
	t.Parallel()
	opts := httpadapter.Options{RefusalsAs400: true}
	s := serve(t, handler(t, &fake{err: &identity.RateLimitedError{RetryAfter: time.Second}}, opts))

	limited := post(t, s, resetPath, resetBody)
	refusedWith(t, limited, 400, "SDK.COMMON.1008", "Too many requests. Try again later.")
	if limited.header.Get("Retry-After") != "1" {
		t.Error("Retry-After is gone")
	}
	method := do(t, http.MethodGet, s.URL+resetPath, headers(), nil)
	refusedWith(t, method, 400, "SDK.COMMON.1002", "The method parameter format is incorrect.")
	if method.header.Get("Allow") != "POST" {
		t.Error("Allow is gone")
	}
	refusedWith(t, post(t, s, resetPath, resetBody, set("Content-Type", "a/b")), 400, "SDK.COMMON.1002", "The Content-Type parameter format is incorrect.")
	refusedWith(t, post(t, s, resetPath, resetBody, set("Content-Encoding", "gzip")), 400, "SDK.COMMON.1002", "The Content-Encoding parameter format is incorrect.")
	refusedWith(t, do(t, http.MethodOptions, s.URL+resetPath, headers(), nil), 400, "SDK.COMMON.1002", "The method parameter format is incorrect.")
	refusedWith(t, do(t, http.MethodPut, s.URL+countriesPath, headers(), nil), 400, "SDK.COMMON.1002", "The method parameter format is incorrect.")
	refusedWith(t, post(t, s, resetPath, strings.Repeat(" ", 40_000)), 400, "SDK.COMMON.1002", "The body parameter format is incorrect.")
	refusedWith(t, post(t, s, "/x", resetBody), 404, "SDK.COMMON.1002", "The path parameter format is incorrect.")

	busy := serve(t, handler(t, &fake{err: &identity.BusyError{RetryAfter: time.Second}}, opts))
	refusedWith(t, post(t, busy, resetPath, resetBody), 503, "SDK.COMMON.1008", "The system is busy. Try again later.")
	down := serve(t, handler(t, &fake{err: errors.New("down")}, opts))
	refusedWith(t, post(t, down, resetPath, resetBody), 500, "SDK.COMMON.1008", "The system is busy. Try again later.")
}

func TestCallsToTheService(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := serve(t, handler(t, f, httpadapter.Options{}))
	accepted(t, post(t, s, resetPath, ` {"password":" p\u00e9\ud83d\ude00 ","verify_code":" 0１ ","mobile":"+86 123","other":{"mobile":1}} `+"\r\n", set("X-L", "zh")))
	accepted(t, post(t, s, sendPath, sendBody))
	accepted(t, post(t, s, sendPath, `{"mobile":"1","type":"X","captcha_token":null}`))

	if len(f.resets) != 1 || len(f.sends) != 2 {
		t.Fatalf("%d resets, %d sends", len(f.resets), len(f.sends))
	}
	reset := f.resets[0]
	want := identity.Caller{
		ClientID: "DRrYIqauawN0I8myTMoDTPys6ezGZxnm", TenantID: "08f770f51f80d2f40f38c00cb199fd21", Device: "156aysdna213sac",
		Address: netip.MustParseAddr("127.0.0.1"), ClaimedAddress: "10.10.10.1", OSVersion: "Android 10",
		Agent: "Mozilla/5.0 (Linux; Android 10)", Language: "zh",
	}
	if reset.Caller != want {
		t.Errorf("caller is %+v, want %+v", reset.Caller, want)
	}
	if reset.Mobile != "+86 123" || reset.Code.Reveal() != " 0１ " || reset.Password.Reveal() != " pé😀 " {
		t.Errorf("asked %q %q %q", reset.Mobile, reset.Code.Reveal(), reset.Password.Reveal())
	}
	if s := f.sends[0]; s.Mobile != "12345678901" || s.Purpose != identity.PurposeForgotPassword || s.CaptchaToken != "t" {
		t.Errorf("asked %+v", s)
	}
	if s := f.sends[1]; s.Purpose != "X" || s.CaptchaToken != "" {
		t.Errorf("asked %+v", s)
	}
}

func TestMounting(t *testing.T) {
	t.Parallel()
	plain := handler(t, &fake{}, httpadapter.Options{})
	prefixed := handler(t, &fake{}, httpadapter.Options{Prefix: "/auth"})
	mux := func(pattern string, h http.Handler) http.Handler {
		m := http.NewServeMux()
		m.Handle(pattern, h)
		return m
	}
	tests := []struct {
		name   string
		h      http.Handler
		prefix string
	}{
		{"alone", plain, ""},
		{"root", mux("/", plain), ""},
		{"subtree", mux("/api/v2/sdk/", plain), ""},
		{"exact", mux("POST "+resetPath, plain), ""},
		{"host", mux("127.0.0.1/api/", plain), ""},
		{"StripPrefix", mux("/auth/", http.StripPrefix("/auth", plain)), "/auth"},
		{"Prefix", mux("/auth/", prefixed), "/auth"},
		{"Prefix alone", prefixed, "/auth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.h)
			accepted(t, post(t, s, tt.prefix+resetPath, resetBody))
			if tt.name != "exact" {
				accepted(t, post(t, s, tt.prefix+sendPath, sendBody))
			}
			if tt.prefix != "" {
				if a := post(t, s, resetPath, resetBody); a.status != http.StatusNotFound {
					t.Errorf("without the prefix: %d", a.status)
				}
			}
		})
	}
}
