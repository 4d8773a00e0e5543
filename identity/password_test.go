package identity_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

const goodPassword = "violet-Harbor-93"

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	policy := identity.PasswordPolicy{Words: []string{"Rekey"}}
	for _, test := range []struct {
		password string
		want     identity.PasswordFault // empty: accepted
	}{
		{goodPassword, ""},
		{"correct horse battery staple", ""},
		{"我的密码又长又安全呀", ""},
		{"ключ-от-Гавани-93", ""},
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
	} {
		err := identity.CheckPassword(policy, test.password, "+8612345678901", "Acme")
		pe, _ := errors.AsType[*identity.PasswordError](err)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%.30q refused: %v", test.password, err)
		case test.want != "" && (pe == nil || pe.Fault != test.want):
			t.Errorf("%.30q: %v, want %s", test.password, err, test.want)
		case len(test.password) > 10 && err != nil && strings.Contains(err.Error(), test.password):
			t.Errorf("the error holds the password %q", test.password)
		}
	}
}

// zxcvbn's l33t matcher takes half a minute for this one. The bound here is
// wide: the test fails on an explosion, not on a slow machine.
func TestStrengthEstimateIsBounded(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = identity.CheckPassword(identity.PasswordPolicy{}, strings.Repeat("4@8({[<369]}>!|1l0$5+7%2", 10), "+8612345678901", "")
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the estimate of a crafted password does not end")
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
