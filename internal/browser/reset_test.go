package browser_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/sms"
)

// languages are the texts that the tests look for, by the browser's language.
var languages = map[string]struct {
	accept, start, done, number, code, weak string
}{
	"en": {"en-GB,en;q=0.9", "Forgot your password?", "Your password is changed", "not a mobile number that can be used here", "wrong or has expired", "too easy to guess. Make"},
	"zh": {"zh-CN,zh;q=0.9", "忘记密码？", "密码已修改", "不是此处可用的手机号", "验证码错误或已过期", "太容易被猜到。请"},
}

func TestWholeReset(t *testing.T) {
	t.Parallel()
	for lang, says := range languages {
		for name, scripted := range map[string]bool{"with script": true, "without script": false} {
			t.Run(lang+" "+name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t)
				s.User(mobile, oldPassword)
				setups := []action{language(says.accept)}
				if !scripted {
					setups = append(setups, withoutScript)
				}
				tb := s.open("/reset-password", setups...)
				tb.at("number")
				tb.says("h1", says.start)
				tb.ask("12")
				tb.says("#mobile-fault", says.number)
				tb.ask(mobile)
				tb.at("code")
				code := s.Code(e164)

				tb.set(wrong(code), newPassword)
				tb.says("#code-fault", says.code)
				if got := tb.value("#password"); scripted && got != newPassword || !scripted && got != "" {
					t.Errorf("after a wrong code the password is %q", got)
				}
				if got := eval[string](tb, "document.activeElement.id"); got != "code" {
					t.Errorf("the focus is on %q", got)
				}
				tb.set(code, "password")
				tb.says("#password-fault", says.weak)
				if tb.value("#code") != code {
					t.Error("a refused password lost the code")
				}
				if got := eval[string](tb, "document.activeElement.id"); got != "password" {
					t.Errorf("the focus is on %q", got)
				}
				tb.fill("#password", newPassword)
				tb.click("button[value=reset]")
				tb.at("done")
				tb.says("h1", says.done)
				if !s.signsIn(newPassword) || s.signsIn(oldPassword) {
					t.Error("the password is not the new one")
				}
				tb.click("a.main")
				tb.at("signin")
				for _, r := range tb.asked() {
					if r != s.URL+"/sign-in" && !onlyPath(r, s.URL) {
						t.Errorf("a URL says something: %s", r)
					}
				}
			})
		}
	}
}

func TestPastedCodeAndKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password")
	tb.at("number")
	tab := func(to string) {
		t.Helper()
		for range 12 {
			tb.run(chromedp.KeyEvent(kb.Tab))
			if eval[bool](tb, "document.activeElement.matches("+quote(to)+")") {
				if !eval[bool](tb, "getComputedStyle(document.activeElement).outlineStyle !== 'none'") {
					t.Errorf("the focus on %s cannot be seen", to)
				}
				return
			}
		}
		t.Fatalf("the keyboard does not get to %s", to)
	}
	tab(".languages a")
	tab("#mobile")
	tb.run(chromedp.KeyEvent("138 0013 8000" + kb.Enter))
	tb.at("code")
	code := s.Code(e164)
	tab("#code")
	tb.run(insert(" " + code[:3] + "\u00a0" + code[3:] + " "))
	tab("#password")
	tb.run(chromedp.KeyEvent(newPassword))
	tab("#show")
	tb.run(chromedp.KeyEvent(kb.Enter))
	tb.until("document.querySelector('#password').type === 'text'")
	tab("button[value=reset]")
	tb.run(chromedp.KeyEvent(kb.Enter))
	tb.at("done")
	if !s.signsIn(newPassword) {
		t.Error("the password is not the new one")
	}
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(_ *site, c *identity.Config) { generous(c) })
	s.User(mobile, oldPassword)
	first := s.open("/reset-password")
	first.ask(mobile)
	first.at("code")
	code := s.Code(e164)
	second := first.another("/reset-password")
	second.ask("13800138001")
	second.at("code")
	first.set(code, newPassword)
	first.says("#fault", "another tab or window")
	first.says(".lead", "8001")
	if s.signsIn(newPassword) {
		t.Error("the form of the older tab was used")
	}
	// The person goes back: they enter the number again, and then the code, which is
	// still valid.
	first.click(".more a")
	first.at("number")
	first.fill("#mobile", mobile)
	first.click("button[value=have]")
	first.set(code, newPassword)
	first.at("done")
	second.set("123456", newPassword)
	second.at("done")
}

