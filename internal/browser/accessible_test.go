package browser_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
)

// everyPage walks through each page, with and without its errors, and calls look on
// each.
func everyPage(s *site, tb *tab, look func(name string)) {
	tb.t.Helper()
	tb.at("number")
	look("number")
	tb.ask("12")
	tb.until("document.querySelector('[aria-invalid]')")
	look("number wrong")
	tb.ask(mobile)
	tb.at("code")
	code := s.Code(e164)
	look("code")
	tb.set(wrong(code), newPassword)
	tb.until("document.querySelector('#code[aria-invalid]')")
	look("code wrong")
	tb.set(code, "password")
	tb.until("document.querySelector('#password[aria-invalid]')")
	look("password weak")
	tb.click("#resend button")
	tb.until("document.querySelector('[role=status].alert')")
	look("sent again")
	tb.set(s.Code(e164), newPassword)
	tb.at("done")
	look("done")
	tb.run(chromedp.Navigate(s.URL + "/reset-password/code"))
	tb.at("notice")
	look("notice")
	tb.run(chromedp.Navigate(s.URL + "/reset-password"))
	tb.ask(mobile)
	tb.at("code")
	s.Clock.Advance(time.Hour)
	tb.set("123456", newPassword)
	tb.at("number")
	look("expired")
}

func manyCountries(s *site, c *identity.Config) {
	s.Page.Countries = []string{"CN", "HK", "GB", "DE", "AE"}
	s.Page.ResendAfter = time.Nanosecond
	c.Countries = s.Page.Countries
	generous(c)
}

var axe = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("REKEY_TEST_AXE"); path != "" {
		source, err := os.ReadFile(path)
		return string(source), err
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "", fmt.Errorf("needs axe-core: set REKEY_TEST_AXE to the path of axe.min.js, or install npm")
	}
	folder, err := os.MkdirTemp("", "rekey-axe-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	for _, command := range [][]string{{"npm", "pack", "--silent", "axe-core@4"}, {"sh", "-c", "tar xzf axe-core-*.tgz"}} {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("needs axe-core: npm fails, so set REKEY_TEST_AXE to the path of axe.min.js: %w: %s", err, out)
		}
	}
	source, err := os.ReadFile(filepath.Join(folder, "package", "axe.min.js"))
	return string(source), err
})

// axe-core finds no violation of WCAG 2.2 AA or of its own best practices.
func TestAccessible(t *testing.T) {
	t.Parallel()
	source, err := axe()
	if err != nil {
		t.Skip(err)
	}
	for _, look := range []struct {
		name  string
		width int64
		dark  bool
		lang  string
	}{{"phone light", 390, false, "en"}, {"desktop dark", 1280, true, "zh"}, {"Arabic", 390, true, "ar"}} {
		t.Run(look.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, manyCountries, arabic)
			s.User(mobile, oldPassword)
			tb := s.open("/reset-password", emulate(look.width, 900, look.dark), language(look.lang))
			everyPage(s, tb, func(name string) {
				t.Helper()
				tb.run(script(source))
				found := await[string](tb, `axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']})
					.then(r => JSON.stringify({ passes: r.passes.length, violations: r.violations.map(v => v.id + ': ' + v.help + ' ' + v.nodes.map(n => n.html + ' ' + n.failureSummary).join(' | ')),
						incomplete: r.incomplete.map(v => v.id + ' ' + v.nodes.map(n => n.html).join(' | ')) }))`)
				var report struct {
					Passes                 int
					Violations, Incomplete []string
				}
				if err := json.Unmarshal([]byte(found), &report); err != nil {
					t.Fatal(err)
				}
				if report.Passes < 15 {
					t.Errorf("%s: only %d rules passed: was the page checked?", name, report.Passes)
				}
				for _, v := range report.Violations {
					t.Errorf("%s: %s", name, v)
				}
				for _, v := range report.Incomplete {
					t.Logf("%s: axe-core cannot tell: %s", name, v)
				}
			})
		})
	}
}

