package httpadapter

import (
	"bytes"
	_ "embed"
	"slices"
	"strconv"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI returns the description of the documented routes as an OpenAPI 3.1
// document in JSON. The prefix is that of [Options]; with it the document's
// server is that path on the host that serves it.
func OpenAPI(prefix string) []byte {
	if prefix == "" {
		return slices.Clone(openAPI)
	}
	return bytes.Replace(openAPI, []byte(`"url": "/"`), []byte(`"url": `+strconv.Quote(prefix)), 1)
}
