package pwnedpasswords_test

import (
	"context"
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/pwnedpasswords"
)

var _ identity.BreachedPasswords = (*pwnedpasswords.Checker)(nil)

const leaked, padding = "violet-Harbor-93", "copper-Lantern-47"

func digits(password string) (prefix, suffix string) {
	d := fmt.Sprintf("%X", sha1.Sum([]byte(password)))
	return d[:5], d[5:]
}

// server speaks the range protocol as its documentation describes it: lines of
// suffix, colon and count, CRLF between them, padded with counts of 0.
func server(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := strings.TrimPrefix(r.URL.Path, "/range/")
		if len(asked) != 5 || r.Header.Get("Add-Padding") != "true" || r.Header.Get("User-Agent") == "" {
			http.Error(w, "The hash prefix was not in a valid format", http.StatusBadRequest)
			return
		}
		lines := []string{"0018A45C4D1DEF81644B54AB7F969B88D65:10", "00D4F6E8FA6EECAD2A3AA415EEC418D38EC:2"}
		if prefix, suffix := digits(leaked); prefix == asked {
			lines = append(lines, suffix+":3")
		}
		if prefix, suffix := digits(padding); prefix == asked {
			lines = append(lines, suffix+":0")
		}
		_, _ = fmt.Fprint(w, strings.Join(lines, "\r\n"))
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestBreached(t *testing.T) {
	t.Parallel()
	c, err := pwnedpasswords.New(pwnedpasswords.Config{URL: server(t).URL + "/range/", RefuseWhenDown: true})
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{leaked: true, padding: false, "meadow-Cobalt-71": false} {
		if got, err := c.Breached(t.Context(), identity.NewSecret(password)); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", password, got, err, want)
		}
	}
}

func TestInTheReset(t *testing.T) {
	t.Parallel()
	c, err := pwnedpasswords.New(pwnedpasswords.Config{URL: server(t).URL + "/range/", RefuseWhenDown: true})
	if err != nil {
		t.Fatal(err)
	}
	f := identitytest.New(t, func(cfg *identity.Config) { cfg.Breached = c })
	_, err = f.CreateUser(t.Context(), identity.NewUser{Mobile: "12345678901", Verified: true, Password: identity.NewSecret(leaked)})
	if err == nil || !strings.Contains(err.Error(), "easy to guess") {
		t.Errorf("a leaked password: %v", err)
	}
}

// The configured policy applies to every failure of the service.
func TestFailures(t *testing.T) {
	t.Parallel()
	prefix, suffix := digits(leaked)
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, handler := range map[string]http.HandlerFunc{
		"status":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"throttled": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"garbage":   func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>not found</html>") },
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, strings.Repeat(strings.Repeat("A", 35)+":1\r\n", 60_000))
		},
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		},
		"cut": func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(handler)
			t.Cleanup(srv.Close)
			for _, refuse := range []bool{false, true} {
				var told error
				c, err := pwnedpasswords.New(pwnedpasswords.Config{
					URL: srv.URL + "/range/", Timeout: 100 * time.Millisecond, RefuseWhenDown: refuse, OnFailure: func(err error) { told = err },
				})
				if err != nil {
					t.Fatal(err)
				}
				known, err := c.Breached(t.Context(), identity.NewSecret(leaked))
				if known || (err != nil) != refuse || told == nil {
					t.Errorf("refuse %v: %v, %v, told %v", refuse, known, err, told)
				}
				for _, e := range []error{err, told} {
					if e != nil && (strings.Contains(e.Error(), prefix) || strings.Contains(e.Error(), suffix)) {
						t.Errorf("the error contains the digits: %v", e)
					}
				}
			}
		})
	}
}

func TestCancelledIsCancelled(t *testing.T) {
	t.Parallel()
	c, err := pwnedpasswords.New(pwnedpasswords.Config{URL: server(t).URL + "/range/"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Breached(ctx, identity.NewSecret(leaked)); err == nil {
		t.Error("a password is accepted for a caller that left")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"http://example.com/range/", "ftp://127.0.0.1/", "range/", "://"} {
		if _, err := pwnedpasswords.New(pwnedpasswords.Config{URL: u}); err == nil {
			t.Errorf("%s accepted", u)
		}
	}
}