// arabic adds a language that is written from right to left.
func arabic(s *site, _ *identity.Config) {
	s.Page.Texts = resetpage.Texts{"ar": {
		"language.name": "العربية",
		"number.title":  "هل نسيت كلمة المرور؟",
		"number.lead":   "أدخل رقم هاتفك المحمول.",
		"code.title":    "تعيين كلمة مرور جديدة",
		"code.sent":     "أرسلنا رمزًا إلى {number} صالحًا لمدة {minutes} دقائق.",
		"code.save":     "حفظ",
	}}
}

func TestNarrowAndLargeText(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "zh", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, manyCountries, arabic)
			s.User(mobile, oldPassword)
			tb := s.open("/reset-password", emulate(320, 640, false), language(lang))
			everyPage(s, tb, func(name string) {
				t.Helper()
				for _, size := range []string{"100%", "200%"} {
					got := eval[string](tb, fmt.Sprintf(`(() => {
						document.documentElement.style.fontSize = %q;
						const wide = [...document.querySelectorAll('body *')].filter(e => {
							const r = e.getBoundingClientRect();
							return !e.closest('.unseen') && (r.right > innerWidth + 1 || r.left < -1);
						}).map(e => e.outerHTML.slice(0, 80));
						if (document.documentElement.scrollWidth > innerWidth) wide.push('scrolls');
						for (const e of document.querySelectorAll('button, a')) {
							const r = e.getBoundingClientRect();
							if (r.height && (r.height < 24 || r.width < 24)) wide.push('small target ' + e.outerHTML.slice(0, 80));
							if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth) wide.push('cut ' + e.outerHTML.slice(0, 80));
						}
						document.documentElement.style.fontSize = '';
						return wide.join('\n');
					})()`, size))
					if got != "" {
						t.Errorf("%s at %s: %s", name, size, got)
					}
				}
				if lang == "ar" {
					if eval[bool](tb, "document.querySelector('.brand').getBoundingClientRect().left < innerWidth / 2") {
						t.Errorf("%s: the layout is not mirrored", name)
					}
				}
			})
		})
	}
}

// These are the attributes that password managers, telephone keyboards and screen
// readers look for.
func TestAttributes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tb := s.open("/reset-password")
	tb.at("number")
	attributes := func(selector string, want map[string]string) {
		t.Helper()
		for name, value := range want {
			if got := eval[string](tb, fmt.Sprintf("document.querySelector(%q).getAttribute(%q) ?? 'none'", selector, name)); got != value {
				t.Errorf("%s: %s is %q, want %q", selector, name, got, value)
			}
		}
	}
	attributes("#mobile", map[string]string{"type": "tel", "inputmode": "tel", "autocomplete": "tel", "name": "mobile"})
	tb.ask(mobile)
	tb.at("code")
	attributes("#code", map[string]string{"inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": "none", "pattern": "none"})
	attributes("#password", map[string]string{"type": "password", "autocomplete": "new-password", "minlength": "8", "maxlength": "none"})
	attributes("#reset input[autocomplete=username]", map[string]string{"value": mobile, "tabindex": "-1"})
	for _, id := range []string{"code", "password"} {
		if eval[string](tb, fmt.Sprintf("document.querySelector('label[for=%s]').textContent", id)) == "" {
			t.Errorf("%s has no label", id)
		}
	}
	tb.run(chromedp.Navigate(s.URL + "/.well-known/change-password"))
	tb.at("number")
	if requests := tb.asked(); len(requests) > 0 {
		assets := map[string]bool{}
		for _, r := range requests {
			if !strings.HasPrefix(r, "data:") && !strings.Contains(r, "/reset-password/code") {
				assets[r] = true
			}
		}
		// This covers the number page, its style, its script, and the well-known path.
		if len(assets) != 4 {
			t.Errorf("asked for %v", assets)
		}
	}
}
