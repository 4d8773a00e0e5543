package captcha_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/captcha"
	"github.com/seed-16109ab2/rekey/httpadapter/internal/openapitest"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// made holds the answers that the tests of this package have seen.
var made openapitest.Answers

// served holds the routes whose document is compared.
var served struct {
	sync.Mutex
	routes []httpadapter.Route
}

func produced(path string, a answer) { made.Add(path, a.status, a.code()) }

func TestMain(m *testing.M) {
	// "Puzzles busy drawing" takes a second of more requests than processors. Package
	// puzzle tests it.
	made.Add(captcha.PathPuzzle, http.StatusServiceUnavailable, "SDK.COMMON.1008")
	documents := func() map[string]bool { return documented(served.routes) }
	openapitest.Main(m, &made, documents, func(answer string) bool { return strings.HasPrefix(answer, captcha.PathPuzzle) })
}

// documented reads path, status and error_code of the three routes out of the
// document that a server with them serves.
func documented(routes []httpadapter.Route) map[string]bool {
	type response struct {
		Ref     string `json:"$ref"`
		Content map[string]struct {
			Schema struct {
				AllOf []struct {
					Properties struct {
						Code struct{ Enum []string } `json:"error_code"`
					}
				}
			}
		}
	}
	var doc struct {
		Paths      map[string]map[string]struct{ Responses map[string]response }
		Components struct{ Responses map[string]response }
	}
	if err := json.Unmarshal(httpadapter.OpenAPI("", routes...), &doc); err != nil {
		panic(err)
	}
	answers := map[string]bool{}
	for path, operations := range doc.Paths {
		for _, operation := range operations {
			for status, r := range operation.Responses {
				if r.Ref != "" {
					r = doc.Components.Responses[r.Ref[strings.LastIndexByte(r.Ref, '/')+1:]]
				}
				codes := []string{""}
				if all := r.Content["application/json;charset=utf8"].Schema.AllOf; len(all) > 1 {
					codes = all[1].Properties.Code.Enum
				}
				for _, code := range codes {
					if strings.HasPrefix(path, captcha.PathPuzzle) {
						answers[path+" "+status+" "+code] = true
					}
				}
			}
		}
	}
	return answers
}

// The answers of the whole document are compared.
func TestDocumentIsRead(t *testing.T) {
	t.Parallel()
	all := documented(deploy(t, false).routes)
	if len(all) < 40 || !all[captcha.PathChallenge+" 429 SDK.COMMON.1008"] || !all[captcha.PathVerify+" 200 "] {
		t.Fatalf("documented: %v", all)
	}
}

// failing is a store whose clients can be made to disappear.
type failing struct {
	*memory.Store
	down atomic.Bool
}

func (f *failing) ClientByID(ctx context.Context, id string) (identity.Client, error) {
	if f.down.Load() {
		return identity.Client{}, errors.New("storage: secret detail")
	}
	return f.Store.ClientByID(ctx, id)
}

// What all three routes refuse.
func TestCommonRefusals(t *testing.T) {
	t.Parallel()
	d := deploy(t, false, func(c *captcha.Config) { c.PerAddress = []limit.Rate{{Limit: 100, Per: time.Hour}} })
	for id, c := range map[string]identity.Client{"off": {Disabled: true}, "many": {MultiTenant: true}} {
		c.ID = id
		if err := d.RegisterClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range routes {
		d.want(r.path+" of a disabled client", d.ask(r.method, r.path, r.body, set("X-client-id", "off")), 400, "APP.0003")
		d.want(r.path+" without a tenant", d.ask(r.method, r.path, r.body, set("X-client-id", "many")), 400, "SDK.COMMON.1001")
		d.want(r.path+" with a control character", d.ask(r.method, r.path, r.body, set("X-device-fingerprint", "a\tb")), 400, "SDK.COMMON.1002")
		if r.method == http.MethodPost {
			d.want(r.path+" with text", d.ask(r.method, r.path, r.body, set("Content-Type", "text/plain")), 415, "SDK.COMMON.1002")
			d.want(r.path+" with a large body", d.ask(r.method, r.path, `{"token":"`+strings.Repeat("x", 40<<10)+`"}`), 413, "SDK.COMMON.1002")
			d.want(r.path+" with a number", d.ask(r.method, r.path, `{"mobile":1,"type":"FORGET_PWD_SMS","token":1,"sender":"1","point_json":"{}"}`), 400, "SDK.COMMON.1007")
		}
	}
	d.store.down.Store(true)
	for _, r := range routes {
		a := d.ask(r.method, r.path, r.body)
		d.want(r.path+" without storage", a, 500, "SDK.COMMON.1008")
		if strings.Contains(a.body, "detail") {
			t.Errorf("%s: %s", r.path, a.body)
		}
	}
}

// routes are the three routes, each with a request that it accepts.
var routes = []struct{ method, path, body string }{
	{http.MethodGet, captcha.PathPuzzle, ""},
	{http.MethodPost, captcha.PathVerify, verifyBody(`{"x":1,"y":5.0}`, "t", owner)},
	{http.MethodPost, captcha.PathChallenge, `{"mobile":"12345678901","type":"FORGET_PWD_SMS"}`},
}
