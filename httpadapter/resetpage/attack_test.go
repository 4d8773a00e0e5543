package resetpage_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
)

const stateCookie = "__Host-rekey-reset"

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		headers map[string]string
		refused bool
	}{
		{"cross-site", map[string]string{"Sec-Fetch-Site": "cross-site"}, true},
		{"another host of the domain", map[string]string{"Sec-Fetch-Site": "same-site"}, true},
		{"old browser, another origin", map[string]string{"Origin": "https://evil.example"}, true},
		{"old browser, sandboxed frame", map[string]string{"Origin": "null"}, true},
		{"another port", map[string]string{"Origin": origin + ":8443"}, true},
		{"a lying origin beside Sec-Fetch-Site", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": origin}, true},
		{"this page", map[string]string{"Sec-Fetch-Site": "same-origin"}, false},
		{"this page, old browser", map[string]string{"Origin": origin}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &stub{}
			b := newBrowser(t, newHandler(t, s, config()))
			page := b.ask(mobile)
			for name, value := range c.headers {
				b.header.Set(name, value)
			}
			sent := b.post(start, "action", "send", "mobile", "13800138001")
			reset := b.post(start+"/code", "action", "reset", "flow", page.flow(t), "code", "123456", "password", newPassword)
			if got := len(s.sends) == 1 && len(s.resets) == 0; got != c.refused {
				t.Errorf("%d sends, %d resets, answers %d and %d", len(s.sends)-1, len(s.resets), sent.StatusCode, reset.StatusCode)
			}
			if c.refused {
				sent.expect(t, "notice", "came from another site")
				if sent.StatusCode != http.StatusForbidden {
					t.Errorf("status %d", sent.StatusCode)
				}
			}
		})
	}
}

// A link or an image on another site has no effect: GET changes nothing except the
// language.
func TestGetChangesNothing(t *testing.T) {
	t.Parallel()
	s := &stub{}
	b := newBrowser(t, newHandler(t, s, config()))
	page := b.ask(mobile)
	b.get(start + "?action=send&mobile=" + mobile)
	b.get(start + "/code?action=reset&code=123456&password=x&flow=" + page.flow(t))
	b.get(start + "/code?action=send&flow=" + page.flow(t))
	if len(s.sends) != 1 || len(s.resets) != 0 {
		t.Errorf("%d sends, %d resets", len(s.sends), len(s.resets))
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newHandler(t, &stub{}, config()))
	first := b.get(start)
	answers := map[string]answer{
		"number": first, "redirect": b.post(start, "action", "send", "mobile", mobile), "code": b.get(start + "/code"),
		"not found": b.get(start + "/x"), "method": b.do("DELETE", start, "", ""), "unread": b.post(start),
		"type": b.do("POST", start, "text/plain", "x"), "well-known": b.get("/.well-known/change-password"),
		"no asset": b.get(start + "/assets/style.css"), "slash": b.get(start + "/"), "language": b.get(start + "?lang=zh"),
	}
	for name, a := range answers {
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := a.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
		policy := a.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy lacks %s", name, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") {
			t.Errorf("%s: the policy allows more than the page's own files: %s", name, policy)
		}
		for _, c := range a.Cookies() {
			if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || !strings.HasPrefix(c.Name, "__Host-") {
				t.Errorf("%s: cookie %s", name, c.Raw)
			}
			if c.Name == stateCookie && c.MaxAge != 15*60 {
				t.Errorf("%s: the state is kept for %d s", name, c.MaxAge)
			}
		}
		if strings.Contains(a.Header.Get("Location"), "138") {
			t.Errorf("%s: personal data is in the URL %s", name, a.Header.Get("Location"))
		}
	}
	if strings.Contains(first.body, "<script>") || strings.Contains(first.body, "style=") || strings.Contains(first.body, " onclick") {
		t.Error("the page has inline script or style")
	}
}

