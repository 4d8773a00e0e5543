package siteverify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/siteverify"
)

const secret, token = "0x4AAA-the-secret", "0.the-token-of-the-widget"

// service speaks the protocol of the three companies: it takes a form, answers JSON,
// and refuses a used token.
type service struct {
	answer map[string]any
	codes  []string // refuse with these error codes

	mu   sync.Mutex
	used map[string]bool
	form url.Values // the last one
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		refuse(w, "bad-request")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.form = form
	switch {
	case form.Get("secret") != secret:
		refuse(w, "invalid-input-secret")
	case len(s.codes) > 0:
		refuse(w, s.codes...)
	case form.Get("response") != token:
		refuse(w, "invalid-input-response")
	case s.used[token]:
		refuse(w, "timeout-or-duplicate")
	default:
		s.used = map[string]bool{token: true}
		_ = json.NewEncoder(w).Encode(s.answer)
	}
}

func refuse(w http.ResponseWriter, codes ...string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest) // as Turnstile does; the others answer 200
	_ = json.NewEncoder(w).Encode(map[string]any{"success": false, "error-codes": codes, "messages": []string{}})
}

func verifier(t *testing.T, h http.Handler, configure ...func(*siteverify.Config)) *siteverify.Verifier {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	cfg := siteverify.Config{
		Service: siteverify.Turnstile, Secret: identity.NewSecret(secret), Hosts: []string{"www.example.com", "login.example.com"},
		Action: "forgot-password", URL: srv.URL,
	}
	for _, c := range configure {
		c(&cfg)
	}
	v, err := siteverify.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func request() identity.CaptchaRequest {
	return identity.CaptchaRequest{
		Token: token, Mobile: "+8612345678901", Purpose: identity.PurposeForgotPassword,
		Caller: identity.Caller{Address: netip.MustParseAddr("2001:db8::7")},
	}
}

func check(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
	if err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), secret)) {
		t.Errorf("%s: the error contains the token or the secret: %v", what, err)
	}
}

func turnstile(change ...any) map[string]any {
	a := map[string]any{
		"success": true, "challenge_ts": "2026-01-02T03:04:05.678Z", "hostname": "www.example.com",
		"error-codes": []string{}, "action": "forgot-password", "cdata": "", "metadata": map[string]any{"interactive": false},
	}
	for i := 0; i < len(change); i += 2 {
		a[change[i].(string)] = change[i+1]
	}
	return a
}

func TestGoodTokenIsGoodOnce(t *testing.T) {
	t.Parallel()
	s := &service{answer: turnstile()}
	v := verifier(t, s)
	check(t, "good", v.VerifyCaptcha(t.Context(), request()), nil)
	want := url.Values{"secret": {secret}, "response": {token}, "remoteip": {"2001:db8::7"}}
	if got := s.form.Encode(); got != want.Encode() {
		t.Errorf("the service got %s, want %s", got, want.Encode())
	}
	check(t, "again", v.VerifyCaptcha(t.Context(), request()), identity.ErrCaptchaExpired)
	r := request()
	r.Token = "made up"
	check(t, "made up", v.VerifyCaptcha(t.Context(), r), identity.ErrCaptchaWrong)
}

func TestRequestToTheProvider(t *testing.T) {
	t.Parallel()
	s := &service{answer: turnstile()}
	v := verifier(t, s, func(c *siteverify.Config) {
		c.Service, c.Action, c.SiteKey, c.WithholdAddress = siteverify.HCaptcha, "", "site-key", true
	})
	check(t, "good", v.VerifyCaptcha(t.Context(), request()), nil)
	if want := (url.Values{"secret": {secret}, "response": {token}, "sitekey": {"site-key"}}); s.form.Encode() != want.Encode() {
		t.Errorf("the service got %s, want %s", s.form.Encode(), want.Encode())
	}
	s = &service{answer: turnstile()}
	r := request()
	r.Caller.Address = netip.Addr{}
	check(t, "no address", verifier(t, s).VerifyCaptcha(t.Context(), r), nil)
	if s.form.Has("remoteip") || strings.Contains(s.form.Encode(), "12345678901") {
		t.Errorf("the service got %s", s.form.Encode())
	}
}

