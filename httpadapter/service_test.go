package httpadapter_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// The headers of the documented example, as printed.
const documentedHeaders = `X-operating-sys-version: Android 10
X-device-fingerprint: 156aysdna213sac
X-device-ip: 10.10.10.1
X-agent: Mozilla/5.0 (Linux; Android 10; Redmi K30 Build/QKQ1.190825.002; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/80.0.3987.99 Mobile Safari/537.36
X-L: zh
X-client-id: DRrYIqauawN0I8myTMoDTPys6ezGZxnm
X-tenant-id: 08f770f51f80d2f40f38c00cb199fd21
`

const newPassword = "marble-Lantern-58 ümlaut"

// deployment is the handler on a real service, with the documented user and client.
func deployment(t *testing.T, configure ...func(*identity.Config)) (*identitytest.Fixture, string) {
	t.Helper()
	f := identitytest.New(t, configure...)
	f.User("12345678901", "violet-Harbor-93")
	h, err := httpadapter.New(f.Service, httpadapter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f, serve(t, h).Listener.Addr().String()
}

func exchange(t *testing.T, addr, path, body string) answer {
	t.Helper()
	return rawPostTo(t, addr, path, "Host: localhost\r\nConnection: close\r\nContent-Type: application/json;charset=utf8\r\n"+
		strings.ReplaceAll(documentedHeaders, "\n", "\r\n")+length(body), body)
}

func documentedBody(code, password string) string {
	return fmt.Sprintf(`{ "mobile": "12345678901", "verify_code": "%s", "password": "%s" }`, code, password)
}

// TestDocumentedExample sends the documents' example unchanged except for the code and
// the password.
func TestDocumentedExample(t *testing.T) {
	t.Parallel()
	f, addr := deployment(t)
	accepted(t, exchange(t, addr, sendPath, `{"mobile":"12345678901","type":"FORGET_PWD_SMS","captcha_token":""}`))
	code := f.Code("+8612345678901")
	accepted(t, exchange(t, addr, resetPath, documentedBody(code, newPassword)))
	if _, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: "12345678901", Password: identity.NewSecret(newPassword)}); err != nil {
		t.Errorf("the new password does not work: %v", err)
	}
	// The answer was lost and the client sends the request again.
	refusedWith(t, exchange(t, addr, resetPath, documentedBody(code, newPassword)), 400, "SDK.SMS.1005", "短信验证码错误或已过期。")
}

// TestRefusalsOfTheService tests real errors of the service, besides those of the fake.
func TestRefusalsOfTheService(t *testing.T) {
	t.Parallel()
	f, addr := deployment(t)
	send := func(mobile, purpose string) answer {
		return exchange(t, addr, sendPath, fmt.Sprintf(`{"mobile":"%s","type":"%s"}`, mobile, purpose))
	}
	refusedWith(t, send("12345678901", "OTHER"), 400, "SDK.COMMON.1002", "参数type格式不正确。")
	refusedWith(t, send("110", "FORGET_PWD_SMS"), 400, "USER.0038", "手机号无效。")
	refusedWith(t, send("+14155552671", "FORGET_PWD_SMS"), 400, "USER.0038", "手机号无效。")
	accepted(t, send("12345678901", "FORGET_PWD_SMS"))
	accepted(t, send("13800138000", "FORGET_PWD_SMS")) // a number without a user
	limited := send("13800138000", "FORGET_PWD_SMS")
	refusedWith(t, limited, 429, "SDK.COMMON.1008", "请求过于频繁，请稍后再试。")
	if got := limited.header.Get("Retry-After"); got != "60" {
		t.Errorf("Retry-After is %q", got)
	}
	code := f.Code("+8612345678901")
	reset := func(body string) answer { return exchange(t, addr, resetPath, body) }
	refusedWith(t, reset(documentedBody(code, "short")), 400, "PWD.0002", "密码长度必须为8到256个字符。")
	refusedWith(t, reset(documentedBody(code, "x-12345678901-Y")), 400, "PWD.0003", "密码不能包含手机号。")
	refusedWith(t, reset(documentedBody(code, "password1")), 400, "PWD.0006", "密码过于简单，容易被猜到。")
	// None of these costs an attempt: five wrong attempts would end the code.
	for _, wrong := range []string{"+" + code, "0" + code, code + "a", code[:5], "abcdef", code + `\ufe0f`} {
		refusedWith(t, reset(documentedBody(wrong, newPassword)), 400, "SDK.SMS.1005", "短信验证码错误或已过期。")
	}
	accepted(t, reset(documentedBody(`\u200b`+code[:3]+"\u00a0"+code[3:]+" ", newPassword)))

	if err := f.SetClientDisabled(t.Context(), identitytest.ClientID, true); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, send("12345678901", "FORGET_PWD_SMS"), 400, "APP.0003", "应用已被禁用。")
}

// TestEqualAnswers: the answers to an unknown number, a wrong code and a used code are
// the same, byte for byte.
func TestEqualAnswers(t *testing.T) {
	t.Parallel()
	f, addr := deployment(t)
	accepted(t, exchange(t, addr, sendPath, `{"mobile":"12345678901","type":"FORGET_PWD_SMS"}`))
	code := f.Code("+8612345678901")
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	answers := []answer{
		exchange(t, addr, resetPath, documentedBody(wrong, newPassword)),
		exchange(t, addr, resetPath, strings.Replace(documentedBody(code, newPassword), "12345678901", "13800138000", 1)),
	}
	// A user whose number is not verified, as with new users.
	if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: "13800138001", Password: identity.NewSecret(newPassword)}); err != nil {
		t.Fatal(err)
	}
	accepted(t, exchange(t, addr, sendPath, `{"mobile":"13800138001","type":"FORGET_PWD_SMS"}`))
	answers = append(answers, exchange(t, addr, resetPath, strings.Replace(documentedBody(code, newPassword), "12345678901", "13800138001", 1)))
	accepted(t, exchange(t, addr, resetPath, documentedBody(code, newPassword)))
	answers = append(answers, exchange(t, addr, resetPath, documentedBody(code, newPassword)))
	for _, a := range answers {
		if a.status != http.StatusBadRequest || a.body != answers[0].body || fmt.Sprint(undated(a.header)) != fmt.Sprint(undated(answers[0].header)) {
			t.Errorf("%v differs from %v", a, answers[0])
		}
	}
}
