package eventwebhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/eventwebhook"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// TestPublishedVector checks the example with which the standard's libraries test
// themselves.
func TestPublishedVector(t *testing.T) {
	t.Parallel()
	got, err := eventwebhook.Signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("signature %s, want %s (%v)", got, want, err)
	}
}

type request struct {
	header http.Header
	body   string
}

// receiver answers each request with the next of its statuses, and then always with the
// last.
func receiver(t *testing.T, header http.Header, statuses ...int) (url string, requests chan request) {
	t.Helper()
	requests = make(chan request, 100)
	var mu sync.Mutex
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		status := statuses[min(n, len(statuses)-1)]
		n++
		mu.Unlock()
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		requests <- request{r.Header, string(body)}
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func hook(t *testing.T, cfg eventwebhook.Config) *eventwebhook.Hook {
	t.Helper()
	if len(cfg.Secrets) == 0 {
		cfg.Secrets = []identity.Secret{eventwebhook.NewSecret()}
	}
	h, err := eventwebhook.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var event = audit.Event{
	ID: "0190f8a0-0000-7000-8000-000000000001", At: time.Date(2026, 11, 25, 12, 0, 0, 5e6, time.FixedZone("", 3600)),
	Type: audit.PasswordReset, UserID: "u1", Mobile: "+86*******8901",
}

func TestRequest(t *testing.T) {
	t.Parallel()
	url, requests := receiver(t, nil, 204)
	secrets := []identity.Secret{eventwebhook.NewSecret(), eventwebhook.NewSecret()}
	now := time.Unix(1_800_000_000, 999)
	if err := hook(t, eventwebhook.Config{URL: url, Secrets: secrets, Now: func() time.Time { return now }}).Deliver(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	r := <-requests
	if r.header.Get("webhook-id") != event.ID || r.header.Get("webhook-timestamp") != "1800000000" || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", r.header)
	}
	var want []string
	for _, s := range secrets {
		one, err := eventwebhook.Signature(s.Reveal(), event.ID, "1800000000", r.body)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, one)
	}
	if got := r.header.Get("webhook-signature"); got != strings.Join(want, " ") {
		t.Errorf("signatures %q, want one for each secret", got)
	}
	var body struct {
		Type, Timestamp string
		Data            map[string]any
	}
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatal(err)
	}
	if body.Type != "password.reset" || body.Timestamp != "2026-11-25T11:00:00.005Z" || body.Data["user_id"] != "u1" || body.Data["mobile"] != "+86*******8901" {
		t.Errorf("body %s", r.body)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		header http.Header
		taken  bool
		giveUp bool
		retry  time.Duration
	}{
		{status: 200, taken: true}, {status: 202, taken: true}, {status: 299, taken: true},
		{status: 300}, {status: 400}, {status: 401}, {status: 404}, {status: 500},
		{status: 410, giveUp: true},
		{status: 302, header: http.Header{"Location": {"/elsewhere"}}},
		{status: 307, header: http.Header{"Location": {"/elsewhere"}}},
		{status: 429, header: http.Header{"Retry-After": {"120"}}, retry: 2 * time.Minute},
		{status: 503, header: http.Header{"Retry-After": {"Fri, 15 Jan 2027 08:01:00 GMT"}}, retry: time.Minute},
		{status: 503, header: http.Header{"Retry-After": {"-5"}}}, {status: 503, header: http.Header{"Retry-After": {"99999999999"}}, retry: 24 * time.Hour},
	} {
		url, requests := receiver(t, c.header, c.status)
		h := hook(t, eventwebhook.Config{URL: url, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
		err := h.Deliver(t.Context(), event)
		failure, failed := errors.AsType[*identity.EventError](err)
		if failed == c.taken || failed && (failure.GiveUp != c.giveUp || failure.RetryAfter != c.retry) {
			t.Errorf("%d %v: %+v", c.status, c.header, failure)
		}
		if n := len(requests); n != 1 {
			t.Errorf("%d: %d requests, want 1", c.status, n)
		}
	}
}

func TestFailuresRevealNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // otherwise the server would not notice that the client left
		<-r.Context().Done()
	}))
	defer server.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, url := range []string{server.URL, closed.URL} {
		err := hook(t, eventwebhook.Config{URL: url + "/canary?key=canary", Timeout: 50 * time.Millisecond}).Deliver(t.Context(), event)
		if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), event.UserID) {
			t.Errorf("%v", err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	good := []identity.Secret{eventwebhook.NewSecret()}
	for name, cfg := range map[string]eventwebhook.Config{
		"no url": {Secrets: good}, "http": {URL: "http://backend.example/", Secrets: good}, "looks like loopback": {URL: "http://127.example/", Secrets: good},
		"user": {URL: "https://a:b@backend.example/", Secrets: good}, "no secret": {URL: "https://backend.example/"},
		"no prefix": {URL: "https://backend.example/", Secrets: []identity.Secret{identity.NewSecret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}},
		"short":     {URL: "https://backend.example/", Secrets: []identity.Secret{identity.NewSecret("whsec_MfKQ9r8GKYqrTwjU")}},
		"no base64": {URL: "https://backend.example/", Secrets: []identity.Secret{identity.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa*w")}},
		"negative":  {URL: "https://backend.example/", Secrets: good, Timeout: -1},
		"too many":  {URL: "https://backend.example/", Secrets: make([]identity.Secret, 9)},
	} {
		if h, err := eventwebhook.New(cfg); err == nil || h != nil || strings.Contains(err.Error(), "MfKQ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, url := range []string{"https://backend.example/x", "http://127.0.0.1:80/", "http://[::1]/", "http://localhost:9/"} {
		if _, err := eventwebhook.New(eventwebhook.Config{URL: url, Secrets: good}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestFromTheOutbox: an event is tried again, with the same id, until the receiver
// accepts it, and an event that the receiver answers with 410 is given up.
func TestFromTheOutbox(t *testing.T) {
	t.Parallel()
	url, requests := receiver(t, nil, 500, 503, 200)
	h := hook(t, eventwebhook.Config{URL: url})
	f := identitytest.New(t, func(c *identity.Config) {
		c.OnEvent, c.EventTypes, c.Now = h.Deliver, []audit.Type{audit.UserCreated}, time.Now
	})
	f.User("12345678901", "violet-Harbor-93")
	var ids []string
	for range 3 {
		ids = append(ids, next(t, requests).header.Get("webhook-id"))
	}
	if ids[0] == "" || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("ids %v", ids)
	}

	gone, requests := receiver(t, nil, 410)
	h = hook(t, eventwebhook.Config{URL: gone})
	f = identitytest.New(t, func(c *identity.Config) {
		c.OnEvent, c.EventTypes, c.Now = h.Deliver, []audit.Type{audit.UserCreated}, time.Now
	})
	f.User("12345678901", "violet-Harbor-93")
	next(t, requests)
	deadline := time.Now().Add(time.Minute)
	for state := outbox.Pending; state != outbox.Dead; time.Sleep(time.Millisecond) {
		messages, err := f.Messages(t.Context(), "", 10)
		if err != nil || len(messages) != 1 || time.Now().After(deadline) {
			t.Fatalf("messages %+v, %v", messages, err)
		}
		state = messages[0].State
	}
	if n := len(requests); n != 0 {
		t.Errorf("%d more requests after 410", n)
	}
}

func next(t *testing.T, requests chan request) request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case r := <-requests:
		return r
	case <-ctx.Done():
		t.Fatal("no request")
		return request{}
	}
}
