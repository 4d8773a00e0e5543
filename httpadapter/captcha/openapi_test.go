package captcha_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/captcha"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// made holds the answers that the tests of this package have seen. The document must
// list exactly these, except "puzzles busy drawing", which takes a second of more
// requests than processors, and which package puzzle tests.
var made = struct {
	sync.Mutex
	answers map[string]bool
	routes  []httpadapter.Route
}{answers: map[string]bool{captcha.PathPuzzle + " 503 SDK.COMMON.1008": true}}

func produced(path string, a answer) {
	made.Lock()
	defer made.Unlock()
	made.answers[fmt.Sprint(path, " ", a.status, " ", a.code())] = true
}

func TestMain(m *testing.M) {
	status := m.Run()
	whole := true // a run of only some tests produces only some answers
	for _, name := range []string{"test.run", "test.skip", "test.fuzz", "test.list"} {
		whole = whole && flag.Lookup(name).Value.String() == ""
	}
	if whole && status == 0 {
		for _, fault := range compare(documented(made.routes), made.answers) {
			fmt.Println("openapi.json:", fault)
			status = 1
		}
	}
	os.Exit(status)
}

func compare(documented, made map[string]bool) (faults []string) {
	for _, answer := range slices.Sorted(maps.Keys(documented)) {
		if !made[answer] {
			faults = append(faults, answer+" is documented, but no test produces it")
		}
	}
	for _, answer := range slices.Sorted(maps.Keys(made)) {
		if strings.HasPrefix(answer, captcha.PathPuzzle) && !documented[answer] {
			faults = append(faults, answer+" is produced, but not documented")
		}
	}
	return faults
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

// TestDocumentIsCompared: the comparison finds an answer that is missing on either
// side.
func TestDocumentIsCompared(t *testing.T) {
	t.Parallel()
	all := documented(deploy(t, false).routes)
	if len(all) < 40 || !all[captcha.PathChallenge+" 429 SDK.COMMON.1008"] || !all[captcha.PathVerify+" 200 "] {
		t.Fatalf("documented: %v", all)
	}
	less := maps.Clone(all)
	delete(less, captcha.PathVerify+" 400 CAPTCHA.0003")
	if got := compare(all, less); len(got) != 1 || !strings.Contains(got[0], "no test produces") {
		t.Errorf("not produced: %v", got)
	}
	if got := compare(less, all); len(got) != 1 || !strings.Contains(got[0], "not documented") {
		t.Errorf("not documented: %v", got)
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
