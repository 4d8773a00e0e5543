package httpadapter_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
)

const origin = "https://www.example.com"

var corsHeaders = []string{
	"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age",
	"Access-Control-Expose-Headers", "Access-Control-Allow-Credentials",
}

// crossOrigin are the response headers that open an answer to a page.
func crossOrigin(a answer) map[string]string {
	got := make(map[string]string)
	for _, name := range corsHeaders {
		if values := a.header.Values(name); len(values) > 0 {
			got[name] = strings.Join(values, " | ")
		}
	}
	return got
}

func preflight(origins ...string) http.Header {
	h := make(http.Header)
	for _, o := range origins {
		h.Add("Origin", o)
	}
	h.Set("Access-Control-Request-Method", "POST")
	h.Set("Access-Control-Request-Headers", "content-type,x-agent,x-client-id,x-evil")
	return h
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := serve(t, handler(t, f, httpadapter.Options{AllowedOrigins: []string{"capacitor://localhost", origin}, RefusalsAs400: false}))
	for path, methods := range map[string]string{resetPath: "POST", sendPath: "POST", countriesPath: "GET, HEAD", datePath: "GET, HEAD"} {
		for _, from := range []string{origin, "capacitor://localhost"} {
			a := do(t, http.MethodOptions, s.URL+path, preflight(from), nil)
			if a.status != http.StatusNoContent || a.body != "" {
				t.Errorf("%s: %d %q", path, a.status, a.body)
			}
			guarded(t, a)
			got := crossOrigin(a)
			want := map[string]string{
				"Access-Control-Allow-Origin": from, "Access-Control-Allow-Methods": methods, "Access-Control-Max-Age": "7200",
				"Access-Control-Allow-Headers": "Content-Type, X-operating-sys-version, X-device-fingerprint, X-device-ip, X-agent, X-L, X-client-id, X-tenant-id",
			}
			for _, name := range corsHeaders {
				if got[name] != want[name] {
					t.Errorf("%s: %s is %q, want %q", path, name, got[name], want[name])
				}
			}
			if !slices.Equal(a.header.Values("Vary"), []string{"Origin"}) {
				t.Errorf("Vary is %q", a.header.Values("Vary"))
			}
		}
	}
	if f.calls() != 0 {
		t.Error("the service was called")
	}
}

// TestPreflightOfOthers: an origin that is not configured gets the answers of a server
// without origins.
func TestPreflightOfOthers(t *testing.T) {
	t.Parallel()
	configured := serve(t, handler(t, &fake{}, httpadapter.Options{AllowedOrigins: []string{origin}}))
	none := serve(t, handler(t, &fake{}, httpadapter.Options{}))
	for name, h := range map[string]http.Header{
		"no origin": preflight(), "null": preflight("null"), "other": preflight("https://example.com"), "empty": preflight(""),
		"scheme": preflight("http://www.example.com"), "port": preflight(origin + ":443"), "other port": preflight(origin + ":8443"),
		"upper case": preflight("https://WWW.example.com"), "subdomain": preflight("https://evil.www.example.com"), "suffix": preflight(origin + ".evil.example"),
		"prefix": preflight("https://evilwww.example.com"), "slash": preflight(origin + "/"), "list": preflight(origin + ", " + origin),
		"twice": preflight(origin, origin), "one good": preflight("https://evil.example", origin), "space": preflight(origin + " evil"),
		"not asking": {"Origin": {origin}}, "star": preflight("*"),
	} {
		a := do(t, http.MethodOptions, configured.URL+resetPath, h, nil)
		refusedWith(t, a, 405, "SDK.COMMON.1002", "The method parameter format is incorrect.")
		got := crossOrigin(a)
		if name == "not asking" {
			delete(got, "Access-Control-Allow-Origin") // the page may read the 405
			delete(got, "Access-Control-Expose-Headers")
		}
		if len(got) != 0 || a.header.Get("Allow") != "POST" || a.header.Get("Vary") != "Origin" {
			t.Errorf("%s: %v", name, a.header)
		}
	}
	a := do(t, http.MethodOptions, none.URL+resetPath, preflight(origin), nil)
	refusedWith(t, a, 405, "SDK.COMMON.1002", "The method parameter format is incorrect.")
	if len(crossOrigin(a)) != 0 || a.header.Get("Vary") != "" {
		t.Errorf("without origins: %v", a.header)
	}
	unknown := do(t, http.MethodOptions, configured.URL+"/x", preflight(origin), nil)
	refusedWith(t, unknown, 404, "SDK.COMMON.1002", "The path parameter format is incorrect.")
}

