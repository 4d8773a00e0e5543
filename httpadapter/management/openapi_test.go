package management_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/openapitest"
	"github.com/seed-16109ab2/rekey/httpadapter/management"
	"github.com/seed-16109ab2/rekey/identity"
)

// made holds the answers that the tests of this package have seen, by method, pattern,
// status and code. The document must list exactly these.
var made openapitest.Answers

// take records an answer.
func take(t testing.TB, method, path string, a answer) {
	if strings.HasPrefix(t.Name(), "TestAttack") || a.status == http.StatusMethodNotAllowed || a.code() == "no_such_route" || method == http.MethodHead {
		return // the document describes these in words
	}
	for _, call := range management.Calls() {
		before, after, has := strings.Cut(call[1], "{id}")
		fits := path == call[1] || has && strings.HasPrefix(path, before) && strings.HasSuffix(path, after) &&
			!strings.Contains(strings.TrimSuffix(strings.TrimPrefix(path, before), after), "/") && !slices.Contains([]string{"/v1/users/find", "/v1/users/report"}, path)
		if fits && call[0] == method {
			made.Add(method, call[1], a.status, a.code())
		}
	}
}

func TestMain(m *testing.M) {
	openapitest.Main(m, &made, documented, func(string) bool { return true })
}

func document() map[string]any {
	var doc map[string]any
	if err := json.Unmarshal(management.OpenAPI(), &doc); err != nil {
		panic(err)
	}
	return doc
}

// documented reads method, pattern, status and code from the document.
func documented() map[string]bool {
	doc := document()
	answers := make(map[string]bool)
	for path, operations := range at(doc, "paths") {
		for method, operation := range operations.(map[string]any) {
			for status, response := range at(operation.(map[string]any), "responses") {
				for _, code := range codes(doc, response.(map[string]any)) {
					answers[strings.ToUpper(method)+" "+path+" "+status+" "+code] = true
				}
			}
		}
	}
	return answers
}

