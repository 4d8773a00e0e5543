package httpadapter_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/internal/openapitest"
	"github.com/seed-16109ab2/rekey/identity"
)

// made holds the answers that the tests of this package have seen: route, status and
// error_code. The document must list exactly these.
var made openapitest.Answers

// produced records an answer of the handler.
func produced(t *testing.T, path string, a answer) {
	if strings.HasPrefix(t.Name(), "TestRefusalsAs400") || a.status == http.StatusNoContent || a.status == http.StatusNotFound {
		return // statuses that depend on an option, which the document describes in words; preflights; no route at all
	}
	var body struct {
		Code string `json:"error_code"`
	}
	if a.status != http.StatusOK && a.body != "" {
		if json.Unmarshal([]byte(a.body), &body) != nil {
			return // net/http itself answers
		}
	} else if a.status != http.StatusOK {
		return // to HEAD
	}
	made.Add(path, a.status, body.Code)
}

func TestMain(m *testing.M) {
	documents := func() map[string]bool { return documented(httpadapter.OpenAPI("")) }
	openapitest.Main(m, &made, documents, func(answer string) bool {
		path, _, _ := strings.Cut(answer, " ")
		return slices.Contains([]string{resetPath, sendPath, countriesPath, datePath}, path)
	})
}

// documented reads route, status and error_code from an OpenAPI document.
func documented(document []byte) map[string]bool {
	var doc map[string]any
	if err := json.Unmarshal(document, &doc); err != nil {
		panic(err)
	}
	answers := make(map[string]bool)
	for path, operations := range doc["paths"].(map[string]any) {
		for _, operation := range operations.(map[string]any) {
			for status, response := range operation.(map[string]any)["responses"].(map[string]any) {
				for _, code := range errorCodes(doc, response.(map[string]any)) {
					answers[path+" "+status+" "+code] = true
				}
			}
		}
	}
	return answers
}

func errorCodes(doc, response map[string]any) (codes []string) {
	if ref, ok := response["$ref"].(string); ok {
		response = at(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	content, ok := response["content"].(map[string]any)
	if !ok {
		return []string{""}
	}
	parts, ok := at(content, contentType, "schema")["allOf"].([]any)
	if !ok {
		return []string{""}
	}
	for _, code := range at(parts[1].(map[string]any), "properties", "error_code")["enum"].([]any) {
		codes = append(codes, code.(string))
	}
	return codes
}

func at(m map[string]any, names ...string) map[string]any {
	for _, name := range names {
		m = m[name].(map[string]any)
	}
	return m
}

// The answers of the whole document are compared.
func TestDocumentIsRead(t *testing.T) {
	t.Parallel()
	all := documented(httpadapter.OpenAPI(""))
	if len(all) < 45 || !all[resetPath+" 429 SDK.COMMON.1008"] || !all[sendPath+" 200 "] {
		t.Fatalf("documented: %v", all)
	}
}

// TestDocumentReferencesAreComplete: every reference has a target, and every component is
// referred to.
func TestDocumentReferencesAreComplete(t *testing.T) {
	t.Parallel()
	var doc map[string]any
	if err := json.Unmarshal(httpadapter.OpenAPI(""), &doc); err != nil {
		t.Fatal(err)
	}
	referred := make(map[string]bool)
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				referred[ref] = true
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(doc)
	present := make(map[string]bool)
	for kind, components := range at(doc, "components") {
		for name := range components.(map[string]any) {
			present["#/components/"+kind+"/"+name] = true
		}
	}
	if !maps.Equal(referred, present) {
		t.Errorf("referred to: %v\nthere: %v", slices.Sorted(maps.Keys(referred)), slices.Sorted(maps.Keys(present)))
	}
	if doc["openapi"] != "3.1.0" {
		t.Errorf("version %v", doc["openapi"])
	}
}

// A route that describes itself is listed beside the documented routes. A route that
// does not is left out.
func TestOpenAPIListsRoutes(t *testing.T) {
	t.Parallel()
	call := func(context.Context, identity.Caller, []string) (any, error) { return nil, nil }
	routes := []httpadapter.Route{
		{Method: http.MethodGet, Path: "/api/v2/sdk/extra", Call: call, Operation: json.RawMessage(`{"operationId":"extra","responses":{"200":{"description":"\"url\": \"/\""}}}`)},
		{Method: http.MethodPost, Path: "/api/v2/sdk/hidden", Call: call},
		{Method: http.MethodPost, Path: "/api/v2/sdk/more", Call: call, Operation: json.RawMessage(`{"operationId":"more"}`)},
	}
	s := serve(t, handler(t, &fake{}, httpadapter.Options{Prefix: "/auth", ServeOpenAPI: true, Routes: routes}))
	a := do(t, http.MethodGet, s.URL+"/auth/openapi.json", make(http.Header), nil)
	var doc struct {
		Servers []struct{ URL string }
		Paths   map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
		t.Fatal(err)
	}
	if a.body != string(httpadapter.OpenAPI("/auth", routes...)) || len(doc.Paths) != 6 || doc.Servers[0].URL != "/auth" ||
		doc.Paths["/api/v2/sdk/extra"]["get"].OperationID != "extra" || doc.Paths["/api/v2/sdk/more"]["post"].OperationID != "more" {
		t.Errorf("the document is\n%s", a.body)
	}
}

func TestOpenAPIIsServed(t *testing.T) {
	t.Parallel()
	s := serve(t, handler(t, &fake{}, httpadapter.Options{Prefix: "/auth", ServeOpenAPI: true}))
	a := do(t, http.MethodGet, s.URL+"/auth/openapi.json", make(http.Header), nil)
	if a.status != http.StatusOK || a.body != string(httpadapter.OpenAPI("/auth")) || !strings.Contains(a.body, `"url": "/auth"`) {
		t.Errorf("answered %d %.200s", a.status, a.body)
	}
	guarded(t, a)
	a = post(t, s, "/auth/openapi.json", "{}")
	refusedWith(t, a, 405, "SDK.COMMON.1002", "The method parameter format is incorrect.")
	if a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow is %q", a.header.Get("Allow"))
	}
	off := serve(t, handler(t, &fake{}, httpadapter.Options{}))
	refusedWith(t, do(t, http.MethodGet, off.URL+"/openapi.json", headers(), nil), 404, "SDK.COMMON.1002", "The path parameter format is incorrect.")
	httpadapter.OpenAPI("")[0] = 'x'
	if httpadapter.OpenAPI("")[0] != '{' {
		t.Error("a caller can change the document")
	}
}
