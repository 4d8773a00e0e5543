package httpadapter_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

func source(t *testing.T, opts httpadapter.CallerOptions) *httpadapter.CallerSource {
	t.Helper()
	s, err := httpadapter.NewCallerSource(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pageRequest(h http.Header) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://www.example.com/auth/forgot", nil)
	r.Header = h
	return r
}

func TestCallerFromHeaders(t *testing.T) {
	t.Parallel()
	s := source(t, httpadapter.CallerOptions{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, AddressHeader: "X-Forwarded-For"})
	h := headers()
	h.Set("X-Forwarded-For", "1.1.1.1, 198.51.100.1")
	got, err := s.FromHeaders(pageRequest(h))
	want := identity.Caller{
		ClientID: "DRrYIqauawN0I8myTMoDTPys6ezGZxnm", TenantID: "08f770f51f80d2f40f38c00cb199fd21", Device: "156aysdna213sac",
		Address: netip.MustParseAddr("198.51.100.1"), ClaimedAddress: "10.10.10.1", OSVersion: "Android 10", Agent: "Mozilla/5.0 (Linux; Android 10)",
	}
	if err != nil || got != want {
		t.Errorf("caller is %+v, %v, want %+v", got, err, want)
	}
	for name, tt := range map[string]struct {
		change func(http.Header)
		is     error
		code   string
	}{
		"no client":   {del("X-client-id"), identity.ErrClientMissing, "APP.0002"},
		"no device":   {del("X-device-fingerprint"), identity.ErrDeviceMissing, "SDK.COMMON.1003"},
		"no agent":    {set("X-agent", " "), identity.ErrDeviceMissing, "SDK.COMMON.1003"},
		"malformed":   {set("X-tenant-id", "a\tb"), nil, "SDK.COMMON.1002"},
		"repeated":    {func(h http.Header) { h.Add("X-L", "zh") }, nil, "SDK.COMMON.1002"},
		"device long": {set("X-device-fingerprint", strings.Repeat("x", 4097)), nil, "SDK.COMMON.1002"},
	} {
		h := headers()
		h.Set("X-L", "en")
		tt.change(h)
		got, err := s.FromHeaders(pageRequest(h))
		if err == nil || got != (identity.Caller{}) || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		w := httptest.NewRecorder()
		httpadapter.WriteError(w, pageRequest(h), fmt.Errorf("wrapped: %w", err))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), tt.code) {
			t.Errorf("%s: answered %d %s", name, w.Code, w.Body)
		}
	}
}

