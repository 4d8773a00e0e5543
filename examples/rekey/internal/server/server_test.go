package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	for want, c := range map[int64]identity.Config{
		(2*19 + 32) << 20: {HashConcurrency: 2, Hash: identity.HashParams{MemoryKiB: 19 << 10}},
		(8*64 + 32) << 20: {HashConcurrency: 8, Hash: identity.HashParams{MemoryKiB: 64 << 10}},
		int64(runtime.GOMAXPROCS(0))*19<<20 + 32<<20: {}, // 19 MiB are the default, 19,456 KiB
	} {
		if got := memoryLimit(c); got != want {
			t.Errorf("%+v: %d bytes, want %d", c, got, want)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	var s Server
	f := settings.New()
	s.Flags(f)
	if err := f.Parse([]string{"-trusted-proxies", "10.0.0.0/8, 192.0.2.1,::1"}); err != nil {
		t.Fatal(err)
	}
	s.adapt()
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("::1/128")}
	if diff := cmp.Diff(want, s.options.TrustedProxies, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	for addr, want := range map[string]bool{"10.1.2.3": true, "192.0.2.2": false, "::1": true} {
		if got := s.isProxy(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is a proxy: %v", addr, got)
		}
	}
}

func TestHealthOfClosedStorage(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rekey.db"))
	if err != nil {
		t.Fatal(err)
	}
	service, err := identity.New(identity.Config{Store: store, SMS: &smstest.Recorder{}, Secret: identity.NewSecret(strings.Repeat("s", 32))})
	if err != nil {
		t.Fatal(err)
	}
	h := withHealth(service.Health, http.NotFoundHandler())
	status := func(method, path string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody))
		return w.Code
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := status(http.MethodGet, path); got != http.StatusOK {
			t.Errorf("%s, open: %d", path, got)
		}
		if got := status(http.MethodPost, path); got != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, got)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if got := status(http.MethodGet, "/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz, closed: %d", got)
	}
	if got := status(http.MethodGet, "/healthz"); got != http.StatusOK { // a restart would not help
		t.Errorf("/healthz, closed: %d", got)
	}
}

// Draining waits for codes that are due, and for nothing else.
func TestWaiting(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rekey.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	service, err := identity.New(identity.Config{Store: store, SMS: refusing{}, Secret: identity.NewSecret(strings.Repeat("s", 32))})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	add := func(created, next time.Time, suffix string) {
		m := outbox.Message{ID: idBefore(created)[:24] + suffix, Lane: outbox.LaneCode, Sealed: []byte("x"), State: outbox.Pending,
			CreatedAt: created, NextAt: next, ExpiresAt: now.Add(time.Hour)}
		if err := store.AppendEvent(context.Background(), audit.Event{ID: m.ID, At: created}, []outbox.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	add(now.Add(-time.Hour), now.Add(-time.Hour), "00000000000a")
	add(now, now.Add(time.Second), "00000000000b")
	if waiting(t.Context(), service, now) {
		t.Error("it waits for an old message, or for a message that is not due")
	}
	add(now, now, "00000000000c")
	if !waiting(t.Context(), service, now) {
		t.Error("it does not wait for a message that is due")
	}

	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- service.Run(ctx) }()
	drain(t.Context(), service)
	stop()
	<-stopped
	messages, err := service.Messages(t.Context(), "", batch)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.State == outbox.Pending && m.CreatedAt.Equal(now) && m.NextAt.Equal(now) {
			t.Errorf("message %s was not started", m.ID)
		}
	}
}

// refusing is a sender that refuses every message.
type refusing struct{}

func (refusing) Send(context.Context, sms.Message) (sms.Accepted, error) {
	return sms.Accepted{}, &sms.Error{Err: errors.New("refused")}
}