// A success that is not for this site does not count.
func TestHostActionScore(t *testing.T) {
	t.Parallel()
	v3 := func(c *siteverify.Config) { c.Service = siteverify.RecaptchaV3 }
	strict := func(c *siteverify.Config) { c.Service, c.MinScore = siteverify.RecaptchaV3, 0.9 }
	hcaptcha := func(c *siteverify.Config) { c.Service, c.Action = siteverify.HCaptcha, "" }
	v2 := func(c *siteverify.Config) { c.Service, c.Action = siteverify.RecaptchaV2, "" }
	anyHost := func(c *siteverify.Config) { c.Hosts, c.InsecureAnyHost = nil, true }
	none := func(*siteverify.Config) {}
	for _, c := range []struct {
		name      string
		configure func(*siteverify.Config)
		answer    map[string]any
		want      error
	}{
		{"second host", none, turnstile("hostname", "login.example.com"), nil},
		{"host in capitals", none, turnstile("hostname", "WWW.Example.com"), nil},
		{"another host", none, turnstile("hostname", "evil.example"), identity.ErrCaptchaWrong},
		{"a host below", none, turnstile("hostname", "x.www.example.com"), identity.ErrCaptchaWrong},
		{"a host that ends alike", none, turnstile("hostname", "www.example.com.evil.example"), identity.ErrCaptchaWrong},
		{"no host", none, turnstile("hostname", ""), identity.ErrCaptchaWrong},
		{"any host", anyHost, turnstile("hostname", "evil.example"), nil},
		{"another action", none, turnstile("action", "newsletter"), identity.ErrCaptchaWrong},
		{"no action", none, turnstile("action", ""), identity.ErrCaptchaWrong},
		{"action in capitals", none, turnstile("action", "Forgot-Password"), identity.ErrCaptchaWrong},
		{"action not asked for", func(c *siteverify.Config) { c.Action = "" }, turnstile("action", "x"), nil},
		{"hCaptcha", hcaptcha, turnstile("action", ""), nil},
		{"reCAPTCHA 2", v2, turnstile(), nil},
		{"reCAPTCHA 2, another host", v2, turnstile("hostname", "evil.example"), identity.ErrCaptchaWrong},
		{"score", v3, turnstile("score", 0.5), nil},
		{"low score", v3, turnstile("score", 0.4), identity.ErrCaptchaWrong},
		{"score below a stricter one", strict, turnstile("score", 0.8), identity.ErrCaptchaWrong},
		{"no score", v3, turnstile(), identity.ErrCaptchaWrong},
		{"score of null", v3, turnstile("score", nil), identity.ErrCaptchaWrong},
		{"score, another action", v3, turnstile("score", 0.9, "action", "homepage"), identity.ErrCaptchaWrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := verifier(t, &service{answer: c.answer}, c.configure, func(c *siteverify.Config) { c.InsecureAllowOnFailure = true })
			check(t, c.name, v.VerifyCaptcha(t.Context(), request()), c.want)
		})
	}
}

func TestErrorCodes(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	for codes, want := range map[string]error{
		"timeout-or-duplicate": identity.ErrCaptchaExpired, "expired-input-response": identity.ErrCaptchaExpired,
		"already-seen-response": identity.ErrCaptchaExpired, "invalid-or-already-seen-response": identity.ErrCaptchaExpired,
		"missing-input-response": identity.ErrCaptchaWrong, "invalid-input-response": identity.ErrCaptchaWrong, "browser-error": identity.ErrCaptchaWrong,
		// These errors are about our configuration: they never let a request pass.
		"invalid-input-secret": failed, "missing-input-secret": failed, "sitekey-secret-mismatch": failed, "bad-request": failed, "never-heard-of": failed,
		"internal-error never-heard-of": failed, "invalid-input-response invalid-input-secret": failed,
		"internal-error": nil,
	} {
		s := &service{answer: turnstile(), codes: strings.Fields(codes)}
		err := verifier(t, s, func(c *siteverify.Config) { c.InsecureAllowOnFailure = true }).VerifyCaptcha(t.Context(), request())
		if want == failed {
			if err == nil || errors.Is(err, identity.ErrCaptchaWrong) || errors.Is(err, identity.ErrCaptchaExpired) {
				t.Errorf("%s: %v, want a failure", codes, err)
			}
			want = err
		}
		check(t, codes, err, want)
	}
}