func codes(doc, response map[string]any) (codes []string) {
	if ref, ok := response["$ref"].(string); ok {
		response = at(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	content := at(response, "content", "application/problem+json")
	if content == nil {
		return []string{""}
	}
	parts := at(content, "schema")["allOf"].([]any)
	for _, code := range at(parts[1].(map[string]any), "properties", "code")["enum"].([]any) {
		codes = append(codes, code.(string))
	}
	return codes
}

func at(m map[string]any, names ...string) map[string]any {
	for _, name := range names {
		m, _ = m[name].(map[string]any)
	}
	return m
}

func TestDocumentIsRead(t *testing.T) {
	t.Parallel()
	all := documented()
	const one = "POST /v1/passwords/check 422 wrong_credentials"
	if len(all) < 150 || !all[one] || !all["DELETE /v1/users/{id} 204 "] {
		t.Fatalf("documented: %v", all)
	}
}

// TestDocumentHasEveryCall: the document lists the same calls as the routes, and the
// scope of each.
func TestDocumentHasEveryCall(t *testing.T) {
	t.Parallel()
	documented := make(map[string]bool)
	for path, operations := range at(document(), "paths") {
		for method, operation := range operations.(map[string]any) {
			method = strings.ToUpper(method)
			documented[method+" "+path] = true
			scope := string(management.ScopeOf(method, path))
			text, _ := operation.(map[string]any)["description"].(string)
			if scope != "" && !strings.Contains(text, "Scope: "+scope+".") {
				t.Errorf("%s %s: %q does not name the scope %s", method, path, text, scope)
			}
		}
	}
	served := make(map[string]bool)
	for _, call := range management.Calls() {
		served[call[0]+" "+call[1]] = true
	}
	if !maps.Equal(documented, served) {
		t.Errorf("documented: %v\nserved: %v", slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(served)))
	}
}

// bodies holds a valid body for each call that takes one.
var bodies = map[string]string{
	"POST /v1/passwords/check":  `{"mobile":"12345678901","password":"x","address":"192.0.2.1"}`,
	"POST /v1/passwords/change": `{"user_id":"u","password":"x","new_password":"y","address":"192.0.2.1"}`,
	"POST /v1/passwords/set":    `{"user_id":"u","password":"y"}`,
	"POST /v1/users":            `{"mobile":"12345678901","password":"x","verified":true}`,
	"POST /v1/users/find":       `{"mobile":"12345678901"}`,
	"PATCH /v1/users/{id}":      `{"disabled":true}`,
	"POST /v1/unlock":           `{"mobile":"12345678901"}`,
	"POST /v1/clients":          `{"id":"c"}`,
	"PATCH /v1/clients/{id}":    `{"disabled":true}`,
	"POST /v1/codes/send":       `{"client_id":"c","device":"d","address":"192.0.2.1","mobile":"12345678901","purpose":"LOGIN_SMS"}`,
	"POST /v1/codes/redeem":     `{"client_id":"c","device":"d","address":"192.0.2.1","mobile":"12345678901","purpose":"LOGIN_SMS","code":"123456"}`,
}

// errs maps each code of the document that comes from the service to the service's
// error.
var errs = map[string]error{
	"wrong_credentials": identity.ErrWrongCredentials, "code_refused": identity.ErrCodeRefused, "invalid_mobile": identity.ErrInvalidMobile,
	"client_not_found": identity.ErrClientNotFound, "client_disabled": identity.ErrClientDisabled, "tenant_missing": identity.ErrTenantMissing,
	"unknown_purpose": identity.ErrUnknownPurpose, "captcha_missing": identity.ErrCaptchaMissing, "captcha_wrong": identity.ErrCaptchaWrong,
	"captcha_expired": identity.ErrCaptchaExpired, "already_exists": identity.ErrAlreadyExists, "conflict": identity.ErrConflict, "not_found": identity.ErrNotFound,
	"password_length":   &identity.PasswordError{Fault: identity.PasswordLength, Min: 8, Max: 256},
	"password_contains": &identity.PasswordError{Fault: identity.PasswordContains}, "password_reused": &identity.PasswordError{Fault: identity.PasswordReused},
	"password_weak": &identity.PasswordError{Fault: identity.PasswordWeak}, "too_many_requests": &identity.RateLimitedError{RetryAfter: 1500 * time.Millisecond},
	"busy": &identity.BusyError{RetryAfter: time.Millisecond}, "failure": errors.New("the disk is on fire: secret detail"),
	"not_supported": identity.ErrUnsupported,
}

// TestEveryDocumentedRefusal makes each call fail for each documented reason.
func TestEveryDocumentedRefusal(t *testing.T) {
	t.Parallel()
	secret, token := newToken(t, "all", management.ScopeAll)
	weak, weakToken := newToken(t, "weak", management.ScopeMobiles)
	tokens := management.Tokens{token, weakToken}
	serve := func(err error) string {
		cfg := management.Config{Tokens: tokens}
		cfg.CheckUsers = func(context.Context) (any, error) { return nil, err }
		server := httptest.NewServer(management.NewWithService(always{err: err}, cfg))
		t.Cleanup(server.Close)
		return server.URL
	}
	servers := make(map[string]string)
	for code, err := range errs {
		servers[code] = serve(fmt.Errorf("wrapped: %w", err))
	}
	for one := range documented() {
		parts := strings.Split(one, " ")
		call, path, code := parts[0]+" "+parts[1], strings.ReplaceAll(parts[1], "{id}", "some%2Fid"), parts[3]
		body := bodies[call]
		var a answer
		switch code {
		case "", "hash_unreadable":
			continue
		case "invalid_request":
			a = do(t, servers["failure"], secret, parts[0], path+"?surprise=1", body)
		case "unauthorized":
			a = do(t, servers["failure"], "", parts[0], path, body)
			if a.header.Get("WWW-Authenticate") != `Bearer realm="rekey management"` {
				t.Errorf("%s: WWW-Authenticate is %q", one, a.header.Get("WWW-Authenticate"))
			}
		case "forbidden":
			a = do(t, servers["failure"], weak, parts[0], path, body)
			if !strings.Contains(a.header.Get("WWW-Authenticate"), `scope="`+string(management.ScopeOf(parts[0], parts[1]))+`"`) {
				t.Errorf("%s: WWW-Authenticate is %q", one, a.header.Get("WWW-Authenticate"))
			}
		case "too_large":
			a = do(t, servers["failure"], secret, parts[0], path, `{"mobile":"`+strings.Repeat("1", 20_000)+`"}`)
		case "unsupported_media_type":
			a = do(t, servers["failure"], secret, parts[0], path, body, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
		default:
			if servers[code] == "" {
				t.Fatalf("%s: no test for the code", one)
			}
			a = do(t, servers[code], secret, parts[0], path, body)
		}
		if fmt.Sprint(a.status) != parts[2] || a.code() != code {
			t.Errorf("%s: answered %d %s", one, a.status, a.body)
		}
		if strings.Contains(a.body, "secret detail") {
			t.Errorf("%s: the answer contains the cause of a failure: %s", one, a.body)
		}
		if retry := a.header.Get("Retry-After"); code == "too_many_requests" && retry != "2" || code == "busy" && retry != "1" {
			t.Errorf("%s: Retry-After is %q", one, retry)
		}
	}
}

func TestOpenAPIIsServed(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{})
	got := do(t, a.url, "", "GET", "/openapi.json", "").want(t, 200, "")
	if got.body != string(management.OpenAPI()) {
		t.Errorf("served %.100s", got.body)
	}
	do(t, a.url, "", "POST", "/openapi.json", "{}").want(t, 405, "method_not_allowed")
	management.OpenAPI()[0] = 'x'
	if management.OpenAPI()[0] != '{' {
		t.Error("a caller can change the document")
	}
}
