package resetpage_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

func TestResetsByPlainForms(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	f.User(mobile, oldPassword)
	b := newBrowser(t, newHandler(t, f, config()))
	b.get(start).expect(t, "number", "Forgot your password?")
	page := b.ask(mobile)
	page.expect(t, "code", "+86\u00a0138\u00a00013\u00a08000")
	code := f.Code(e164)

	// A refused password keeps the code and the step.
	page = b.set(page, code[:3]+" "+code[3:], "password")
	page.expect(t, "code", "too easy to guess", `value="`+code+`"`, `aria-invalid="true"`)
	b.set(page, code, newPassword).expect(t, "done", "Your password is changed")
	if _, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: mobile, Password: identity.NewSecret(newPassword)}); err != nil {
		t.Errorf("the new password does not sign in: %v", err)
	}

	// Reloading and going back change nothing.
	b.get(start+"/done").expect(t, "done")
	b.get(start+"/code").expect(t, "notice", "already changed")
	b.get(start).expect(t, "number")
}

// The test checks the calls that the service gets, and their callers.
func TestAsksAsTheConfiguredCaller(t *testing.T) {
	t.Parallel()
	s := &stub{}
	cfg := config()
	cfg.Countries = []string{"CN", "GB"}
	cfg.Tenant = func(*http.Request) string { return "acme" }
	cfg.Address = func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.7") }
	b := newBrowser(t, newHandler(t, s, cfg))
	b.header.Set("Accept-Language", "zh-CN,zh;q=0.9")
	b.header.Set("User-Agent", "test/1")
	b.get(start)
	page := b.follow(b.post(start, "action", "send", "country", "GB", "mobile", "\u202a07700 900123\u202c"))
	b.set(page, "１２３ ", "x")
	if len(s.sends) != 1 || len(s.resets) != 1 {
		t.Fatalf("%d sends, %d resets", len(s.sends), len(s.resets))
	}
	send, reset := s.sends[0], s.resets[0]
	if send.Mobile != "+447700900123" || send.Mobile != reset.Mobile || send.Purpose != identity.PurposeForgotPassword {
		t.Errorf("asked with %q and %q for %s", send.Mobile, reset.Mobile, send.Purpose)
	}
	if send.Caller != reset.Caller {
		t.Errorf("two callers: %+v, %+v", send.Caller, reset.Caller)
	}
	want := identity.Caller{
		ClientID: identitytest.ClientID, TenantID: "acme", Device: b.cookies["__Host-rekey-device"],
		Address: netip.MustParseAddr("192.0.2.7"), Agent: "test/1", Language: "zh",
	}
	if send.Caller != want {
		t.Errorf("asked as %+v, want %+v", send.Caller, want)
	}
	if len(send.Device) < 20 {
		t.Errorf("the device is %q", send.Device)
	}
	if reset.Code.Reveal() != "１２３" || reset.Password.Reveal() != "x" {
		t.Errorf("code %q, password %q", reset.Code.Reveal(), reset.Password.Reveal())
	}
}