// The configured policy applies to every failure of the service.
func TestFailures(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(turnstile())
	}))
	t.Cleanup(elsewhere.Close)
	say := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, text)
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"status 503":       say(503, `{"success":true,"hostname":"www.example.com","action":"forgot-password"}`),
		"throttled":        say(429, ""),
		"status 403":       say(403, "<html>blocked</html>"),
		"success with 400": say(400, `{"success":true,"hostname":"www.example.com","action":"forgot-password"}`),
		"garbage":          say(200, "<html>"),
		"empty":            say(200, ""),
		"no object":        say(200, `true`),
		"nothing said":     say(200, `{}`),
		"success of text":  say(200, `{"success":"true","hostname":"www.example.com","action":"forgot-password"}`),
		"no codes":         say(200, `{"success":false}`),
		"huge":             say(200, `{"success":true,"hostname":"www.example.com","action":"forgot-password","x":"`+strings.Repeat("x", 1<<20)+`"}`),
		"trailing":         say(200, `{"success":true,"hostname":"www.example.com","action":"forgot-password"}{}`),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		},
		"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		},
		"slow body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, `{"success":true,`)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, allow := range []bool{false, true} {
				var told error
				// A server notices that its caller left once the body is read.
				read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					handler(w, r)
				})
				v := verifier(t, read, func(c *siteverify.Config) {
					c.Timeout, c.InsecureAllowOnFailure = 150*time.Millisecond, allow
					c.OnFailure = func(err error) { told = err }
				})
				err := v.VerifyCaptcha(t.Context(), request())
				if (err == nil) != allow || errors.Is(err, identity.ErrCaptchaWrong) || told == nil {
					t.Errorf("allow %v: %v, told %v", allow, err, told)
				}
				check(t, "told", told, told)
			}
		})
	}
}

// A caller cannot make use of InsecureAllowOnFailure, which is for outages.
func TestCallerCannotCauseAFailure(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var asked atomic.Int32
	v := verifier(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		once.Do(func() { close(started) })
		<-release
	}), func(c *siteverify.Config) { c.InsecureAllowOnFailure, c.Concurrency = true, 1 })
	var wg sync.WaitGroup
	wg.Go(func() { _ = v.VerifyCaptcha(t.Context(), request()) })
	<-started
	if err := v.VerifyCaptcha(t.Context(), request()); err == nil {
		t.Error("a flood lets a send pass")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.VerifyCaptcha(ctx, request()); err == nil {
		t.Error("a caller that left lets a send pass")
	}
	close(release)
	wg.Wait()
	asked.Store(0)
	r := request()
	r.Token = strings.Repeat("x", 1<<20)
	check(t, "too long", v.VerifyCaptcha(t.Context(), r), identity.ErrCaptchaWrong)
	r.Token = ""
	check(t, "empty", v.VerifyCaptcha(t.Context(), r), identity.ErrCaptchaWrong)
	if asked.Load() != 0 {
		t.Errorf("the service was asked %d times about an empty token", asked.Load())
	}
}

func TestInTheService(t *testing.T) {
	t.Parallel()
	v := verifier(t, &service{answer: turnstile()})
	f := identitytest.New(t, func(c *identity.Config) { c.Captcha = v })
	for _, want := range []error{nil, identity.ErrCaptchaExpired} {
		err := f.SendVerifyCode(t.Context(), identity.SendRequest{
			Caller: f.Caller(), Mobile: "12345678901", Purpose: identity.PurposeForgotPassword, CaptchaToken: token,
		})
		check(t, "send", err, want)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := siteverify.Config{Service: siteverify.RecaptchaV3, Secret: identity.NewSecret(secret), Hosts: []string{"example.com"}, Action: "a"}
	if _, err := siteverify.New(good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*siteverify.Config){
		"Service":     func(c *siteverify.Config) { c.Service = "captcha" },
		"Secret":      func(c *siteverify.Config) { c.Secret = identity.Secret{} },
		"Hosts are":   func(c *siteverify.Config) { c.Hosts = nil },
		"Hosts:":      func(c *siteverify.Config) { c.Hosts = []string{"https://example.com"} },
		"Action is m": func(c *siteverify.Config) { c.Action = "" },
		"Action is s": func(c *siteverify.Config) { c.Service = siteverify.HCaptcha },
		"MinScore":    func(c *siteverify.Config) { c.MinScore = 1.1 },
		"Timeout":     func(c *siteverify.Config) { c.Timeout = time.Hour },
		"Concurrency": func(c *siteverify.Config) { c.Concurrency = -1 },
		"URL":         func(c *siteverify.Config) { c.URL = "http://example.com/siteverify" },
	} {
		cfg := good
		change(&cfg)
		if _, err := siteverify.New(cfg); err == nil || !strings.Contains(err.Error(), "Config."+want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
