package management

import (
	_ "embed"
	"slices"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI returns the description of the management API as an OpenAPI 3.1 document in
// JSON. The handler serves it at /openapi.json, without a token: it is no secret.
func OpenAPI() []byte { return slices.Clone(openAPI) }