// TestAnswersToPages: a page of a configured origin may read every answer, above all
// refusals. Pages of other origins still get an answer, which their browser hides.
func TestAnswersToPages(t *testing.T) {
	t.Parallel()
	f := &fake{err: &identity.RateLimitedError{RetryAfter: time.Minute}}
	s := serve(t, handler(t, f, httpadapter.Options{AllowedOrigins: []string{origin}}))
	for name, tt := range map[string]struct {
		path   string
		change func(http.Header)
		status int
	}{
		"limited": {resetPath, set("Origin", origin), 429},
		"headers": {sendPath, func(h http.Header) { h.Set("Origin", origin); h.Del("X-agent") }, 400},
		"type":    {sendPath, func(h http.Header) { h.Set("Origin", origin); h.Del("Content-Type") }, 415},
		"method":  {datePath, set("Origin", origin), 405},
	} {
		a := post(t, s, tt.path, resetBody, tt.change)
		got := crossOrigin(a)
		if a.status != tt.status || len(got) != 2 || got["Access-Control-Allow-Origin"] != origin || got["Access-Control-Expose-Headers"] != "Retry-After" || a.header.Get("Vary") != "Origin" {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
	f.err = nil
	accepted(t, post(t, s, resetPath, resetBody, set("Origin", origin)))
	for _, from := range []string{"", "null", "https://evil.example"} {
		a := post(t, s, resetPath, resetBody, set("Origin", from))
		accepted(t, a)
		if len(crossOrigin(a)) != 0 || a.header.Get("Vary") != "Origin" {
			t.Errorf("%q: %v", from, a.header)
		}
	}
}

func TestAllowedOrigins(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		origin, "http://localhost", "http://localhost:5173", "https://[2001:db8::1]:8443", "https://192.0.2.1", "capacitor://localhost",
		"chrome-extension://abcdefghijklmnop", "https://xn--bcher-kva.example", "http://a_b.example:443",
	} {
		if _, err := httpadapter.NewWithService(&fake{}, httpadapter.Options{AllowedOrigins: []string{good}}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "*", "null", "www.example.com", "//www.example.com", "https://", "https:///", origin + "/", origin + "/a", origin + "?", origin + "#", origin + ":",
		origin + ":443", "http://www.example.com:80", "https://*.example.com", "https://u@www.example.com", "HTTPS://www.example.com", "https://WWW.example.com",
		"https://bücher.example", origin + ":99999", origin + ":0", origin + ":0443", origin + ":a", "https://[::1", "https://[0:0::1]", "https://[::1%25eth0]", "mailto:a@example.com",
		" " + origin, origin + " ", origin + "," + origin, "https://a\nb", "file://",
	} {
		_, err := httpadapter.NewWithService(&fake{}, httpadapter.Options{AllowedOrigins: []string{origin, bad}})
		if err == nil || !strings.Contains(err.Error(), "AllowedOrigins") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	origins := []string{origin}
	s := serve(t, handler(t, &fake{}, httpadapter.Options{AllowedOrigins: origins}))
	origins[0] = "https://evil.example"
	if a := do(t, http.MethodOptions, s.URL+resetPath, preflight("https://evil.example"), nil); a.status != http.StatusMethodNotAllowed {
		t.Errorf("an origin added later: %d", a.status)
	}
}
