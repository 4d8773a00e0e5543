package captcha

import (
	_ "embed"
	"encoding/json"
)

// operations describes the routes for OpenAPI of package httpadapter.
//
//go:embed openapi.json
var operations []byte

func operation(name string) json.RawMessage {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(operations, &all); err != nil {
		panic(err) // the file is tested
	}
	return all[name]
}
