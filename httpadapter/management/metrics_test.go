package management_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter/management"
)

// TestMetrics: the metrics handler is called only for a token with the scope for
// metrics.
func TestMetrics(t *testing.T) {
	t.Parallel()
	asked := 0
	secret, reader := newToken(t, "prometheus", management.ScopeReadMetrics)
	other, backend := newToken(t, "backend", management.ScopeReadUsers)
	a := newAPI(t, management.Config{
		Tokens: management.Tokens{reader, backend},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			w.WriteHeader(http.StatusAccepted) // to see which status is logged
			_, _ = io.WriteString(w, "rekey_hash_waiting 0\n")
		}),
	})
	do(t, a.url, "", "GET", "/metrics", "").want(t, 401, "unauthorized")
	do(t, a.url, other, "GET", "/metrics", "").want(t, 403, "forbidden")
	do(t, a.url, secret, "POST", "/metrics", "").want(t, 405, "method_not_allowed")
	if asked != 0 {
		t.Errorf("asked %d times without the scope", asked)
	}
	if got := do(t, a.url, secret, "HEAD", "/metrics", ""); got.status != http.StatusAccepted || got.body != "" {
		t.Errorf("answered %d %q", got.status, got.body)
	}
	if asked != 1 || !strings.Contains(a.log.String(), `"route":"/metrics","token":"prometheus","status":202`) {
		t.Errorf("asked %d times, log %s", asked, a.log)
	}
}

// TestMetricsText: the caller gets the text that the handler writes.
func TestMetricsText(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "rekey_hash_waiting 0\n")
	})})
	if got := a.do("GET", "/metrics", "").want(t, 200, ""); got.body != "rekey_hash_waiting 0\n" {
		t.Errorf("answered %q", got.body)
	}
	newAPI(t, management.Config{}).do("GET", "/metrics", "").want(t, 501, "not_supported")
	broken := newAPI(t, management.Config{Metrics: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("broken") })})
	if got := do(t, broken.url, broken.token, "HEAD", "/metrics", ""); got.status != 500 {
		t.Errorf("a handler that panics: answered %d", got.status)
	}
}
