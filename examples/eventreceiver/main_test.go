package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/eventwebhook"
)

var event = audit.Event{ID: "0190f8a0-0000-7000-8000-000000000001", Type: audit.PasswordReset, UserID: "u1"}

// deliver sends the event twice, and change alters each request on its way.
func deliver(t *testing.T, at time.Time, change func(*http.Request)) (printed string, err error) {
	t.Helper()
	older, secret := eventwebhook.NewSecret(), eventwebhook.NewSecret()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	inner := receiver(key, &out)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		change(r)
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	hook, err := eventwebhook.New(eventwebhook.Config{
		URL: server.URL, Secrets: []identity.Secret{older, secret}, Now: func() time.Time { return at },
	})
	if err != nil {
		t.Fatal(err)
	}
	err = hook.Deliver(t.Context(), event)
	if err == nil {
		err = hook.Deliver(t.Context(), event) // events are delivered at least once
	}
	return out.String(), err
}

func TestReceiver(t *testing.T) {
	t.Parallel()
	printed, err := deliver(t, time.Now(), func(*http.Request) {})
	if err != nil || printed != "password.reset of user u1\n" {
		t.Errorf("printed %q, %v", printed, err)
	}
	for name, change := range map[string]func(*http.Request){
		"other id":   func(r *http.Request) { r.Header.Set("webhook-id", "2") },
		"other time": func(r *http.Request) { r.Header.Set("webhook-timestamp", "1800000000") },
		"unsigned":   func(r *http.Request) { r.Header.Del("webhook-signature") },
		"empty":      func(r *http.Request) { r.Header.Set("webhook-signature", "v1, v1,AAAA v2,") },
		"other body": func(r *http.Request) { r.Body = http.NoBody },
	} {
		if printed, err := deliver(t, time.Now(), change); err == nil || printed != "" {
			t.Errorf("%s: printed %q, %v", name, printed, err)
		}
	}
	if printed, err := deliver(t, time.Now().Add(-6*time.Minute), func(*http.Request) {}); err == nil || printed != "" {
		t.Errorf("recorded and sent again: printed %q, %v", printed, err)
	}
}