func TestBackAndReload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password")
	tb.ask(mobile)
	tb.at("code")
	code := s.Code(e164)
	tb.run(chromedp.Reload())
	tb.at("code")
	tb.run(chromedp.NavigateBack())
	tb.at("number")
	if tb.value("#mobile") != mobile {
		t.Errorf("the number is %q", tb.value("#mobile"))
	}
	// A second send too soon is refused, and the page says how to continue.
	s.Clock.Advance(10 * time.Second) // otherwise the page takes it for a double click
	tb.click("button[value=send]")
	tb.says("#fault", "I already have a code")
	tb.click("button[value=have]")
	tb.set(code, newPassword)
	tb.at("done")
	tb.run(chromedp.Reload())
	tb.at("done")
	tb.run(chromedp.Navigate(s.URL + "/reset-password/code"))
	tb.at("notice")
	tb.says("main", "already changed")
	if n := len(s.SMS.All()); n > 2 {
		t.Errorf("%d messages", n)
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password")
	tb.ask(mobile)
	tb.at("code")
	s.Clock.Advance(time.Hour)
	tb.set(s.Code(e164), newPassword)
	tb.at("number")
	tb.says("#fault", "open for too long")
	tb.until("document.activeElement.id === 'fault'")
}

func TestCookiesOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *site, _ *identity.Config) {
		s.Wrap = func(page http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Del("Cookie")
				page.ServeHTTP(w, r)
			})
		}
	})
	tb := s.open("/reset-password")
	tb.ask(mobile)
	tb.at("notice")
	tb.says("h1", "Cookies are off")
	tb.says("main", "Allow cookies for this site")
	tb.forgive() // the answer has status 400
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *site, c *identity.Config) {
		c.Limits.FailuresPerNumberAndNetwork = []limit.Rate{{Limit: 1, Per: time.Hour}}
	})
	tb := s.open("/reset-password")
	tb.ask(mobile)
	tb.set("123456", newPassword)
	tb.says("#code-fault", "wrong or has expired")
	tb.set("123456", newPassword)
	tb.says("#fault", "Too many tries. Try again in 60 min.")
	if tb.value("#password") != newPassword || tb.value("#code") != "123456" {
		t.Error("the typed text is lost")
	}
}

func TestOffline(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password")
	tb.ask(mobile)
	tb.at("code")
	code := s.Code(e164)
	offline := func(off bool) action {
		return call(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}},
		})
	}
	tb.run(offline(true))
	tb.set(code, newPassword)
	tb.says("#offline", "Check your connection")
	tb.run(offline(false))
	tb.forgive()
	if tb.value("#password") != newPassword {
		t.Error("the password is lost")
	}
	tb.click("button[value=reset]")
	tb.at("done")
}

func TestResendCountsDown(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *site, c *identity.Config) {
		s.Page.ResendAfter = 3 * time.Second
		generous(c)
	})
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password")
	tb.ask(mobile)
	tb.at("code")
	s.Code(e164)
	if !eval[bool](tb, "document.querySelector('#resend button').disabled") {
		t.Error("the button does not wait")
	}
	tb.says("#resend-wait", "You can ask for a new code in")
	tb.until("!document.querySelector('#resend button').disabled")
	tb.until("document.querySelector('#live').textContent === 'You can ask for a new code now.'")
	tb.fill("#password", newPassword)
	tb.click("#resend button")
	tb.says("[role=status].alert", "Use the newest message")
	if tb.value("#password") != newPassword {
		t.Error("asking for another code empties the password")
	}
	tb.fill("#code", s.Code(e164))
	tb.click("button[value=reset]")
	tb.at("done")
}

func TestLanguageSwitch(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password", withoutScript)
	tb.ask(mobile)
	tb.at("code")
	code := s.Code(e164)
	tb.click(".languages a[lang=zh]")
	tb.says("h1", "设置新密码")
	tb.set(code, newPassword)
	tb.at("done")
	tb.says("h1", "密码已修改")
	if got := s.Message(e164, sms.KindPasswordChanged).Language; got != "zh" {
		t.Errorf("the notice is in %q", got)
	}
}
