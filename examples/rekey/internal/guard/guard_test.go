package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/guard"
	"github.com/seed-16109ab2/rekey/identity"
)

func open(t *testing.T, h http.HandlerFunc, change ...func(*guard.Config)) *guard.Guard {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	cfg := guard.Config{URL: server.URL + "/ask?token=in-the-url"}
	for _, f := range change {
		f(&cfg)
	}
	g, err := guard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var request = identity.GuardRequest{
	User: identity.User{ID: "user-1", Tenant: "north", Mobile: "+8613800138000"}, Purpose: identity.PurposeForgotPassword,
	Caller: identity.Caller{ClientID: "app", Address: netip.MustParseAddr("192.0.2.1"), Device: "device"},
}

func TestQuestion(t *testing.T) {
	t.Parallel()
	var asked []map[string]any
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		var q map[string]any
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		asked = append(asked, q)
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "Bearer s3cret" {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		_, _ = io.WriteString(w, `{"allow":true,"more":1}`)
	}, func(c *guard.Config) { c.Token = identity.NewSecret("s3cret") })
	if err := errors.Join(g.AllowSend(t.Context(), request), g.AllowReset(t.Context(), request)); err != nil {
		t.Fatal(err)
	}
	q := func(action string) map[string]any {
		return map[string]any{"action": action, "purpose": "FORGET_PWD_SMS", "tenant": "north", "user_id": "user-1", "client_id": "app", "address": "192.0.2.1"}
	}
	if diff := cmp.Diff([]map[string]any{q("send"), q("reset")}, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	g := open(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"allow":false,"reason":"SIM changed yesterday"}`)
	})
	var refusal *identity.GuardRefusal
	if err := g.AllowReset(t.Context(), request); !errors.As(err, &refusal) || refusal.Reason != "SIM changed yesterday" {
		t.Errorf("%v", err)
	}
}

// An unclear answer is a failure: it neither allows nor refuses. The log does not get
// the URL.
func TestFailures(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"refused as 403": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			_, _ = io.WriteString(w, `{"allow":true}`)
		},
		"error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"created": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(201)
			_, _ = io.WriteString(w, `{"allow":true}`)
		},
		"empty":    func(http.ResponseWriter, *http.Request) {},
		"web page": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"no allow": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"allowed":true}`) },
		"null":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"allow":null}`) },
		"text":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"allow":"false"}`) },
		"two": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"allow":true}{"allow":false}`)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"allow":true,"x":"`+strings.Repeat("x", 1<<20)+`"}`)
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/there" {
				_, _ = io.WriteString(w, `{"allow":true}`)
				return
			}
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"allow":true}`)
		},
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body) // so that the server notices when the client leaves
			<-r.Context().Done()
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := open(t, answer, func(c *guard.Config) { c.Timeout = time.Second })
			for _, ask := range []func(context.Context, identity.GuardRequest) error{g.AllowSend, g.AllowReset} {
				err := ask(t.Context(), request)
				var refusal *identity.GuardRefusal
				if err == nil || errors.As(err, &refusal) {
					t.Errorf("no failure: %v", err)
				}
				if err != nil && strings.Contains(err.Error(), "in-the-url") {
					t.Errorf("the error contains the URL: %v", err)
				}
			}
		})
	}
	g, err := guard.New(guard.Config{URL: "http://127.0.0.1:1/?token=in-the-url"})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.AllowSend(t.Context(), request); err == nil || strings.Contains(err.Error(), "in-the-url") {
		t.Errorf("no server listens: %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "guard.example", "http://guard.example/", "ftp://127.0.0.1/", "https:///x", "http://127.0.0.1.example/", "http://[::"} {
		if _, err := guard.New(guard.Config{URL: url}); err == nil || url != "" && strings.Contains(err.Error(), url) {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, url := range []string{"https://guard.example/", "http://localhost:80/x", "http://[::1]/"} {
		if _, err := guard.New(guard.Config{URL: url}); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := guard.New(guard.Config{URL: "https://guard.example/", Token: identity.NewSecret("a\nb")}); err == nil {
		t.Error("a token with a line end is accepted")
	}
}
