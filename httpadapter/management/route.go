package management

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const pathOpenAPI = "/openapi.json"

// route is one call of the API.
type route struct {
	method  string
	pattern string // {id} stands for one segment
	scope   Scope
	query   []string // parameters
	empty   bool     // a POST without a body
	do      func(*call) (reply, error)
}

func (r *route) hasBody() bool {
	return (r.method == http.MethodPost || r.method == http.MethodPatch) && !r.empty
}

func (h *handler) table() []route {
	page := []string{"after", "limit"}
	tenant := []string{"tenant"}
	return []route{
		{method: "POST", pattern: "/v1/passwords/check", scope: ScopeCheckPasswords, do: checkPassword},
		{method: "POST", pattern: "/v1/passwords/change", scope: ScopeChangePassword, do: changePassword},
		{method: "POST", pattern: "/v1/passwords/set", scope: ScopeSetPasswords, do: setPassword},
		{method: "POST", pattern: "/v1/users", scope: ScopeWriteUsers, do: createUser},
		{method: "GET", pattern: "/v1/users", scope: ScopeReadUsers, query: append(slices.Clone(page), "tenant"), do: listUsers},
		{method: "POST", pattern: "/v1/users/find", scope: ScopeReadUsers, do: findUser},
		{method: "GET", pattern: "/v1/users/report", scope: ScopeReadUsers, do: reportUsers},
		{method: "GET", pattern: "/v1/users/{id}", scope: ScopeReadUsers, query: tenant, do: readUser},
		{method: "PATCH", pattern: "/v1/users/{id}", scope: ScopeWriteUsers, query: tenant, do: updateUser},
		{method: "DELETE", pattern: "/v1/users/{id}", scope: ScopeEraseUsers, query: tenant, do: eraseUser},
		{method: "POST", pattern: "/v1/users/{id}/unlock", scope: ScopeWriteUsers, query: tenant, empty: true, do: unlockUser},
		{method: "POST", pattern: "/v1/unlock", scope: ScopeWriteUsers, do: unlockNumber},
		{method: "POST", pattern: "/v1/clients", scope: ScopeWriteClients, do: createClient},
		{method: "GET", pattern: "/v1/clients", scope: ScopeReadClients, query: page, do: listClients},
		{method: "GET", pattern: "/v1/clients/{id}", scope: ScopeReadClients, do: readClient},
		{method: "PATCH", pattern: "/v1/clients/{id}", scope: ScopeWriteClients, do: updateClient},
		{method: "DELETE", pattern: "/v1/clients/{id}", scope: ScopeWriteClients, do: deleteClient},
		{method: "POST", pattern: "/v1/codes/send", scope: ScopeCodes, do: sendCode},
		{method: "POST", pattern: "/v1/codes/redeem", scope: ScopeCodes, do: redeemCode},
		{method: "GET", pattern: "/v1/events", scope: ScopeReadEvents, query: append(slices.Clone(page), "tenant", "user_id"), do: listEvents},
		{method: "GET", pattern: "/v1/messages", scope: ScopeReadMessages, query: page, do: listMessages},
		{method: "GET", pattern: "/metrics", scope: ScopeReadMetrics, do: readMetrics},
	}
}

// find returns the route of a path. A fixed path is found before one with an {id}, so a
// user whose id is "find" has no path and can only be found by number.
func (c *call) find() error {
	path := c.r.URL.EscapedPath()
	var allowed []string
	for i := range c.routes {
		route := &c.routes[i]
		id, ok := route.match(path)
		if !ok || len(allowed) > 0 && strings.Contains(route.pattern, "{id}") && c.fixed(path) {
			continue
		}
		if method := c.r.Method; method == route.method || method == http.MethodHead && route.method == http.MethodGet {
			if !plain(id) {
				return notFound("user or client")
			}
			c.route, c.id = route, id
			return nil
		}
		allowed = append(allowed, route.method)
		if route.method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	if len(allowed) > 0 {
		slices.Sort(allowed)
		return methodNotAllowed(strings.Join(slices.Compact(allowed), ", "))
	}
	return noRoute()
}

func (c *call) fixed(path string) bool {
	return slices.ContainsFunc(c.routes, func(r route) bool { return r.pattern == path })
}

// match compares an escaped path with the pattern. It does not clean the path: a path
// with dots or doubled slashes matches no route.
func (r *route) match(path string) (id string, ok bool) {
	before, after, has := strings.Cut(r.pattern, "{id}")
	if !has {
		return "", path == r.pattern
	}
	rest, ok := strings.CutPrefix(path, before)
	if !ok {
		return "", false
	}
	if rest, ok = strings.CutSuffix(rest, after); !ok || rest == "" || strings.Contains(rest, "/") {
		return "", false
	}
	id, err := url.PathUnescape(rest)
	return id, err == nil && id != ""
}

// plain reports whether a string is UTF-8 without control characters.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
