package management

import (
	"net/http"
	"time"
)

// Service is the interface that a fake implements.
type Service = service

// NewWithService is New for a fake.
func NewWithService(s Service, cfg Config) http.Handler { return newHandler(s, cfg) }

// SetClock sets the clock that ids are compared with.
func SetClock(h http.Handler, now func() time.Time) { h.(*handler).clock = now }

// Calls are the method and pattern of each route.
func Calls() (calls [][2]string) {
	for _, r := range (&handler{}).table() {
		calls = append(calls, [2]string{r.method, r.pattern})
	}
	return append(calls, [2]string{"GET", pathOpenAPI})
}

// ScopeOf returns the scope that a route needs.
func ScopeOf(method, pattern string) Scope {
	for _, r := range (&handler{}).table() {
		if r.method == method && r.pattern == pattern {
			return r.scope
		}
	}
	return ""
}