func TestNothingIsInjected(t *testing.T) {
	t.Parallel()
	for i, evil := range []string{
		`"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `{{.Secret}}`, `</title><script>alert(1)</script>`,
		`javascript:alert(1)`, "\r\nSet-Cookie: x=1", `{number}{code}`, "\u202e</main>",
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			cfg := config()
			cfg.ServiceName = evil
			cfg.Countries = []string{"CN", "GB"}
			s := &stub{}
			h := newHandler(t, s, cfg)
			b := newBrowser(t, h)
			b.header["Accept-Language"] = []string{strings.ReplaceAll(evil, "\r\n", "")}
			b.header["User-Agent"] = []string{strings.ReplaceAll(evil, "\r\n", "")}
			b.cookies["__Host-rekey-language"] = strings.Map(func(r rune) rune {
				if strings.ContainsRune("\r\n\";, \u202e", r) {
					return -1
				}
				return r
			}, evil)
			var all []answer
			s.send = identity.ErrInvalidMobile
			b.get(start)
			sent := b.post(start, "action", "send", "country", evil, "mobile", evil)
			all = append(all, sent, b.follow(sent))
			s.send = nil
			page := b.follow(b.post(start, "action", "send", "country", evil, "mobile", evil))
			s.reset = &identity.PasswordError{Fault: identity.PasswordContains, Word: evil}
			reset := b.post(start+"/code", "action", "reset", "flow", page.flow(t), "code", evil, "password", evil)
			all = append(all, page, reset, b.follow(reset))
			all = append(all, b.follow(b.post(start+"/code", "action", "reset", "flow", evil, "code", evil, "password", evil)))
			for _, a := range all {
				for _, raw := range []string{"<script>alert", "<img src=x", "</title><script", "\u202e</main>"} {
					if strings.Contains(a.body, raw) {
						t.Errorf("%q is in the page:\n%s", raw, a.body)
					}
				}
				for _, c := range a.Cookies() {
					if c.Name == "x" {
						t.Error("a header was injected")
					}
				}
			}
		})
	}
}

func TestStateCannotBeForged(t *testing.T) {
	t.Parallel()
	s := &stub{}
	h := newHandler(t, s, config())
	b := newBrowser(t, h)
	page := b.ask(mobile)
	good := b.cookies[stateCookie]
	if sealed, err := base64.RawURLEncoding.DecodeString(good); err != nil || strings.Contains(string(sealed), "138") {
		t.Fatalf("the state can be read: %v", err)
	}
	refused := func(t *testing.T, b *browser) {
		t.Helper()
		before := len(s.resets)
		b.set(page, "123456", newPassword).expect(t, "number", "open for too long")
		if len(s.resets) != before {
			t.Error("the state was accepted")
		}
	}
	with := func(h http.Handler, state string) *browser {
		other := newBrowser(t, h)
		other.cookies["__Host-rekey-device"] = b.cookies["__Host-rekey-device"]
		other.cookies[stateCookie] = state
		return other
	}
	t.Run("each byte changed", func(t *testing.T) {
		for i := range good {
			other := byte('A')
			if good[i] == 'A' {
				other = 'B'
			}
			refused(t, with(h, good[:i]+string(other)+good[i+1:]))
		}
	})
	t.Run("cut, longer, huge, empty", func(t *testing.T) {
		for _, state := range []string{good[:len(good)-1], good + "A", good + "=", strings.Repeat("A", 100_000), "", "A"} {
			refused(t, with(h, state))
		}
	})
	t.Run("another key", func(t *testing.T) {
		cfg := config()
		cfg.Secret = identity.NewSecret(strings.Repeat("q", 32))
		refused(t, with(newHandler(t, s, cfg), good))
	})
	t.Run("another application, tenant or path", func(t *testing.T) {
		cfg := config()
		cfg.ClientID = "other"
		refused(t, with(newHandler(t, s, cfg), good))
		cfg = config()
		cfg.Tenant = func(*http.Request) string { return "other" }
		refused(t, with(newHandler(t, s, cfg), good))
	})
	t.Run("stolen for another device", func(t *testing.T) {
		thief := newBrowser(t, h)
		thief.get(start)
		thief.cookies[stateCookie] = good
		refused(t, thief)
	})
	t.Run("twice", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodGet, origin+start+"/code", nil)
		for range 2 {
			r.AddCookie(&http.Cookie{Name: stateCookie, Value: good})
		}
		r.AddCookie(&http.Cookie{Name: "__Host-rekey-device", Value: b.cookies["__Host-rekey-device"]})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusSeeOther {
			t.Errorf("status %d", w.Code)
		}
	})
	t.Run("the good one, and after a rotation", func(t *testing.T) {
		with(h, good).set(page, "123456", newPassword).expect(t, "done")
		cfg := config()
		cfg.Secret, cfg.OldSecrets = identity.NewSecret(strings.Repeat("q", 32)), []identity.Secret{cfg.Secret}
		with(newHandler(t, s, cfg), good).set(page, "123456", newPassword).expect(t, "done")
	})
}

// A state older than the browser's own brings back a step, not a code: the service
// decides what is used up. Only the very form that succeeded a moment ago is
// recognized, see TestDoubleClick.
func TestReplayedStateAsksTheServiceAgain(t *testing.T) {
	t.Parallel()
	s := &stub{}
	b := newBrowser(t, newHandler(t, s, config()))
	page := b.ask(mobile)
	old := b.cookies[stateCookie]
	b.set(page, "123456", newPassword).expect(t, "done")
	b.cookies[stateCookie] = old
	s.reset = identity.ErrCodeRefused
	b.set(page, "123456", newPassword+"!").expect(t, "code", "wrong or has expired")
}

func TestRedirectsStayOnTheSite(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newHandler(t, &stub{}, config()))
	b.get(start)
	for _, target := range []string{
		"//evil.example" + start, start + "//evil.example", start + "/?next=//evil.example", start + "?lang=//evil.example",
		start + "?lang=zh&next=https://evil.example", start + "/code?lang=en", start + "/", "/.well-known/change-password?next=//evil.example",
		start + "/code?return=https://evil.example", start + "/done", start + "/check",
	} {
		for _, a := range []answer{b.get(target), b.post(target, "action", "have", "mobile", mobile, "next", "https://evil.example")} {
			where := a.Header.Get("Location")
			if where != "" && where != start && where != start+"/code" && where != start+"/done" && where != start+"/check" {
				t.Errorf("%s leads to %s", target, where)
			}
			if strings.Contains(a.body, "evil.example") {
				t.Errorf("%s: the page names the other host", target)
			}
		}
	}
}

// The cookie has the same size for any password.
func TestPasswordIsNotKept(t *testing.T) {
	t.Parallel()
	s := &stub{reset: identity.ErrCodeRefused}
	b := newBrowser(t, newHandler(t, s, config()))
	page := b.ask(mobile)
	sizes := map[int]bool{}
	for _, password := range []string{"x", strings.Repeat("y", 1000)} {
		b.set(page, "123456", password)
		sizes[len(b.cookies[stateCookie])] = true
	}
	if len(sizes) != 1 {
		t.Errorf("sizes: %v", sizes)
	}
}

var _ resetpage.Service = (*identity.Service)(nil)
