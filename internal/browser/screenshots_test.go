package browser_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
)

// looks are the screens on which pictures are taken.
var looks = []struct {
	name          string
	width, height int64
	dark          bool
	accept        string
}{
	{"phone", 390, 760, false, "en"},
	{"phone-dark", 390, 760, true, "en"},
	{"phone-zh", 390, 760, false, "zh-CN"},
	{"desktop", 1280, 860, false, "en"},
	{"desktop-dark", 1280, 860, true, "en"},
	{"desktop-dark-zh", 1280, 860, true, "zh-CN"},
}

// shoot writes a picture into the folder that REKEY_SCREENSHOTS names, if it is set.
func (tb *tab) shoot(name string) {
	tb.t.Helper()
	png, err := chromedp.Run(tb.Context, chromedp.CaptureScreenshot())
	if err != nil {
		tb.t.Fatal(err)
	}
	if len(png) < 5_000 || len(png) > 150_000 {
		tb.t.Errorf("%s has %d bytes", name, len(png))
	}
	if folder := os.Getenv("REKEY_SCREENSHOTS"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
			tb.t.Fatal(err)
		}
	}
}

// TestScreenshots takes a picture of each step on a telephone and on a desktop. It
// writes them into the folder that REKEY_SCREENSHOTS names, if it is set.
func TestScreenshots(t *testing.T) {
	s := newSite(t, func(s *site, c *identity.Config) {
		p := &s.Page
		p.Countries = []string{"CN", "HK", "SG", "GB", "DE"}
		c.Countries = p.Countries
		p.CSS = `:root { --font: Inter, "Noto Sans CJK SC", sans-serif }` // if these fonts are installed
		generous(c)
	})
	s.User(mobile, oldPassword)
	for _, look := range looks {
		t.Run(look.name, func(t *testing.T) {
			s := *s
			s.t = t
			tb := s.open("/reset-password", language(look.accept), emulate(look.width, look.height, look.dark))
			shoot := func(name string) { t.Helper(); tb.shoot(look.name + "-" + name) }
			tb.at("number")
			shoot("1-number")
			tb.ask("12")
			tb.until("document.querySelector('[aria-invalid]')")
			shoot("1-number-wrong")
			tb.ask(mobile)
			tb.at("code")
			code := s.Code(e164)
			shoot("2-code")
			tb.set(wrong(code), newPassword)
			tb.until("document.querySelector('#code[aria-invalid]')")
			shoot("2-code-wrong")
			tb.set(code, "password1")
			tb.until("document.querySelector('#password[aria-invalid]')")
			shoot("2-password-weak")
			tb.set(code, newPassword+look.name)
			tb.at("done")
			shoot("3-done")
			tb.run(chromedp.Navigate(s.URL + "/reset-password/code"))
			tb.at("notice")
			shoot("4-notice")
			s.Clock.Advance(2 * time.Minute) // otherwise the page takes it for a double click
			tb.run(chromedp.Navigate(s.URL + "/reset-password"))
			tb.ask(mobile)
			tb.at("code")
			s.Code(e164)
			s.Clock.Advance(20 * 60e9)
			tb.set("123456", newPassword)
			tb.at("number")
			shoot("5-expired")
		})
	}
}

// TestScreenshotsOfTheCheck takes pictures of the check step: while the browser solves
// the challenge, and after the solution came too late.
func TestScreenshotsOfTheCheck(t *testing.T) {
	s := newSite(t, func(s *site, c *identity.Config) {
		verifier, err := altcha.New(altcha.Config{
			Secret: c.Secret, Counter: c.Store, Now: c.Now, Levels: []altcha.Difficulty{{Iterations: 100_000, Numbers: 1_000_000}},
		})
		if err != nil {
			s.t.Fatal(err)
		}
		c.Captcha, s.Page.Captcha = verifier, verifier
		s.Page.CSS = `:root { --font: Inter, "Noto Sans CJK SC", sans-serif }`
	})
	s.User(mobile, oldPassword)
	for _, look := range looks {
		t.Run(look.name, func(t *testing.T) {
			s := *s
			s.t = t
			tb := s.open("/reset-password", language(look.accept), emulate(look.width, look.height, look.dark))
			tb.ask(mobile)
			tb.at("check")
			tb.shoot(look.name + "-1-check")
			tb.run(script(`const form = document.querySelector("#main form"); form.querySelector("[name=captcha_token]").value = "late"; form.submit()`))
			tb.until("document.querySelector('[data-wait-for-person]')")
			tb.shoot(look.name + "-1-check-late")
		})
	}
}
