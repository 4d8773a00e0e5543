package resetpage_test

import (
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// A path has only one spelling. Otherwise a proxy's rule for it could be bypassed.
func TestOtherSpellingsOfAPath(t *testing.T) {
	t.Parallel()
	s := &stub{}
	b := newBrowser(t, newHandler(t, s, config()))
	b.get(start)
	for _, path := range []string{"/reset%2Dpassword", "/%72eset-password", start + "%2fcode", start + "/%63ode", start + "/code/", "/Reset-Password", start + "//code"} {
		b.post(path, "action", "send", "mobile", mobile).expect(t, "notice", "There is nothing here")
	}
	if len(s.sends) > 0 {
		t.Errorf("%d sends", len(s.sends))
	}
}

func TestSizesAreBounded(t *testing.T) {
	t.Parallel()
	s := &stub{}
	b := newBrowser(t, newHandler(t, s, config()))
	b.get(start)
	long := strings.Repeat("9", 15_000)
	page := b.follow(b.post(start, "action", "send", "mobile", long))
	s.reset = identity.ErrCodeRefused
	again := b.set(page, long[:8000], long[:8000])
	for name, value := range b.cookies {
		if len(name)+len(value) > 3000 {
			t.Errorf("%s has %d bytes", name, len(value))
		}
	}
	if len(again.body) > 20_000 {
		t.Errorf("the page has %d bytes", len(again.body))
	}
	got := b.post(start, "action", "send", "mobile", strings.Repeat("9", 17_000))
	if got.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", got.StatusCode)
	}
	b.header.Set("Accept-Language", strings.Repeat("a-b-c-d-e,", 100_000))
	if took := fastest(500*time.Millisecond, func() { b.get(start).expect(t, "number") }); took > 500*time.Millisecond {
		t.Errorf("a long Accept-Language took %s", took)
	}
}

func TestMalformedForms(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, method, contentType, body string
		status                          int
	}{
		{"JSON", "POST", "application/json", `{"action":"send"}`, http.StatusUnsupportedMediaType},
		{"multipart", "POST", "multipart/form-data; boundary=x", "--x--", http.StatusUnsupportedMediaType},
		{"no type", "POST", "", "action=send", http.StatusUnsupportedMediaType},
		{"a field twice", "POST", form, "action=send&mobile=" + mobile + "&mobile=13800138001", http.StatusBadRequest},
		{"escape", "POST", form, "action=send&mobile=%zz", http.StatusBadRequest},
		{"not UTF-8", "POST", form, "action=send&mobile=%ff", http.StatusBadRequest},
		{"NUL", "POST", form, "action=send&mobile=1%00", http.StatusBadRequest},
		{"another action", "POST", form, "action=delete&mobile=" + mobile, http.StatusBadRequest},
		{"no action", "POST", form, "mobile=" + mobile, http.StatusBadRequest},
		{"semicolons", "POST", form, "action=send;mobile=" + mobile, http.StatusBadRequest},
		{"PUT", "PUT", form, "action=send&mobile=" + mobile, http.StatusMethodNotAllowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &stub{}
			b := newBrowser(t, newHandler(t, s, config()))
			b.get(start)
			got := b.do(c.method, start, c.contentType, c.body)
			got.expect(t, "notice", "could not be read")
			if got.StatusCode != c.status || len(s.sends) != 0 {
				t.Errorf("status %d, %d sends", got.StatusCode, len(s.sends))
			}
		})
	}
}

func TestLogsHoldNothingOfThePerson(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	cfg := config()
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := &stub{reset: identity.ErrCodeRefused}
	b := newBrowser(t, newHandler(t, s, cfg))
	page := b.ask(mobile)
	b.set(page, "472913", "canary-Password-1")
	s.reset = nil
	b.set(page, "472913", "canary-Password-1")
	for _, canary := range []string{"138", "472913", "canary", b.cookies["__Host-rekey-device"], b.cookies[stateCookie], page.flow(t)} {
		if strings.Contains(log.String(), canary) {
			t.Errorf("%q is in the log:\n%s", canary, log.String())
		}
	}
	if !strings.Contains(log.String(), "action=reset") || !strings.Contains(log.String(), "outcome=refused") {
		t.Errorf("the log says too little:\n%s", log.String())
	}
}

// fastest returns the shortest time of f in many runs. It stops when a run is within
// the limit: a busy machine makes some runs slow, and slow code makes all of them slow.
func fastest(limit time.Duration, f func()) time.Duration {
	best := time.Duration(math.MaxInt64)
	for n := 0; n < 200 && best > limit; n++ {
		begin := time.Now()
		f()
		best = min(best, time.Since(begin))
	}
	return best
}

// The sizes of the page, its style and its script as sent, and the time to the first
// byte.
func TestWeightAndTime(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Countries = []string{"CN", "HK", "MO", "TW", "SG", "MY", "TH", "GB", "DE", "FR", "US", "AE"}
	cfg.ServiceName = "Harbour"
	h := newHandler(t, &stub{}, cfg)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	b := newBrowser(t, h)
	pages := map[string]answer{"number": b.get(start)}
	pages["code"] = b.follow(b.post(start, "action", "have", "mobile", mobile))
	for name, page := range pages {
		total := len(page.body)
		for _, part := range strings.Split(page.body, `"`) {
			if strings.HasPrefix(part, start+"/assets/") {
				total += len(b.get(part).body)
			}
		}
		t.Logf("%s: page %d bytes, with style and script %d bytes", name, len(page.body), total)
		if total > 60_000 || total < 10_000 {
			t.Errorf("%s: %d bytes in all", name, total)
		}
	}
	best := fastest(50*time.Millisecond, func() {
		response, err := http.Get(server.URL + start)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	})
	t.Logf("time to first byte: %s", best)
	if best > 50*time.Millisecond {
		t.Errorf("the first byte takes %s", best)
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Logo = []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	b := newBrowser(t, newHandler(t, &stub{}, cfg))
	kinds := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	for _, part := range strings.Split(b.get(start).body, `"`) {
		if !strings.HasPrefix(part, start+"/assets/") {
			continue
		}
		kind := part[strings.LastIndexByte(part, '.')+1:]
		a := b.get(part)
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != kinds[kind] || a.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %v", part, a.StatusCode, a.Header)
		}
		if len(a.Cookies()) > 0 {
			t.Errorf("%s sets cookies, and a shared cache may keep it", part)
		}
		if kind == "svg" && !strings.Contains(a.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Error("a logo that is opened directly may run its script")
		}
		delete(kinds, kind)
	}
	if len(kinds) > 0 {
		t.Errorf("not in the page: %v", kinds)
	}
	for _, none := range []string{"style.css", "style.0000000000000000.css", "../handler.go", "", "..%2f"} {
		if a := b.get(start + "/assets/" + none); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", none, a.StatusCode)
		}
	}
}
