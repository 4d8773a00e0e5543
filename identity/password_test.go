package identity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
)

const goodPassword = "violet-Harbor-93"

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	policy := identity.PasswordPolicy{Words: []string{"Rekey", "Straße", "cafe\u0301", "КЛЮЧ", "\u200b\u200b\u200b"}}
	for _, test := range []struct {
		password string
		want     identity.PasswordFault // empty: accepted
	}{
		{goodPassword, ""},
		{"correct horse battery staple", ""},
		{"我的密码又长又安全呀", ""},
		{"дверь-от-Гавани-93", ""},
		{strings.Repeat("violet-Harbor-93 ", 15), ""},
		{"  spaces count 42x  ", ""},
		{"short7!", identity.PasswordLength},
		{"密码密码密码密", identity.PasswordLength}, // 7 code points, 21 bytes
		{strings.Repeat("é", 257), identity.PasswordLength},
		{"x12345678901y-Harbor", identity.PasswordContains},
		{"+8612345678901-Harbor", identity.PasswordContains},
		{"violet-rEKEY-Harbor-93", identity.PasswordContains},
		{"violet-ACME-Harbor-93", identity.PasswordContains},
		{"password", identity.PasswordWeak},
		{"Password1", identity.PasswordWeak},
		{"P@ssw0rd", identity.PasswordWeak},
		{"p4$$w0rd1", identity.PasswordWeak},
		{"1loveyou", identity.PasswordWeak},
		{"qwertyuiop", identity.PasswordWeak},
		{"zaqwsxcderfv", identity.PasswordWeak},
		{"aaaaaaaaaaaaaaaaaaaaaaaa", identity.PasswordWeak},
		{"1234567812345678", identity.PasswordWeak},
		{strings.Repeat("a", 200), identity.PasswordWeak},
		// The number in any spelling.
		{"１２３４５６７８９０１violet-Harbor", identity.PasswordContains},
		{"violet-Harbor-١٢٣٤٥٦٧٨٩٠١", identity.PasswordContains},
		{"violet-𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗𝟎𝟏-Harbor", identity.PasswordContains},
		{"violet-123-4567-8901-Harbor", identity.PasswordContains},
		{"violet 123 4567 8901 Harbor", identity.PasswordContains},
		{"violet(+86)123.4567.8901Harbor", identity.PasswordContains},
		{"violet-1\u200b2345\u2060678901-Harbor", identity.PasswordContains},
		{"violet-1_2_3_4_5_6_7_8_9_0_1-Harbor", identity.PasswordContains},
		{"violet-10987654321-Harbor", identity.PasswordWeak}, // backwards
		{"violet-109-8765-4321-Harbor", identity.PasswordWeak},
		{"violet-1987654-Harbor", ""}, // other digits
		// Words in any form.
		{"violet-ＡＣＭＥ-Harbor-93", identity.PasswordContains},
		{"violet-Ac\u00adme-Harbor-93", identity.PasswordContains},
		{"violet-𝐫𝐞𝐤𝐞𝐲-Harbor-93", identity.PasswordContains},
		{"violet-STRASSE-Harbor-93", identity.PasswordContains},
		{"violet-cafe\u0301-Harbor-93", identity.PasswordContains},
		{"violet-CAFÉ-Harbor-93", identity.PasswordContains},
		{"violet-ключ-Harbor-93", identity.PasswordContains},
		// The most common passwords.
		{"密密密密密密密密", identity.PasswordWeak},
		{"密码密码密码密码", identity.PasswordWeak},
		{"一二三四五六七八", identity.PasswordWeak},
		{"абвгдежз", identity.PasswordWeak},
		{"пароль12", identity.PasswordWeak},
		{"ｐａｓｓｗｏｒｄ", identity.PasswordWeak},
		{"woaini1314", identity.PasswordWeak},
		{"雨伞钢琴月球火车", ""},
	} {
		err := identity.CheckPassword(policy, test.password, "+8612345678901", "Acme")
		pe, _ := errors.AsType[*identity.PasswordError](err)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%.30q refused: %v", test.password, err)
		case test.want != "" && (pe == nil || pe.Fault != test.want):
			t.Errorf("%.30q: %v, want %s", test.password, err, test.want)
		case len(test.password) > 10 && err != nil && strings.Contains(err.Error(), test.password):
			t.Errorf("the error contains the password %q", test.password)
		}
	}
}

func BenchmarkPasswordRules(b *testing.B) {
	for name, password := range map[string]string{"usual": goodPassword, "crafted": strings.Repeat("4@8({[<369]}>!|1l0$5+7%2", 10)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = identity.CheckPassword(identity.PasswordPolicy{}, password, "+8612345678901", "")
			}
		})
	}
}

// Where a country changed its numbering, one number has several spellings.
func TestOwnNumberOfOtherCountries(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ e164, password string }{
		{"+5491123456789", "violet-1123456789-Harbor"},
		{"+5491123456789", "violet-011 15 2345-6789-Harbor"},
		{"+5491123456789", "violet-+54 11 2345-6789-Harbor"},
		{"+525512345678", "violet-5215512345678-Harbor"},
		{"+447400123456", "violet-07400 123456-Harbor"},
	} {
		err := identity.CheckPassword(identity.PasswordPolicy{}, test.password, test.e164, "")
		if pe, ok := errors.AsType[*identity.PasswordError](err); !ok || pe.Fault != identity.PasswordContains {
			t.Errorf("%s: %v", test.password, err)
		}
	}
}
