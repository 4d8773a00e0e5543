package openapi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/captcha"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/puzzle"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func open(t *testing.T, text []byte) validator.Validator {
	t.Helper()
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document)
	for _, err := range errs {
		t.Fatal(err)
	}
	return v
}

func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	if ok, errs := open(t, httpadapter.OpenAPI("")).ValidateDocument(); !ok {
		for _, err := range errs {
			t.Errorf("%s: %s", err.Message, err.Reason)
		}
	}
}

// exchange sends a request, and returns the validator's errors about the request and
// the answer.
func exchange(t *testing.T, v validator.Validator, method, url, body string, change func(http.Header)) (status int, request, response []string) {
	t.Helper()
	build := func() *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/json;charset=utf8")
		}
		if body == "" {
			r.Body = http.NoBody
		}
		r.Header.Set("X-operating-sys-version", "Android 10")
		r.Header.Set("X-device-fingerprint", "156aysdna213sac")
		r.Header.Set("X-agent", "validator")
		r.Header.Set("X-client-id", identitytest.ClientID)
		if change != nil {
			change(r.Header)
		}
		return r
	}
	if ok, errs := v.ValidateHttpRequest(build()); !ok {
		for _, err := range errs {
			request = append(request, err.Message+": "+err.Reason)
		}
	}
	resp, err := http.DefaultClient.Do(build())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(read))
	if ok, errs := v.ValidateHttpResponse(build(), resp); !ok {
		for _, err := range errs {
			response = append(response, err.Message+": "+err.Reason)
			for _, s := range err.SchemaValidationErrors {
				response = append(response, s.Reason)
			}
		}
	}
	return resp.StatusCode, request, response
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	v := open(t, httpadapter.OpenAPI(""))
	f := identitytest.New(t)
	f.User("12345678901", "violet-Harbor-93")
	h, err := httpadapter.New(f.Service, httpadapter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	const send, reset = "/api/v2/sdk/sms/send", "/api/v2/sdk/pwd/update-by-mobile"
	code := func() string { return f.Code("+8612345678901") }
	resetWith := func(code, password string) string {
		return fmt.Sprintf(`{"mobile":"12345678901","verify_code":"%s","password":"%s"}`, code, password)
	}
	steps := []struct {
		name, method, path string
		body               func() string
		change             func(http.Header)
		status             int
		asDocumented       bool // whether the request is
	}{
		{"countries", "GET", "/api/v2/sdk/country-codes", nil, nil, 200, true},
		{"date", "GET", "/api/v2/sdk/server-date", nil, nil, 200, true},
		{"no client", "GET", "/api/v2/sdk/server-date", nil, func(h http.Header) { h.Del("X-client-id") }, 400, false},
		{"send", "POST", send, func() string { return `{"mobile":"12345678901","type":"FORGET_PWD_SMS","captcha_token":null}` }, nil, 200, true},
		{"send again", "POST", send, func() string { return `{"mobile":"12345678901","type":"FORGET_PWD_SMS"}` }, nil, 429, true},
		{"unknown type", "POST", send, func() string { return `{"mobile":"12345678901","type":"OTHER"}` }, nil, 400, false},
		{"field missing", "POST", send, func() string { return `{"mobile":"12345678901"}` }, nil, 400, false},
		{"field of another type", "POST", send, func() string { return `{"mobile":1,"type":"FORGET_PWD_SMS"}` }, nil, 400, false},
		{"wrong code", "POST", reset, func() string { return resetWith("abcdef", "marble-Lantern-58") }, nil, 400, true},
		{"weak password", "POST", reset, func() string { return resetWith("123456", "password1") }, nil, 400, true},
		{"another content type", "POST", reset, func() string { return "a=b" }, func(h http.Header) { h.Set("Content-Type", "application/x-www-form-urlencoded") }, 415, false},
		{"too large", "POST", reset, func() string { return resetWith("123456", strings.Repeat("x", 40_000)) }, nil, 413, true},
		{"reset", "POST", reset, func() string { return resetWith(code(), "marble-Lantern-58") }, nil, 200, true},
	}
	for _, s := range steps {
		body := ""
		if s.body != nil {
			body = s.body()
		}
		status, request, response := exchange(t, v, s.method, server.URL+s.path, body, s.change)
		if status != s.status {
			t.Errorf("%s: answered %d, want %d", s.name, status, s.status)
		}
		if len(response) > 0 {
			t.Errorf("%s: the answer is not as documented: %q", s.name, response)
		}
		if documented := len(request) == 0; documented != s.asDocumented {
			t.Errorf("%s: the request is as documented: %t, %q", s.name, documented, request)
		}
	}
}

// The document describes the CAPTCHA routes if they are mounted.
func TestCaptchaRoutes(t *testing.T) {
	t.Parallel()
	store := memory.New()
	secret := identity.NewSecret(strings.Repeat("s", 32))
	work, err := altcha.New(altcha.Config{Secret: secret, Counter: store})
	if err != nil {
		t.Fatal(err)
	}
	puzzles, err := puzzle.New(puzzle.Config{Secret: secret, Counter: store})
	if err != nil {
		t.Fatal(err)
	}
	f := identitytest.New(t, func(c *identity.Config) { c.Store, c.Captcha = store, work })
	routes, err := captcha.Routes(captcha.Config{Service: f.Service, Puzzles: puzzles, Altcha: work, Counter: store})
	if err != nil {
		t.Fatal(err)
	}
	h, err := httpadapter.New(f.Service, httpadapter.Options{Routes: routes})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	document := httpadapter.OpenAPI("", routes...)
	v := open(t, document)
	if ok, errs := v.ValidateDocument(); !ok {
		for _, err := range errs {
			t.Errorf("%s: %s", err.Message, err.Reason)
		}
	}
	for _, s := range []struct {
		name, method, path, body string
		status                   int
		asDocumented             bool
	}{
		{"puzzle", "GET", captcha.PathPuzzle, "", 200, true},
		{"answer as text", "POST", captcha.PathVerify, `{"point_json":"{\"x\":1,\"y\":5.0}","token":"t","sender":"12345678901"}`, 400, true},
		{"answer as object", "POST", captcha.PathVerify, `{"point_json":{"x":1,"y":5.0},"token":"t","sender":"12345678901"}`, 400, true},
		{"no sender", "POST", captcha.PathVerify, `{"point_json":{"x":1,"y":5.0},"token":"t"}`, 400, false},
		{"challenge", "POST", captcha.PathChallenge, `{"mobile":"12345678901","type":"FORGET_PWD_SMS"}`, 200, true},
		{"no type", "POST", captcha.PathChallenge, `{"mobile":"12345678901"}`, 400, false},
	} {
		status, request, response := exchange(t, v, s.method, server.URL+s.path, s.body, nil)
		if status != s.status || len(response) > 0 || (len(request) == 0) != s.asDocumented {
			t.Errorf("%s: answered %d, request %q, answer %q", s.name, status, request, response)
		}
	}
}

// TestAnswersAreJudged checks that an answer which the document does not list is found.
func TestAnswersAreJudged(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		httpadapter.WriteError(w, httptest.NewRequest("GET", "/", nil), identity.ErrCodeRefused)
	}))
	t.Cleanup(server.Close)
	_, _, response := exchange(t, open(t, httpadapter.OpenAPI("")), "GET", server.URL+"/api/v2/sdk/server-date", "", nil)
	if len(response) == 0 {
		t.Error("the error_code of another route is as documented")
	}
}
