package httpadapter_test

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
)

func TestNewReportsAllFaults(t *testing.T) {
	t.Parallel()
	_, err := httpadapter.New(nil, httpadapter.Options{
		Prefix: "auth/", MaxBodyBytes: 26<<10 - 1, DefaultLanguage: "fr",
		TrustedProxies: []netip.Prefix{{}, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::ffff:10.0.0.0/104")},
		Messages: httpadapter.Messages{
			"not a tag": {},
			"de":        {"PWD.9999": "x", httpadapter.MessageBusy: " ", httpadapter.MessagePasswordWeak: "{0}", httpadapter.MessageInvalidMobile: "\xff"},
			"pt-br":     {}, "pt_BR": {},
		},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"no service", "Prefix", "MaxBodyBytes is 26623", `DefaultLanguage "fr"`, "AddressHeader is missing",
		"invalid prefix", "0.0.0.0/0 trusts every address", "write it as IPv4", `"not a tag"`, `"PWD.9999"`,
		`["de"]["SDK.COMMON.1008"]: blank`, `unknown placeholder {0}`, `["de"]["USER.0038"]: blank or not UTF-8`, "the same language as",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported in:\n%v", want, err)
		}
	}
}

func TestOptionFaults(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, opts := range map[string]httpadapter.Options{
		"slash":                     {Prefix: "/"},
		"trailing slash":            {Prefix: "/a/"},
		"no leading slash":          {Prefix: "a"},
		"dot":                       {Prefix: "/a/./b"},
		"dots":                      {Prefix: "/a/.."},
		"doubled slash":             {Prefix: "//a"},
		"escape":                    {Prefix: "/a%20b"},
		"letter with two spellings": {Prefix: "/é"},
		"body too large":            {MaxBodyBytes: 1<<20 + 1},
		"body negative":             {MaxBodyBytes: -1},
		"header without proxies":    {AddressHeader: "X-Forwarded-For"},
		"proxies without header":    {TrustedProxies: proxies},
		"socket without header":     {TrustUnixSocket: true},
		"claim as address":          {TrustedProxies: proxies, AddressHeader: "x-device-IP"},
		"other syntax":              {TrustedProxies: proxies, AddressHeader: "Forwarded"},
		"no header name":            {TrustedProxies: proxies, AddressHeader: "X Forwarded"},
		"unknown default language":  {DefaultLanguage: "de"},
		"garbage default language":  {DefaultLanguage: "??"},
	} {
		if h, err := httpadapter.NewWithService(&fake{}, opts); err == nil || h != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, opts := range map[string]httpadapter.Options{
		"zero":     {},
		"prefix":   {Prefix: "/a-b_c.d~e/v1"},
		"bounds":   {MaxBodyBytes: 1 << 20},
		"language": {DefaultLanguage: "zh"},
		"socket":   {TrustUnixSocket: true, AddressHeader: "X-Forwarded-For"},
		"proxies":  {TrustedProxies: proxies, AddressHeader: "X-Real-IP"},
	} {
		if _, err := httpadapter.NewWithService(&fake{}, opts); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNothingIsShared: changing the options after New has no effect.
func TestNothingIsShared(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	messages := httpadapter.Messages{"en": {httpadapter.MessageCodeRefused: "No."}}
	f := &fake{err: identity.ErrCodeRefused}
	s := serve(t, handler(t, f, httpadapter.Options{TrustedProxies: proxies, AddressHeader: "X-Real-IP", Messages: messages}))
	proxies[0] = netip.MustParsePrefix("203.0.113.0/24")
	messages["en"][httpadapter.MessageCodeRefused] = "Yes."
	refusedWith(t, post(t, s, resetPath, resetBody, set("X-Real-IP", "198.51.100.1")), 400, "SDK.SMS.1005", "No.")
	if got := f.resets[0].Address.String(); got != "198.51.100.1" {
		t.Errorf("address is %s", got)
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	opts := httpadapter.Options{Messages: httpadapter.Messages{
		"de":      {httpadapter.MessageCodeRefused: "Falsch <&>.", httpadapter.MessageTheMobileNumber: "die Nummer"},
		"zh-Hant": {httpadapter.MessageCodeRefused: "簡訊驗證碼錯誤或已過期。"},
	}}
	const en, zh = "The SMS verification code is incorrect or has expired.", "短信验证码错误或已过期。"
	tests := []struct{ asked, def, want string }{
		{"", "", en}, {"en", "", en}, {"en-GB", "", en}, {"EN_us", "", en},
		{"zh", "", zh}, {"zh-CN", "", zh}, {"zh_CN", "", zh}, {"ZH-hans-SG", "", zh},
		{"zh_TW", "", "簡訊驗證碼錯誤或已過期。"}, {"zh-Hant-HK", "", "簡訊驗證碼錯誤或已過期。"},
		{"de-AT", "", "Falsch <&>."},
		{"ja", "", en}, {"garbage", "", en}, {"*", "", en}, {"中文", "", en}, {"zh\u0085", "", ""}, {strings.Repeat("zh-", 30), "", en},
		{"", "zh", zh}, {"ja", "zh", zh}, {"garbage", "zh", zh}, {"en", "zh", en}, {"fr", "de", "Falsch <&>."},
	}
	for _, tt := range tests {
		opts := opts
		opts.DefaultLanguage = tt.def
		s := serve(t, handler(t, &fake{err: identity.ErrCodeRefused}, opts))
		a := post(t, s, resetPath, resetBody, set("X-L", tt.asked))
		if tt.want == "" {
			refusedWith(t, a, 400, "SDK.COMMON.1002", "The X-L parameter format is incorrect.")
			continue
		}
		refusedWith(t, a, 400, "SDK.SMS.1005", tt.want)
	}

	t.Run("zh_TW without Hant", func(t *testing.T) {
		t.Parallel()
		s := serve(t, handler(t, &fake{err: identity.ErrCodeRefused}, httpadapter.Options{}))
		refusedWith(t, post(t, s, resetPath, resetBody, set("X-L", "zh_TW")), 400, "SDK.SMS.1005", zh)
	})
	t.Run("fallback", func(t *testing.T) {
		t.Parallel()
		s := serve(t, handler(t, &fake{err: &identity.PasswordError{Fault: identity.PasswordContains}}, opts))
		refusedWith(t, post(t, s, resetPath, resetBody, set("X-L", "de")), 400, "PWD.0003", "The password must not contain die Nummer.")
		refusedWith(t, post(t, s, resetPath, resetBody, set("X-L", "zh-Hant")), 400, "PWD.0003", "密码不能包含手机号。")
	})
}

// TestShippedMessages: both languages are complete and use the same values.
func TestShippedMessages(t *testing.T) {
	t.Parallel()
	shipped := httpadapter.ShippedMessages()
	placeholders := func(s string) []string {
		return slices.Sorted(slices.Values(regexp.MustCompile(`\{\d\}`).FindAllString(s, -1)))
	}
	if len(shipped["en"]) != len(shipped["zh"]) {
		t.Errorf("%d messages in en, %d in zh", len(shipped["en"]), len(shipped["zh"]))
	}
	for m, text := range shipped["en"] {
		zh := shipped["zh"][m]
		if text == "" || zh == "" || !slices.Equal(placeholders(text), placeholders(zh)) {
			t.Errorf("%s: %q and %q", m, text, zh)
		}
	}
}

// TestLargerBody: the limit follows the option.
func TestLargerBody(t *testing.T) {
	t.Parallel()
	s := serve(t, handler(t, &fake{}, httpadapter.Options{MaxBodyBytes: 40_000}))
	pad := func(n int) string { return resetBody + strings.Repeat(" ", n-len(resetBody)) }
	accepted(t, post(t, s, resetPath, pad(40_000)))
	if a := post(t, s, resetPath, pad(40_001)); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d", a.status)
	}
}

// TestLongestPasswordFits: the longest password that a policy can allow fits the body
// limit, in any form of JSON.
func TestLongestPasswordFits(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]httpadapter.Options{"default": {}, "least": {MaxBodyBytes: 26 << 10}} {
		s := serve(t, handler(t, &fake{}, options))
		for _, character := range []string{
			`a`, `\u0061`, `密`, `\u5bc6`, `😀`, `\ud83d\ude00`, // one escape, and two
			`\u03b1\u0313\u0300\u0345`, // ᾂ as four characters
		} {
			body := `{"mobile":"+8612345678901","verify_code":"123456","password":"` + strings.Repeat(character, 1024) + `"}`
			if a := post(t, s, resetPath, body); a.status != http.StatusOK {
				t.Errorf("%s limit, 1,024 × %s: answered %d", name, character, a.status)
			}
		}
	}
}