// Each error of the service has its sentence, its step and its field, in both
// languages. The password appears neither in the page nor in a cookie.
func TestSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	const password = "canary-Password-1"
	for _, c := range []struct {
		name        string
		send, reset error
		step, field string
		en, zh      string
	}{
		{"number", identity.ErrInvalidMobile, nil, "number", "mobile", "not a mobile number that can be used here", "不是此处可用的手机号"},
		{"limited", &identity.RateLimitedError{RetryAfter: 90 * time.Second}, nil, "number", "", "Try again in 90 s.", "请在 90 秒后重试"},
		{"limited for long", &identity.RateLimitedError{RetryAfter: 5 * time.Hour}, nil, "number", "", "Try again in 5 h.", "请在 5 小时后重试"},
		{"failure", http.ErrServerClosed, nil, "number", "", "went wrong on our side", "出了问题"},
		{"client", identity.ErrClientDisabled, nil, "number", "", "went wrong on our side", "出了问题"},
		{"captcha, none configured", identity.ErrCaptchaMissing, nil, "number", "", "went wrong on our side", "出了问题"},
		{"code", nil, identity.ErrCodeRefused, "code", "code", "wrong or has expired", "验证码错误或已过期"},
		{"weak", nil, &identity.PasswordError{Fault: identity.PasswordWeak}, "code", "password", "too easy to guess. Make it longer", "太容易被猜到。请加长"},
		{"length", nil, &identity.PasswordError{Fault: identity.PasswordLength, Min: 10, Max: 99}, "code", "password", "10 to 99 characters", "10 到 99 个字符"},
		{"word", nil, &identity.PasswordError{Fault: identity.PasswordContains, Word: "<b>acme"}, "code", "password", "“&lt;b&gt;acme”", "“&lt;b&gt;acme”"},
		{"own number", nil, &identity.PasswordError{Fault: identity.PasswordContains}, "code", "password", "contain your mobile number", "不能包含您的手机号"},
		{"reused", nil, &identity.PasswordError{Fault: identity.PasswordReused}, "code", "password", "used this password before", "以前用过这个密码"},
		{"guesses", nil, &identity.RateLimitedError{RetryAfter: 10 * time.Minute}, "code", "", "Too many tries. Try again in 10 min.", "尝试次数过多，请在 10 分钟后重试"},
		{"busy", nil, &identity.BusyError{RetryAfter: time.Second}, "code", "", "Try again in 1 s.", "请在 1 秒后重试"},
		{"failure of reset", nil, http.ErrServerClosed, "code", "", "went wrong on our side", "出了问题"},
		{"number at reset", nil, identity.ErrInvalidMobile, "number", "mobile", "not a mobile number that can be used here", "不是此处可用的手机号"},
	} {
		for lang, want := range map[string]string{"en": c.en, "zh": c.zh} {
			t.Run(c.name+"/"+lang, func(t *testing.T) {
				t.Parallel()
				b := newBrowser(t, newHandler(t, &stub{send: c.send, reset: c.reset}, config()))
				b.header.Set("Accept-Language", lang)
				page := b.ask(mobile)
				if c.send == nil {
					page = b.set(page, "123456", password)
				}
				page.expect(t, c.step, want, `<html lang="`+lang)
				if got := strings.Contains(page.body, `aria-invalid="true" aria-describedby="`+c.field+`-fault`); got != (c.field != "") {
					t.Errorf("the field %q is marked: %t", c.field, got)
				}
				if strings.Contains(page.body, password) {
					t.Error("the password is in the page")
				}
				if c.step == "code" && !strings.Contains(page.body, `value="123456"`) {
					t.Error("the code is lost")
				}
				if !strings.Contains(page.body, "<title>"+map[string]string{"en": "Error: ", "zh": "错误："}[lang]) {
					t.Error("the title does not tell a screen reader about the fault")
				}
			})
		}
	}
}

func TestBlankFields(t *testing.T) {
	t.Parallel()
	s := &stub{}
	b := newBrowser(t, newHandler(t, s, config()))
	b.ask("  ").expect(t, "number", "Enter your mobile number.")
	page := b.ask(mobile)
	page = b.set(page, " ", newPassword)
	page.expect(t, "code", "Enter the code from the text message.")
	b.set(page, "123456", "").expect(t, "code", "Enter a new password.", `value="123456"`)
	if len(s.sends) != 1 || len(s.resets) != 0 {
		t.Errorf("%d sends, %d resets", len(s.sends), len(s.resets))
	}
}

func TestResend(t *testing.T) {
	t.Parallel()
	s := &stub{}
	clock := identitytest.NewClock(time.Now())
	cfg := config()
	cfg.Now = clock.Now
	b := newBrowser(t, newHandler(t, s, cfg))
	page := b.ask(mobile)
	page.expect(t, "code", `data-wait="60"`, "You can ask for a new code in 60 s.")
	clock.Advance(59 * time.Second)
	b.get(start+"/code").expect(t, "code", `data-wait="1"`)
	clock.Advance(2 * time.Second)
	b.get(start+"/code").expect(t, "code", `data-wait="0"`)

	s.send = &identity.RateLimitedError{RetryAfter: 125 * time.Second}
	again := b.follow(b.post(start+"/code", "action", "send", "flow", page.flow(t)))
	again.expect(t, "code", `data-wait="125"`, "in 3 min")
	s.send, s.reset = nil, identity.ErrCodeRefused
	b.set(page, "123456", "x").expect(t, "code", `value="123456"`)
	again = b.follow(b.post(start+"/code", "action", "send", "flow", page.flow(t)))
	again.expect(t, "code", `data-wait="60"`, "Use the newest message")
	if strings.Contains(again.body, "123456") {
		t.Error("the older code is still filled in")
	}
	if again.flow(t) != page.flow(t) || len(s.sends) != 3 {
		t.Errorf("flow %s after %s, %d sends", again.flow(t), page.flow(t), len(s.sends))
	}
}

