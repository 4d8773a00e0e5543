package openapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter/management"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

func TestManagementDocumentIsValid(t *testing.T) {
	t.Parallel()
	if ok, errs := open(t, management.OpenAPI()).ValidateDocument(); !ok {
		for _, err := range errs {
			t.Errorf("%s: %s", err.Message, err.Reason)
		}
	}
}

// TestManagementCalls has a validator check requests and answers of each call.
func TestManagementCalls(t *testing.T) {
	t.Parallel()
	v := open(t, management.OpenAPI())
	f := identitytest.New(t, func(c *identity.Config) { c.Purposes = []identity.Purpose{identity.PurposeLogin} })
	secret, token, err := management.NewToken("validator", management.ScopeAll)
	if err != nil {
		t.Fatal(err)
	}
	h, err := management.New(f.Service, management.Config{Tokens: management.Tokens{token}, Settle: -1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	caller := fmt.Sprintf(`"client_id":%q,"device":"phone","address":"192.0.2.1","mobile":"12345678901","purpose":"LOGIN_SMS"`, identitytest.ClientID)
	check := func(password string) string {
		return fmt.Sprintf(`{"mobile":"12345678901","password":%q,"address":"192.0.2.1"}`, password)
	}
	steps := []struct {
		method, path, body string
		status             int
		asDocumented       bool // whether the request is
	}{
		{"POST", "/v1/users", `{"id":"u1","mobile":"12345678901","password":"violet-Harbor-93","verified":true}`, 201, true},
		{"POST", "/v1/users", `{"id":"u1","mobile":"12345678901","password":"violet-Harbor-93","verified":true}`, 409, true},
		{"POST", "/v1/users", `{"mobile":"12345678901","password":"x","password_hash":"x","verified":true}`, 400, false},
		{"POST", "/v1/users", `{"mobile":"12345678901","password":"x"}`, 400, false},
		{"POST", "/v1/users", `{"mobile":"12345678902","password":"short","verified":true}`, 422, true},
		{"GET", "/v1/users?limit=10", "", 200, true},
		{"GET", "/v1/users?limit=0", "", 400, false},
		{"GET", "/v1/users/u1", "", 200, true},
		{"GET", "/v1/users/u2", "", 404, true},
		{"GET", "/v1/users/report", "", 501, true},
		{"POST", "/v1/users/find", `{"mobile":"12345678901"}`, 200, true},
		{"POST", "/v1/users/find", `{"mobile":"12345678901","other":1}`, 400, false},
		{"PATCH", "/v1/users/u1", `{"verified":true}`, 200, true},
		{"PATCH", "/v1/users/u1", `{}`, 400, false},
		{"POST", "/v1/users/u1/unlock", "", 204, true},
		{"POST", "/v1/unlock", `{"mobile":"12345678901"}`, 204, true},
		{"POST", "/v1/passwords/check", check("violet-Harbor-93"), 200, true},
		{"POST", "/v1/passwords/check", check("wrong"), 422, true},
		{"POST", "/v1/passwords/check", `{"user_id":"u1","mobile":"12345678901","password":"x","address":"192.0.2.1"}`, 400, false},
		{"POST", "/v1/passwords/change", `{"user_id":"u1","password":"violet-Harbor-93","new_password":"marble-Lantern-58","address":"192.0.2.1"}`, 204, true},
		{"POST", "/v1/passwords/set", `{"user_id":"u1","password":"x"}`, 422, true},
		{"POST", "/v1/clients", `{"id":"shop","multi_tenant":true,"tenants":["a"]}`, 201, true},
		{"GET", "/v1/clients", "", 200, true},
		{"GET", "/v1/clients/shop", "", 200, true},
		{"PATCH", "/v1/clients/shop", `{"disabled":true}`, 200, true},
		{"DELETE", "/v1/clients/shop", "", 204, true},
		{"POST", "/v1/codes/send", "{" + caller + "}", 204, true},
		{"POST", "/v1/codes/send", "{" + caller + "}", 429, true},
		{"POST", "/v1/codes/send", `{"client_id":"x"}`, 400, false},
		{"POST", "/v1/codes/redeem", "{" + caller + `,"code":"000000"}`, 422, true},
		{"GET", "/v1/events", "", 200, true},
		{"GET", "/v1/messages", "", 200, true},
		{"DELETE", "/v1/users/u1", "", 204, true},
		{"GET", "/openapi.json", "", 200, true},
	}
	for _, s := range steps {
		name := s.method + " " + s.path + " " + s.body
		status, request, response := exchange(t, v, s.method, server.URL+s.path, s.body, func(h http.Header) {
			for header := range h {
				if strings.HasPrefix(header, "X-") {
					h.Del(header)
				}
			}
			h.Set("Authorization", "Bearer "+secret.Reveal())
			if s.method == http.MethodPatch {
				h.Set("Content-Type", "application/json")
			}
			if s.body == "" {
				h.Del("Content-Type")
			}
		})
		if status != s.status {
			t.Errorf("%s: answered %d, want %d", name, status, s.status)
		}
		if len(response) > 0 {
			t.Errorf("%s: the answer is not as documented: %q", name, response)
		}
		if documented := len(request) == 0; documented != s.asDocumented {
			t.Errorf("%s: the request is as documented: %t, %q", name, documented, request)
		}
	}
}
