package httpadapter

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI returns the description of the documented routes and of the given routes, as an
// OpenAPI 3.1 document in JSON. The prefix is that of [Options]; it becomes the path of
// the document's server. A route without an Operation is left out. OpenAPI panics if an
// Operation is not a JSON object.
func OpenAPI(prefix string, routes ...Route) []byte {
	document := slices.Clone(openAPI)
	for _, r := range routes {
		if r.Operation != nil {
			document = addOperation(document, r)
		}
	}
	if prefix == "" {
		return document
	}
	return bytes.Replace(document, []byte(`"url": "/"`), []byte(`"url": `+strconv.Quote(prefix)), 1)
}

// addOperation inserts a route before the others, and leaves the rest of the document
// unchanged.
func addOperation(document []byte, r Route) []byte {
	if !isObject(r.Operation) {
		panic("httpadapter: OpenAPI: Operation of " + r.Path + " is not a JSON object")
	}
	method := strings.ToLower(r.Method)
	if method == "" {
		method = strings.ToLower(http.MethodGet)
	}
	var operation bytes.Buffer
	_ = json.Indent(&operation, r.Operation, "      ", "  ") // it is JSON
	const paths = "\"paths\": {\n"
	added := paths + "    " + strconv.Quote(r.Path) + ": {\n      " + strconv.Quote(method) + ": " + operation.String() + "\n    },\n"
	return bytes.Replace(document, []byte(paths), []byte(added), 1)
}

func isObject(text json.RawMessage) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal(text, &object) == nil && object != nil
}
