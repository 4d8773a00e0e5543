package server

import (
	"context"
	"io"
	"net/http"
	"time"
)

// readyWithin is how long the database may take to answer.
const readyWithin = 2 * time.Second

// withHealth answers GET /healthz and GET /readyz before the other routes.
//
// /healthz is 200 as long as the process lives: a server that is restarted because
// its database is away comes back to the same database. /readyz is 200 if the
// server can serve, otherwise 503: a balancer then asks another server.
func withHealth(ready func(context.Context) error, next http.Handler) http.Handler {
	answer := func(w http.ResponseWriter, status int, text string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case asked && r.URL.Path == "/healthz":
			answer(w, http.StatusOK, "ok\n")
		case asked && r.URL.Path == "/readyz":
			ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
			defer cancel()
			if err := ready(ctx); err != nil {
				answer(w, http.StatusServiceUnavailable, "not ready\n")
				return
			}
			answer(w, http.StatusOK, "ok\n")
		default:
			next.ServeHTTP(w, r)
		}
	})
}
