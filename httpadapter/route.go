package httpadapter

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
)

// Route is a route that the handler serves in addition to the documented ones, under the
// same rules: documented headers, order of checks, form of refusals, and records in the
// log. Package httpadapter/captcha makes such routes; see [Options.Routes].
type Route struct {
	// Method is GET, which serves HEAD too, or POST, which needs a JSON object as its body.
	Method string
	// Path comes after [Options.Prefix], such as "/api/v2/sdk/captcha".
	Path string
	// Fields are the fields of a POST's body that Call needs. All are mandatory.
	Fields []Field
	// Call handles a request. It gets the values of Fields, in their order. Its result is
	// encoded as JSON; nil is an answer of zero bytes. An error of package identity is
	// answered as on the documented routes, a [*MalformedError] with 400 and the name of
	// the parameter, and any other error as a failure of the server. Call must be safe for
	// concurrent use.
	Call func(ctx context.Context, c identity.Caller, values []string) (any, error)
	// Operation describes the route in [OpenAPI]: an operation of OpenAPI 3.1 as a JSON
	// object, which may refer to the components of the document. If nil, the document
	// does not list the route.
	Operation json.RawMessage
}

// Field is a field of a request's body: a string without control characters.
type Field struct {
	Name string
	// Object accepts a JSON object too; the value is then the object's text. Call must
	// check the text in both cases.
	Object bool
}

// MalformedError is a [Route]'s refusal of a parameter that has the wrong form.
type MalformedError struct {
	Parameter string // the name of a field or header
}

func (e *MalformedError) Error() string {
	return "httpadapter: malformed parameter " + e.Parameter
}

// check returns what is wrong with a route of [Options].
func (r Route) check() error {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return optionFault("Options", "Routes: method %q of %s, must be GET or POST", r.Method, r.Path)
	case r.Method == http.MethodGet && len(r.Fields) > 0:
		return optionFault("Options", "Routes: %s has fields, a GET has no body", r.Path)
	case r.Call == nil:
		return optionFault("Options", "Routes: %s has no Call", r.Path)
	case r.Operation != nil && !isObject(r.Operation):
		return optionFault("Options", "Routes: Operation of %s is not a JSON object", r.Path)
	case r.Path == "" || !validPrefix(r.Path):
		return optionFault("Options", "Routes: path %q, must be like \"/api/v2/sdk/captcha\"", r.Path)
	}
	return nil
}

// route converts it to a route of the handler.
func (r Route) route() route {
	fields := make([]field, len(r.Fields))
	for i, f := range r.Fields {
		fields[i] = field{name: strings.Clone(f.Name), plain: true, object: f.Object}
	}
	methods := methodsPost
	if r.Method == http.MethodGet {
		methods = methodsGet
	}
	return route{r.Path, methods, func(ctx context.Context, c identity.Caller, body []byte) ([]byte, *refusal) {
		var values []string
		if methods == methodsPost {
			var refused *refusal
			if values, refused = decodeFields(body, fields); refused != nil {
				return nil, refused
			}
		}
		answer, err := r.Call(ctx, c, values)
		if err != nil {
			return nil, refuse(err)
		}
		if answer == nil {
			return nil, nil
		}
		return encode(answer), nil
	}}
}
