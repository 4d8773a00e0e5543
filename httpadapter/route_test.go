package httpadapter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
)

const extraPath, extraGet = "/api/v2/sdk/extra", "/api/v2/sdk/extra/get"

// extra are two routes of an application; the result of the POST is given.
func extra(answer any, err error) []httpadapter.Route {
	return []httpadapter.Route{
		{Method: http.MethodGet, Path: extraGet, Call: func(_ context.Context, c identity.Caller, values []string) (any, error) {
			return map[string]any{"device": c.Device, "values": values}, nil
		}},
		{
			Method: http.MethodPost, Path: extraPath, Fields: []httpadapter.Field{{Name: "a"}, {Name: "b", Object: true}},
			Call: func(_ context.Context, _ identity.Caller, values []string) (any, error) {
				if answer == "values" {
					return values, err
				}
				return answer, err
			},
		},
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	s := serve(t, handler(t, &fake{}, httpadapter.Options{Prefix: "/auth", Routes: extra("values", nil)}))
	a := do(t, http.MethodGet, s.URL+"/auth"+extraGet, headers(), nil)
	if a.status != 200 || a.body != `{"device":"156aysdna213sac","values":null}` {
		t.Errorf("GET: %d %s", a.status, a.body)
	}
	guarded(t, a)
	for body, want := range map[string]string{
		`{"a":"1","b":"2"}`: `["1","2"]`, `{"a":"1","b":{"x": [1, "<"]}}`: `["1","{\"x\": [1, \"<\"]}"]`, `{"b":"{}","a":"1","c":{}}`: `["1","{}"]`,
	} {
		if a := post(t, s, "/auth"+extraPath, body); a.status != 200 || a.body != want {
			t.Errorf("%s: %d %s, want %s", body, a.status, a.body, want)
		}
	}
	for body, want := range map[string]string{
		`{"a":"1"}`: "1001 b", `{"b":{}}`: "1001 a", `{"a":{},"b":{}}`: "1007 a", `{"a":"1","b":[]}`: "1007 b", `{"a":"1","b":1}`: "1007 b",
		`{"a":"1","b":{},"b":{}}`: "1002 b", `{"a":"1\n","b":{}}`: "1002 a", `{"a":"1","b":{"x":"\ud800"}}`: "1002 b", `{"a":"1","b":{"x":}}`: "1002 body", ``: "1002 body",
	} {
		code, about, _ := strings.Cut(want, " ")
		if a := post(t, s, "/auth"+extraPath, body); a.status != 400 || !strings.Contains(a.body, "SDK.COMMON."+code) || !strings.Contains(a.body, " "+about+" parameter") && !strings.Contains(a.body, "Parameter "+about+" ") {
			t.Errorf("%s: %d %s, want %s", body, a.status, a.body, want)
		}
	}
	for _, r := range []struct{ method, path, allow string }{{http.MethodPost, extraGet, "GET, HEAD"}, {http.MethodGet, extraPath, "POST"}} {
		if a := do(t, r.method, s.URL+"/auth"+r.path, headers(), nil); a.status != 405 || a.header.Get("Allow") != r.allow {
			t.Errorf("%s %s: %d, Allow %q", r.method, r.path, a.status, a.header.Get("Allow"))
		}
	}
	if a := do(t, http.MethodGet, s.URL+extraGet, headers(), nil); a.status != 404 {
		t.Errorf("without the prefix: %d", a.status)
	}
}

// An error of a route's Call is answered as the service's errors are.
func TestRouteErrors(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"400 SDK.COMMON.1002": fmt.Errorf("wrapped: %w", &httpadapter.MalformedError{Parameter: "b"}),
		"400 CAPTCHA.0002":    fmt.Errorf("wrapped: %w", identity.ErrCaptchaWrong),
		"400 CAPTCHA.0003":    identity.ErrCaptchaExpired,
		"429 SDK.COMMON.1008": &identity.RateLimitedError{RetryAfter: time.Second},
		"503 SDK.COMMON.1008": &identity.BusyError{RetryAfter: time.Second},
		"500 SDK.COMMON.1008": errors.New("storage: secret detail"),
	} {
		s := serve(t, handler(t, &fake{}, httpadapter.Options{Routes: extra(nil, err)}))
		a := post(t, s, extraPath, `{"a":"1","b":"2"}`)
		if got := fmt.Sprint(a.status); !strings.HasPrefix(want, got) || !strings.Contains(a.body, want[4:]) || strings.Contains(a.body, "detail") {
			t.Errorf("%v: %d %s, want %s", err, a.status, a.body, want)
		}
	}
	s := serve(t, handler(t, &fake{}, httpadapter.Options{Routes: extra(nil, nil)}))
	accepted(t, post(t, s, extraPath, `{"a":"1","b":"2"}`))
}

func TestRouteFaults(t *testing.T) {
	t.Parallel()
	call := func(context.Context, identity.Caller, []string) (any, error) { return nil, nil }
	for want, r := range map[string]httpadapter.Route{
		"method": {Method: http.MethodPut, Path: extraPath, Call: call},
		"fields": {Method: http.MethodGet, Path: extraPath, Call: call, Fields: []httpadapter.Field{{Name: "a"}}},
		"Call":   {Method: http.MethodGet, Path: extraPath},
		"path":   {Method: http.MethodGet, Path: "extra/", Call: call},
		"exists": {Method: http.MethodPost, Path: sendPath, Call: call},
		"Operation of /api/v2/sdk/extra is not a JSON object": {Method: http.MethodPost, Path: "/api/v2/sdk/extra", Call: call, Operation: json.RawMessage(`["responses"]`)},
	} {
		if _, err := httpadapter.NewWithService(&fake{}, httpadapter.Options{Routes: []httpadapter.Route{r}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