// A person whose state is lost, but whose code is still valid, can go on.
func TestHaveCode(t *testing.T) {
	t.Parallel()
	s := &stub{}
	b := newBrowser(t, newHandler(t, s, config()))
	b.get(start)
	page := b.follow(b.post(start, "action", "have", "mobile", mobile))
	page.expect(t, "code", "Enter the code that you got on")
	b.set(page, "123456", newPassword).expect(t, "done")
	if len(s.sends) != 0 || len(s.resets) != 1 || s.resets[0].Mobile != e164 {
		t.Errorf("sends %v, resets %v", s.sends, s.resets)
	}
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	s := &stub{}
	b := newBrowser(t, newHandler(t, s, config()))
	first := b.ask(mobile)
	second := b.ask("13800138001")
	b.set(first, "123456", newPassword).expect(t, "code", "another tab or window", "8001")
	if len(s.resets) != 0 {
		t.Error("the form of the other tab was used")
	}
	b.set(second, "123456", newPassword).expect(t, "done")
	b.set(first, "123456", newPassword).expect(t, "done", "another tab or window")
	// The same form sent twice is a double click.
	b.set(second, "123456", newPassword).expect(t, "done")
	if len(s.resets) != 1 {
		t.Errorf("%d resets", len(s.resets))
	}
}

func TestExpiredState(t *testing.T) {
	t.Parallel()
	s := &stub{}
	clock := identitytest.NewClock(time.Now())
	cfg := config()
	cfg.Now = clock.Now
	b := newBrowser(t, newHandler(t, s, cfg))
	page := b.ask(mobile)
	clock.Advance(15*time.Minute - time.Second)
	b.get(start+"/code").expect(t, "code")
	clock.Advance(2 * time.Second)
	b.set(page, "123456", newPassword).expect(t, "number", "open for too long")
	b.follow(b.get(start+"/code")).expect(t, "number", "open for too long")
	if len(s.resets) != 0 {
		t.Error("an expired state was used")
	}
}

func TestCookiesOff(t *testing.T) {
	t.Parallel()
	s := &stub{}
	b := newBrowser(t, newHandler(t, s, config()))
	b.get(start)
	clear(b.cookies)
	got := b.post(start, "action", "send", "mobile", mobile)
	got.expect(t, "notice", "Cookies are off", "Allow cookies")
	if got.StatusCode != http.StatusBadRequest || len(s.sends) != 0 {
		t.Errorf("status %d, %d sends", got.StatusCode, len(s.sends))
	}
	clear(b.cookies)
	b.follow(b.get(start+"/code")).expect(t, "number")
}

// A known and an unknown number get the same pages, byte for byte.
func TestKnownAndUnknownLookTheSame(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.Limits.SendsPerNumber = []limit.Rate{{Limit: 2, Per: time.Hour}} })
	f.User(mobile, oldPassword)
	cfg := config()
	cfg.Now = f.Clock.Now
	h := newHandler(t, f, cfg)
	const unknown = "13800138001"
	walk := func(number string) (all []string) {
		b := newBrowser(t, h)
		note := func(a answer) answer {
			cookie := ""
			for _, c := range a.Cookies() {
				cookie += c.Name + strings.Repeat("x", len(c.Value))
			}
			body := strings.ReplaceAll(a.body, "8001", "8000")
			for _, m := range flowField.FindAllStringSubmatch(body, -1) {
				body = strings.ReplaceAll(body, m[1], "flow")
			}
			all = append(all, cookie+a.Status+a.Header.Get("Location")+body)
			return a
		}
		b.get(start)
		sent := note(b.post(start, "action", "send", "mobile", number))
		page := note(b.follow(sent))
		note(b.follow(note(b.post(start+"/code", "action", "reset", "flow", page.flow(t), "code", "000000", "password", newPassword))))
		note(b.follow(note(b.post(start+"/code", "action", "send", "flow", page.flow(t)))))
		return all
	}
	known, missing := walk(mobile), walk(unknown)
	for i := range known {
		if known[i] != missing[i] {
			t.Errorf("answer %d differs:\n%s\n%s", i, known[i], missing[i])
		}
	}
}