func TestCallerOptions(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]httpadapter.CallerOptions{
		"proxies without header": {TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		"socket without header":  {TrustUnixSocket: true},
		"header alone":           {AddressHeader: "X-Forwarded-For"},
		"every address a proxy":  {TrustedProxies: []netip.Prefix{netip.MustParsePrefix("::/0")}, AddressHeader: "X-Forwarded-For"},
		"claim":                  {TrustUnixSocket: true, AddressHeader: "X-device-ip"},
	} {
		if s, err := httpadapter.NewCallerSource(opts); err == nil || s != nil || !strings.Contains(err.Error(), "CallerOptions.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// page is the result of a page's request: the caller, and the cookie that is set.
func page(t *testing.T, s *httpadapter.CallerSource, h http.Header) (identity.Caller, *http.Cookie) {
	t.Helper()
	w := httptest.NewRecorder()
	caller := s.FromPage(w, pageRequest(h))
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("headers are %v", w.Header())
	}
	return caller, cookies[0]
}

func TestCallerFromPage(t *testing.T) {
	t.Parallel()
	s := source(t, httpadapter.CallerOptions{ClientID: "web"})
	caller, cookie := page(t, s, http.Header{"User-Agent": {"Firefox"}, "Accept-Language": {"zh-CN,zh;q=0.8,en;q=0.5"}})
	if len(caller.Device) != 26 || caller.Device != cookie.Value {
		t.Errorf("device %q, cookie %q", caller.Device, cookie.Value)
	}
	want := identity.Caller{ClientID: "web", Device: cookie.Value, Address: netip.MustParseAddr("192.0.2.1"), Agent: "Firefox", Language: "zh-CN"}
	if caller != want {
		t.Errorf("caller is %+v, want %+v", caller, want)
	}
	wantCookie := "__Host-rekey-device=" + caller.Device + "; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"
	if cookie.Raw != wantCookie {
		t.Errorf("cookie is %q, want %q", cookie.Raw, wantCookie)
	}
	again, kept := page(t, s, http.Header{"Cookie": {"other=1; __Host-rekey-device=" + caller.Device}})
	if again.Device != caller.Device || kept.Raw != wantCookie {
		t.Errorf("at the next request: %q, %q", again.Device, kept.Raw)
	}
	if other, _ := page(t, s, http.Header{}); other.Device == caller.Device {
		t.Error("two pages without a cookie are one device")
	}
}

// TestForeignCookies: a value that this server did not make is not a device, because an
// attacker could know it, and many browsers could have it.
func TestForeignCookies(t *testing.T) {
	t.Parallel()
	s := source(t, httpadapter.CallerOptions{ClientID: "web"})
	insecure := source(t, httpadapter.CallerOptions{ClientID: "web", InsecureCookie: true})
	good := strings.Repeat("A", 26)
	for _, value := range []string{"", "x", strings.Repeat("A", 25), strings.Repeat("A", 27), strings.Repeat("a", 26), strings.Repeat("A", 25) + "1", strings.Repeat("A", 25) + "é"} {
		if caller, _ := page(t, s, http.Header{"Cookie": {"__Host-rekey-device=" + value}}); caller.Device == value || len(caller.Device) != 26 {
			t.Errorf("%q is a device: %q", value, caller.Device)
		}
	}
	if caller, _ := page(t, s, http.Header{"Cookie": {"rekey-device=" + good}}); caller.Device == good {
		t.Error("the name without the prefix counts over TLS")
	}
	if caller, _ := page(t, s, http.Header{"Cookie": {"__Host-rekey-device=x; __Host-rekey-device=" + good}}); caller.Device != good {
		t.Errorf("beside garbage: %q", caller.Device)
	}
	caller, cookie := page(t, insecure, http.Header{"Cookie": {"rekey-device=" + good}})
	if caller.Device != good || cookie.Raw != "rekey-device="+good+"; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax" {
		t.Errorf("insecure: %q, %q", caller.Device, cookie.Raw)
	}
}

func TestPageLanguage(t *testing.T) {
	t.Parallel()
	s := source(t, httpadapter.CallerOptions{})
	for accepted, want := range map[string]string{
		"": "", "en-GB,en;q=0.9": "en-GB", "en;q=0.1,zh-Hant;q=0.9": "zh-Hant", "*": "", "garbage garbage": "", "\xff": "", strings.Repeat("en,", 2000): "",
	} {
		if caller, _ := page(t, s, http.Header{"Accept-Language": {accepted}}); caller.Language != want && (want != "" || caller.Language != "mul") {
			t.Errorf("%.20q: %q, want %q", accepted, caller.Language, want)
		}
	}
}

// TestPagesOverTLS resets a password through a page, as a browser with a cookie jar
// does. Another browser cannot use the code.
func TestPagesOverTLS(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	f.User("12345678901", "violet-Harbor-93")
	s := source(t, httpadapter.CallerOptions{ClientID: identitytest.ClientID})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /forgot", func(w http.ResponseWriter, r *http.Request) { s.FromPage(w, r) })
	mux.HandleFunc("POST /forgot", func(w http.ResponseWriter, r *http.Request) {
		err := f.SendVerifyCode(r.Context(), identity.SendRequest{Caller: s.FromPage(w, r), Mobile: r.FormValue("mobile"), Purpose: identity.PurposeForgotPassword})
		if err != nil {
			httpadapter.WriteError(w, r, err)
		}
	})
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, r *http.Request) {
		err := f.ResetByMobile(r.Context(), identity.ResetRequest{
			Caller: s.FromPage(w, r), Mobile: r.FormValue("mobile"),
			Code: identity.NewSecret(r.FormValue("code")), Password: identity.NewSecret(r.FormValue("password")),
		})
		if err != nil {
			httpadapter.WriteError(w, r, err)
		}
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	browser := func() *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{Transport: server.Client().Transport, Jar: jar}
	}
	submit := func(b *http.Client, path string, form url.Values) int {
		resp, err := b.PostForm(server.URL+path, form)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	owner, other := browser(), browser()
	for _, b := range []*http.Client{owner, other} {
		resp, err := b.Get(server.URL + "/forgot")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if got := submit(owner, "/forgot", url.Values{"mobile": {"12345678901"}}); got != http.StatusOK {
		t.Fatalf("send: %d", got)
	}
	form := url.Values{"mobile": {"12345678901"}, "code": {f.Code("+8612345678901")}, "password": {newPassword}}
	if got := submit(other, "/reset", form); got != http.StatusBadRequest {
		t.Errorf("another browser: %d", got)
	}
	if got := submit(owner, "/reset", form); got != http.StatusOK {
		t.Errorf("reset: %d", got)
	}
}

func TestStatusAndWriteError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err        error
		status     int
		retryAfter time.Duration
		retry      string
		body       string
	}{
		{identity.ErrCodeRefused, 400, 0, "", errorJSON("SDK.SMS.1005", "The SMS verification code is incorrect or has expired.")},
		{identity.ErrDeviceMissing, 400, 0, "", errorJSON("SDK.COMMON.1003", "Device information is incomplete.")},
		{identity.ErrWrongCredentials, 401, 0, "", errorJSON("REKEY.0001", "The mobile number or the password is incorrect.")},
		{&identity.PasswordError{Fault: identity.PasswordLength, Min: 8, Max: 256}, 400, 0, "", errorJSON("PWD.0002", "The password must have 8 to 256 characters.")},
		{&identity.RateLimitedError{RetryAfter: 59*time.Second + 1}, 429, 59*time.Second + 1, "60", errorJSON("SDK.COMMON.1008", "Too many requests. Try again later.")},
		{&identity.BusyError{RetryAfter: time.Second}, 503, time.Second, "1", errorJSON("SDK.COMMON.1008", "The system is busy. Try again later.")},
		{errors.New("disk full"), 500, 0, "", errorJSON("SDK.COMMON.1008", "The system is busy. Try again later.")},
	}
	for _, tt := range tests {
		err := fmt.Errorf("wrapped: %w", tt.err)
		if status, retryAfter := httpadapter.Status(err); status != tt.status || retryAfter != tt.retryAfter {
			t.Errorf("%v: status %d, %s", tt.err, status, retryAfter)
		}
		w := httptest.NewRecorder()
		httpadapter.WriteError(w, pageRequest(http.Header{}), err)
		if got := w.Header().Get("Retry-After"); got != tt.retry {
			t.Errorf("%v: Retry-After is %q", tt.err, got)
		}
		a := answer{status: w.Code, header: w.Header(), body: w.Body.String()}
		if a.status != tt.status || a.body != tt.body || a.header.Get("Content-Type") != contentType {
			t.Errorf("%v: answered %d %s", tt.err, a.status, a.body)
		}
		guarded(t, a)
	}
	if status, retryAfter := httpadapter.Status(nil); status != http.StatusOK || retryAfter != 0 {
		t.Errorf("nil: %d, %s", status, retryAfter)
	}
	for name, h := range map[string]http.Header{"X-L": {http.CanonicalHeaderKey("X-L"): {"zh"}, "Accept-Language": {"en"}}, "Accept-Language": {"Accept-Language": {"zh-TW,en"}}} {
		w := httptest.NewRecorder()
		httpadapter.WriteError(w, pageRequest(h), identity.ErrInvalidMobile)
		if got := w.Body.String(); got != errorJSON("USER.0038", "手机号无效。") {
			t.Errorf("%s: %s", name, got)
		}
	}
	w := httptest.NewRecorder()
	httpadapter.WriteError(w, pageRequest(http.Header{}), nil)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("nil: answered %d", w.Code)
	}
}

// A caller who is turned away gives its HTTP/1 connection up, because the connection takes
// memory until the next try. HTTP/2 connections carry other callers' requests.
func TestBusyEndsTheConnection(t *testing.T) {
	t.Parallel()
	for proto, want := range map[string]bool{"HTTP/1.1": true, "HTTP/2.0": false} {
		var got bool
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			httpadapter.WriteError(w, r, &identity.BusyError{RetryAfter: time.Second})
			got = w.Header().Get("Connection") == "close"
		}))
		s.EnableHTTP2 = proto == "HTTP/2.0"
		s.StartTLS()
		resp, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		s.Close()
		if resp.Proto != proto || resp.StatusCode != http.StatusServiceUnavailable || got != want || resp.Close != want {
			t.Errorf("%s: %s with status %d, ended %t", proto, resp.Proto, resp.StatusCode, resp.Close)
		}
	}
}
