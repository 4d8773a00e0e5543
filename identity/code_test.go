package identity_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// inScript writes a code with the digits of another script.
func inScript(zero rune, code string) string {
	return strings.Map(func(r rune) rune { return zero + r - '0' }, code)
}

func TestPastedCodesRedeem(t *testing.T) {
	t.Parallel()
	for name, paste := range map[string]func(code string) string{
		"trailing space":   func(c string) string { return c + " " },
		"line break":       func(c string) string { return "\r\n\t" + c + "\n" },
		"in two halves":    func(c string) string { return c[:3] + " " + c[3:] },
		"no-break spaces":  func(c string) string { return "\u00a0" + c[:3] + "\u202f" + c[3:] + "\u2007" },
		"ideographic":      func(c string) string { return "\u3000" + c },
		"hyphen":           func(c string) string { return c[:3] + "-" + c[3:] },
		"leading hyphen":   func(c string) string { return "-" + c },
		"every dash":       func(c string) string { return c[:1] + "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d" + c[1:] },
		"byte-order mark":  func(c string) string { return "\ufeff" + c },
		"zero width":       func(c string) string { return c[:2] + "\u200b\u200d\u2060\u00ad" + c[2:] },
		"bidirectional":    func(c string) string { return "\u202a" + c + "\u202c" },
		"full width":       func(c string) string { return inScript('０', c) },
		"Arabic-Indic":     func(c string) string { return inScript('٠', c) },
		"Persian":          func(c string) string { return inScript('۰', c) },
		"Devanagari":       func(c string) string { return inScript('०', c) },
		"bold mathematics": func(c string) string { return inScript('𝟎', c) },
		"segmented":        func(c string) string { return inScript('🯰', c) },
		"scripts mixed":    func(c string) string { return inScript('٠', c[:3]) + c[3:] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := identitytest.New(t)
			f.User(number, oldPassword)
			f.SendCode(number)
			if err := reset(f, f.Caller(), paste(f.Code(e164)), newPassword); err != nil {
				t.Error(err)
			}
		})
	}
}

// notCodes are variants of a right code that are not codes.
func notCodes(code string) map[string]string {
	return map[string]string{
		"too short": code[:5], "too long": code + "0", "long": strings.Repeat(code, 1000), "letters": "abcdef", "empty": "", "dashes": "---",
		"plus": "+" + code, "full-width plus": "＋" + code, "dot": code[:3] + "." + code[3:], "comma": code + ",", "slash": code[:3] + "/" + code[3:],
		"letter among": "O" + code[1:], "letter after": code + "a", "quote": `"` + code + `"`, "NUL": code + "\x00", "escape": code + "\x1b",
		"superscript": "¹" + code[1:], "circled": "①" + code[1:], "fraction": code + "½", "Chinese numeral": "一" + code[1:], "Roman numeral": "Ⅷ" + code[1:],
		"keycap": code + "\ufe0f\u20e3", "combining mark": code + "\u0301", "underscore": code[:3] + "_" + code[3:], "not UTF-8": code + "\xff", "NaN": "1e0000",
	}
}

func TestMalformedCodeCostsNoAttempt(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		f.SendCode(number)
		code := f.Code(e164)
		for name, guess := range notCodes(code) {
			wantErr(t, name, reset(f, f.Caller(), guess, newPassword), identity.ErrCodeRefused)
		}
		recorded := 0
		for _, e := range events(t, f.Service) {
			if e.Type == audit.ResetRefused && e.Outcome == "not a code" && e.Device == f.Caller().Device {
				recorded++
			}
		}
		if want := len(notCodes(code)); recorded != want {
			t.Errorf("%d refusals in the trail, want %d", recorded, want)
		}
		// All five attempts are left.
		for range 4 {
			wantErr(t, "wrong", reset(f, f.Caller(), wrongCode(code), newPassword), identity.ErrCodeRefused)
		}
		if err := reset(f, f.Caller(), code, newPassword); err != nil {
			t.Errorf("the right code: %v", err)
		}
	})
}

// Vault CVE-2025-6014: a code with trailing spaces was a different code for the attempt
// counter and the same code for the comparison.
func TestSpellingsOfAGuessShareOneCount(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	f.User(number, oldPassword)
	f.SendCode(number)
	code := f.Code(e164)
	wrong := wrongCode(code)
	for _, guess := range []string{wrong, wrong + " ", "\u200b" + wrong, inScript('０', wrong), wrong[:3] + "-" + wrong[3:]} {
		wantErr(t, guess, reset(f, f.Caller(), guess, newPassword), identity.ErrCodeRefused)
	}
	wantErr(t, "the right code after five wrong ones", reset(f, f.Caller(), code, newPassword), identity.ErrCodeRefused)
}

