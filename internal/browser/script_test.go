package browser_test

import (
	"errors"
	"testing"

	"github.com/chromedp/cdproto/page"

	"github.com/seed-16109ab2/rekey/identity"
)

// before runs a script before the scripts of each page that the tab loads.
func before(script string) action {
	return call(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// A stub of WebOTP returns the code when the test says so.
func TestWebOTP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password", before(`
		window.OTPCredential = class {};
		navigator.credentials.get = (options) => new Promise((resolve, reject) => {
			window.wanted = options;
			window.arrives = (code) => resolve({ code });
			options.signal.addEventListener('abort', () => { window.aborted = true; reject(new DOMException('', 'AbortError')); });
		});`))
	tb.ask(mobile)
	tb.at("code")
	code := s.Code(e164)
	if got := eval[string](tb, "JSON.stringify(wanted.otp)"); got != `{"transport":["sms"]}` {
		t.Errorf("the page asked for %s", got)
	}
	tb.run(script("arrives(" + quote(code) + ")"))
	tb.until("document.querySelector('#code').value === " + quote(code))
	tb.until("document.activeElement.id === 'password'")
	tb.says("#live", "filled in from the text message")
	tb.fill("#password", newPassword)
	tb.click("button[value=reset]")
	tb.at("done")

	// A message that comes late does not interrupt a person who is typing.
	tb = s.open("/reset-password", before(`
		window.OTPCredential = class {};
		navigator.credentials.get = (options) => new Promise((resolve) => {
			window.arrives = (code) => resolve({ code });
			options.signal.addEventListener('abort', () => { window.aborted = true; });
		});`))
	tb.at("number")
	tb.fill("#mobile", mobile)
	tb.click("button[value=have]")
	tb.at("code")
	tb.fill("#code", "12")
	tb.until("window.aborted")
	tb.run(script("arrives('999999')"))
	if got := tb.value("#code"); got != "12" {
		t.Errorf("the code became %q", got)
	}
}

func TestPasswordIsShownAndRated(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password")
	tb.ask(mobile)
	tb.at("code")
	if eval[bool](tb, "!document.querySelector('#strength').hidden") {
		t.Error("an empty password is rated")
	}
	tb.fill("#password", "abc")
	tb.says("#strength", "Fewer than 8 characters")
	tb.click("#show")
	if eval[string](tb, "document.querySelector('#password').type+document.querySelector('#show').ariaPressed+document.querySelector('#show').textContent") != "texttrueHide" {
		t.Error("the password is not shown")
	}
	tb.click("#show")
	if eval[string](tb, "document.querySelector('#password').type+document.querySelector('#show').ariaPressed+document.querySelector('#show').textContent") != "passwordfalseShow" {
		t.Error("the password is not hidden again")
	}
	tb.until("document.querySelector('#live').textContent.includes('Fewer')")

	// The service must accept every password that the page rates as good.
	for _, password := range []string{
		"password", "Password1", "12345678", "aaaaaaaa", "abcdefgh", "qwertyuiop", "P@ssw0rd!", "iloveyou2", "13800138000", "Summer2024!",
		"letmein123", "football99", "woaini1314", "zxcvbnm,./", "1q2w3e4r5t", "admin12345", "correcthorse", "monkey123456", "abcabcabc", "19850101",
		"sunshine", "dragon2020", "qazwsxedc", "trustno1", "superman12", "princess1!", "whatever", "starwars77", "computer", "michael1985",
		"violet-Harbor-93", "amber-Lantern-27", "correct horse battery staple", "xK9#mQ2$vL", "t7Gq!zW0pR", "brückenpfeiler kakadu", "晨光熹微山高水长",
	} {
		tb.fill("#password", password)
		tb.until("document.querySelector('#password').value === " + quote(password))
		level := eval[string](tb, "document.querySelector('#strength').dataset.level")
		err := s.ResetByMobile(t.Context(), identity.ResetRequest{
			Caller: s.Caller(), Mobile: mobile, Code: identity.NewSecret("x"), Password: identity.NewSecret(password),
		})
		var refused *identity.PasswordError
		switch rejected := errors.As(err, &refused); {
		case rejected && level >= "2":
			t.Errorf("%q is rated %s, and refused: %v", password, level, err)
		case !rejected && level < "2":
			t.Errorf("%q is rated %s, and accepted", password, level)
		}
	}
}
