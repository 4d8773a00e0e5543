package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// evil serves a page on another origin.
func evil(t *testing.T, html string) string {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><link rel=icon href="data:,"><body data-step=evil>`+html)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestFormOfAnotherSite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password")
	tb.at("number")
	tb.run(chromedp.Navigate(evil(t, `<form method=post action="`+s.URL+`/reset-password"><input name=action value=send><input name=mobile value=`+mobile+`><button id=go>`)))
	tb.at("evil")
	tb.click("#go")
	tb.at("notice")
	tb.says("h1", "came from another site")
	if s.SMS.Attempts() != 0 {
		t.Error("a message was sent")
	}
	tb.expected(1)
}

func TestFrameOfAnotherSite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tb := s.open("/reset-password")
	tb.at("number")
	tb.run(chromedp.Navigate(evil(t, `<iframe id=f src="`+s.URL+`/reset-password"></iframe>`)))
	tb.until("document.readyState === 'complete'")
	tb.waitFault("frame-ancestors")
	tb.expected(1)
}

// The browser enforces the policy: injected content does not run, load or send
// anything.
func TestPolicyBites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tb := s.open("/reset-password")
	tb.at("number")
	other := evil(t, "")
	for name, attack := range map[string]string{
		"script-src":  `const x = document.createElement('script'); x.text = 'window.ran = 1'; document.body.append(x)`,
		"img-src":     `const x = new Image(); x.src = '` + other + `/pixel'; document.body.append(x)`,
		"style-src":   `const x = document.createElement('style'); x.textContent = 'body{display:none}'; document.body.append(x)`,
		"connect-src": `fetch('` + other + `').catch(() => {})`,
		"form-action": `const x = document.createElement('form'); x.action = '` + other + `'; x.method = 'post'; document.body.append(x); x.submit()`,
		"base-uri":    `const x = document.createElement('base'); x.href = '` + other + `'; document.head.append(x)`,
	} {
		tb.run(script(`window.refused = ''; document.addEventListener('securitypolicyviolation', (e) => { window.refused += e.effectiveDirective + ' ' })`))
		tb.run(script("try { (() => { " + attack + " })() } catch (e) { window.thrown = String(e) }"))
		if name == "script-src" {
			tb.until(`window.refused.includes('script-src') || window.refused.includes('require-trusted-types-for')`)
			continue
		}
		tb.until(`window.refused.includes(` + quote(name) + `)`)
	}
	if eval[bool](tb, "window.ran === 1 || getComputedStyle(document.body).display === 'none'") {
		t.Error("injected content works")
	}
	tb.run(script(`window.thrown = ''; try { document.body.innerHTML = '<img>' } catch (e) { window.thrown = String(e) }`))
	if got := eval[string](tb, "window.thrown"); !strings.Contains(got, "TrustedHTML") {
		t.Errorf("HTML from a string: %q", got)
	}
	tb.expected(6)
}

// Text that a person types is shown as text.
func TestTypedMarkupIsText(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tb := s.open("/reset-password")
	markup := `"><img src=x onerror="window.ran=1"><script>window.ran=1</script>`
	tb.ask(markup)
	tb.until("document.querySelector('[aria-invalid]')")
	if got := tb.value("#mobile"); got != markup[:min(len(markup), 120)] {
		t.Errorf("the input holds %q", got)
	}
	if eval[bool](tb, "'ran' in window") {
		t.Error("typed markup was parsed as HTML")
	}
}