// Neither the answer nor its time tells that an input is not a code. The rules for
// passwords are checked first, as with any code.
func TestMalformedCodeIsAnsweredLikeAWrongCode(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.AnswerStep = 200 * time.Millisecond })
	f.User(number, oldPassword)
	f.SendCode(number)
	code := f.Code(e164)
	for _, guess := range []string{wrongCode(code), "abcdef", "12345"} {
		start := time.Now()
		err := reset(f, f.Caller(), guess, newPassword)
		if err != identity.ErrCodeRefused { //nolint:errorlint // the very same answer
			t.Errorf("%q: %v", guess, err)
		}
		if took := time.Since(start); took < 200*time.Millisecond {
			t.Errorf("%q: answered after %s", guess, took)
		}
	}
	if err := reset(f, f.Caller(), "abcdef", "short"); err == nil || err == identity.ErrCodeRefused { //nolint:errorlint // as above
		t.Errorf("short password and no code: %v", err)
	}
}

// TestEveryDecimalDigit compares the digits' values with what Unicode guarantees: the
// ten digits of a script are consecutive, so the character after a digit is one more,
// or a zero.
func TestEveryDecimalDigit(t *testing.T) {
	t.Parallel()
	seen := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		value, ok := identity.CodeDigit(r)
		if ok != unicode.Is(unicode.Nd, r) {
			t.Fatalf("%U: digit %t, want %t", r, ok, !ok)
		}
		if !ok {
			continue
		}
		seen++
		before, hasBefore := identity.CodeDigit(r - 1)
		switch {
		case value == 0 && hasBefore && before != 9, value > 0 && (!hasBefore || before != value-1):
			t.Errorf("%U is %d", r, value)
		}
		if got := inScript(r-rune(value), fmt.Sprint(value)); got != string(r) {
			t.Errorf("%U is %d", r, value)
		}
	}
	if seen < 600 || seen%10 != 0 {
		t.Errorf("%d digits", seen)
	}
}

func FuzzParseCode(f *testing.F) {
	for _, seed := range []string{"123456", "１２３ ４５６", "-12 34 56\u200b", "+123456", "12345", "", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		code, ok := identity.ParseCode(identity.NewSecret(input), 6)
		if !ok {
			return
		}
		if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
			t.Fatalf("%q reads as %q", input, code)
		}
		if again, ok := identity.ParseCode(identity.NewSecret(code), 6); !ok || again != code {
			t.Fatalf("%q reads as %q, %t", code, again, ok)
		}
	})
}

func TestDeviceIsMandatory(t *testing.T) {
	t.Parallel()
	for name, insecure := range map[string]bool{"bound": false, "any device": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := identitytest.New(t, func(c *identity.Config) { c.InsecureAnyDevice = insecure })
			f.User(number, oldPassword)
			before := len(events(t, f.Service))
			for _, blank := range []string{"", " \t\u3000"} {
				c := f.Caller()
				c.Device = blank
				wantErr(t, "send", send(f, c, number), identity.ErrDeviceMissing)
				wantErr(t, "reset", reset(f, c, "123456", newPassword), identity.ErrDeviceMissing)
				c.ClientID = "nobody"
				wantErr(t, "unknown client", send(f, c, number), identity.ErrDeviceMissing)
				c.ClientID = ""
				wantErr(t, "no client either", send(f, c, number), identity.ErrClientMissing)
			}
			if after := len(events(t, f.Service)); after != before {
				t.Errorf("%d events were recorded", after-before)
			}
			// Nothing was charged: the first send within the cooldown is accepted.
			f.SendCode(number)
		})
	}
}

// Anti-fraud tokens are kilobytes long, and two tokens that differ only at the end are
// two devices.
func TestLongDevice(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		owner, other := f.Caller(), f.Caller()
		owner.Device = strings.Repeat(`"<é`, 1023) + "abc"
		other.Device = owner.Device[:len(owner.Device)-1] + "d"
		if err := send(f, owner, number); err != nil {
			t.Fatal(err)
		}
		code := f.Code(e164)
		wantErr(t, "another device", reset(f, other, code, newPassword), identity.ErrCodeRefused)
		if err := reset(f, owner, code, newPassword); err != nil {
			t.Errorf("the same device: %v", err)
		}
		for _, e := range events(t, f.Service) {
			if len(e.Device) > 256 {
				t.Errorf("%s keeps %d bytes of the device", e.Type, len(e.Device))
			}
		}
	})
}
