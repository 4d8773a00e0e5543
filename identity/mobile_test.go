package identity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
)

func TestEverySpellingIsOneNumber(t *testing.T) {
	t.Parallel()
	for _, input := range []string{
		"12345678901", "+8612345678901", "+86-12345678901", "+86 123 4567 8901", "86-12345678901", "8612345678901",
		"008612345678901", "１２３４５６７８９０１", "＋８６１２３４５６７８９０１", "(123)4567-8901", " 12345678901 ", "123.4567.8901", "1234567890१",
	} {
		if got, region, err := identity.ParseMobile(input, "CN", "CN"); err != nil || got != "+8612345678901" || region != "CN" {
			t.Errorf("%q = %q, %q, %v", input, got, region, err)
		}
	}
}

func TestInvalidNumbers(t *testing.T) {
	t.Parallel()
	for _, input := range []string{
		"", " ", "1", "abc", "+", "+86", "123", "1234567890123456789", "12345678901x5", "12345678901;ext=5", "tel:+8612345678901",
		"+1 800 FLOWERS", "12345678901\x00", "1234567\n8901", "' OR 1=1 --", "+86+12345678901",
		strings.Repeat("1", 5000), strings.Repeat("１", 5000), "\xff\xfe",
	} {
		if got, _, err := identity.ParseMobile(input, "CN", "CN"); !errors.Is(err, identity.ErrInvalidMobile) || got != "" {
			t.Errorf("%.40q = %q, %v", input, got, err)
		}
	}
}

func TestOnlyAllowedCountries(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		input     string
		countries []string
		ok        bool
	}{
		{"+14155550100", []string{"CN"}, false},
		{"+14155550100", []string{"CN", "US"}, true},
		{"+12685550100", []string{"US"}, false}, // Antigua: shares +1, at premium prices
		{"+88212345678", []string{"CN", "US"}, false},
		{"+85251234567", []string{"CN"}, false},
	} {
		if _, _, err := identity.ParseMobile(test.input, "CN", test.countries...); (err == nil) != test.ok {
			t.Errorf("%s in %v: %v", test.input, test.countries, err)
		}
	}
}

// Property: for any input, the result is E.164 and reads as itself.
func FuzzParseMobile(f *testing.F) {
	for _, seed := range []string{"12345678901", "+8612345678901", "+86-123 4567.8901", "008612345678901", "１２３", "+14155550100", "0"} {
		f.Add(seed)
	}
	countries := []string{"CN", "US", "GB", "IT", "BR", "MX", "AR"}
	f.Fuzz(func(t *testing.T, input string) {
		e164, region, err := identity.ParseMobile(input, "CN", countries...)
		if err != nil {
			if e164 != "" || region != "" {
				t.Fatal("something is returned with an error")
			}
			return
		}
		if len(e164) < 5 || len(e164) > 16 || e164[0] != '+' || strings.Trim(e164[1:], "0123456789") != "" {
			t.Fatalf("%q is not E.164", e164)
		}
		if again, _, err := identity.ParseMobile(e164, "US", countries...); err != nil || again != e164 {
			t.Fatalf("%q reads as %q, %v", e164, again, err)
		}
	})
}
