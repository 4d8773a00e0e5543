package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	for want, c := range map[int64]identity.Config{
		(2*19 + 42) << 20: {HashConcurrency: 2, Hash: identity.HashParams{MemoryKiB: 19 << 10}},
		(8*64 + 42) << 20: {HashConcurrency: 8, Hash: identity.HashParams{MemoryKiB: 64 << 10}},
		int64(runtime.GOMAXPROCS(0))*19<<20 + 42<<20: {}, // 19 MiB are the default, 19,456 KiB
	} {
		if got := memoryLimit(c); got != want {
			t.Errorf("%+v: %d bytes, want %d", c, got, want)
		}
	}
}

// Of processes that start at once on an empty folder all get the one secret.
func TestMakeSecretTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	got := make([]string, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			secret, err := makeSecret(path)
			if err != nil {
				t.Error(err)
			}
			got[i] = secret.Reveal()
		})
	}
	wg.Wait()
	for _, secret := range got {
		if secret != got[0] || len(secret) < minSecret {
			t.Fatal("the secrets differ, or are short")
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// Each flag of Config fills the field that its name says.
func TestFlagsFillConfig(t *testing.T) {
	t.Parallel()
	hour := func(n int) []limit.Rate { return []limit.Rate{{Limit: n, Per: time.Hour}} }
	want := identity.Config{
		DefaultRegion: "DE", Countries: []string{"DE", "AT"}, CodeDigits: 7, CodeLifetime: 3 * time.Minute,
		Limits: identity.LimitPolicy{
			CodeAttempts: 4, LiveCodes: 2, SendCooldown: 30 * time.Second,
			SendsPerNumber:  []limit.Rate{{Limit: 1, Per: time.Minute}, {Limit: 2, Per: time.Hour}},
			SendsPerAddress: hour(1), SendsPerDevice: hour(2), SendsPerClient: hour(3), SendsPerTenant: hour(4), SendsTotal: hour(5),
			SendsPerRegion:             map[string][]limit.Rate{"AT": {{Limit: 6, Per: time.Hour}, {Limit: 7, Per: 24 * time.Hour}}, "DE": hour(8)},
			SendsAlarm:                 limit.Rate{Limit: 9, Per: time.Hour},
			FailuresPerNumberAndDevice: hour(10), FailuresPerNumber: hour(11), ConsecutiveFailures: 12, FailuresPerAddress: hour(13),
			FailuresPerDevice: hour(14), FailuresPerClient: hour(15), FailuresPerTenant: hour(16), FailuresTotal: hour(17),
			FailuresAlarm: limit.Rate{Limit: 18, Per: time.Hour},
			LoginBackoff:  []time.Duration{0, time.Second}, LoginsPerAddress: hour(19),
		},
		Password: identity.PasswordPolicy{Min: 10, Max: 100, Strength: 4, Words: []string{"acme", "rocket"}, History: 3},
		Hash:     identity.HashParams{MemoryKiB: 20_000, Iterations: 3, Parallelism: 2}, HashConcurrency: 5, HashQueue: -1,
		DefaultLanguage: "zh", ServiceName: "Acme", OriginDomain: "acme.example", SendTimeout: 4 * time.Second, SendConcurrency: 6, RetryUncertain: true,
		NoticeLifetime: time.Hour, MessageRetention: 48 * time.Hour, EventRetention: -1, AnswerStep: 20 * time.Millisecond, InsecureAnyDevice: true,
	}
	args := `-default-region=DE -countries=DE,AT -code-digits=7 -code-lifetime=3m -code-attempts=4 -live-codes=2 -send-cooldown=30s
		-sends-per-number=1/1m,2/1h -sends-per-address=1/1h -sends-per-device=2/1h -sends-per-client=3/1h -sends-per-tenant=4/1h
		-sends-in-all=5/1h -sends-per-region=AT=6/1h,7/24h;DE=8/1h -sends-alarm=9/1h -failures-per-number-and-device=10/1h
		-failures-per-number=11/1h -failures-in-a-row=12 -failures-per-address=13/1h -failures-per-device=14/1h
		-failures-per-client=15/1h -failures-per-tenant=16/1h -failures-in-all=17/1h -failures-alarm=18/1h -login-waits=0s,1s
		-logins-per-address=19/1h -password-min=10 -password-max=100 -password-strength=4 -password-words=acme,rocket
		-password-history=3 -hash-memory-kib=20000 -hash-iterations=3 -hash-parallelism=2 -hash-concurrency=5 -hash-queue=0
		-default-language=zh -service-name=Acme -origin-domain=acme.example -send-timeout=4s -send-concurrency=6 -retry-uncertain -notice-lifetime=1h
		-message-retention=48h -event-retention=0 -answer-step=20ms -insecure-any-device`
	var got identity.Config
	f := newFlags()
	configFlags(f, &got)
	if err := f.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(identity.Config{}, "Secret", "OldSecrets", "Logger", "Now", "OnPasswordReset", "Store", "SMS", "Guard", "Captcha", "Breached")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := checkSettings(got); err != nil {
		t.Error(err)
	}
}

// The flags' defaults are accepted, and no number of Config is without a flag.
func TestEveryNumberHasAFlag(t *testing.T) {
	t.Parallel()
	var c identity.Config
	f := newFlags()
	configFlags(f, &c)
	if err := checkSettings(c); err != nil {
		t.Error(err)
	}
	var fields func(prefix string, typ reflect.Type)
	fields = func(prefix string, typ reflect.Type) {
		for i := range typ.NumField() {
			field := typ.Field(i)
			name := prefix + field.Name
			switch {
			case field.Type.Kind() == reflect.Struct && field.Type.NumField() > 2 && field.Type != reflect.TypeFor[identity.Secret]():
				fields(name+".", field.Type)
			case field.Type.Kind() == reflect.Interface, field.Type.Kind() == reflect.Func, field.Type.Kind() == reflect.Pointer:
			case name == "Secret", name == "OldSecrets", name == "Texts", name == "EventLifetime": // files; and OnPasswordReset is not set
			default:
				if flag := strings.TrimPrefix(flagNames("Config."+name), "-"); f.Lookup(flag) == nil {
					t.Errorf("Config.%s has no flag -%s", name, flag)
				}
			}
		}
	}
	fields("", reflect.TypeFor[identity.Config]())
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	var got []netip.Prefix
	f := newFlags()
	list(f, &got, "trusted-proxies", parsePrefix, "")
	if err := f.Parse([]string{"-trusted-proxies", "10.0.0.0/8, 192.0.2.1,::1"}); err != nil {
		t.Fatal(err)
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("::1/128")}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestHealthOfClosedStorage(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rekey.db"))
	if err != nil {
		t.Fatal(err)
	}
	service, err := identity.New(identity.Config{Store: store, SMS: noSender{}, Secret: identity.NewSecret(strings.Repeat("s", 32))})
	if err != nil {
		t.Fatal(err)
	}
	h := withHealth(service, http.NotFoundHandler())
	status := func(method string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/healthz", http.NoBody))
		return w.Code
	}
	if got := status(http.MethodGet); got != http.StatusOK {
		t.Errorf("open: %d", got)
	}
	if got := status(http.MethodPost); got != http.StatusNotFound {
		t.Errorf("POST: %d", got)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if got := status(http.MethodGet); got != http.StatusServiceUnavailable {
		t.Errorf("closed: %d", got)
	}
}

// endless accepts at once, as often as it is asked.
type endless struct{ accepted chan struct{} }

func (l endless) Accept() (net.Conn, error) {
	l.accepted <- struct{}{}
	c, _ := net.Pipe()
	return c, nil
}
func (endless) Close() error   { return nil }
func (endless) Addr() net.Addr { return nil }

func TestBoundListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := endless{make(chan struct{}, 10)}
		l := boundListener(inner, 2)
		conns := make(chan net.Conn, 10)
		ended := make(chan error, 1)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					ended <- err
					return
				}
				conns <- c
			}
		}()
		synctest.Wait()
		if n := len(inner.accepted); n != 2 {
			t.Fatalf("%d connections, want 2", n)
		}
		c := <-conns
		_ = c.Close()
		_ = c.Close() // frees one place, not two
		synctest.Wait()
		if n := len(inner.accepted); n != 3 {
			t.Errorf("%d connections after one was closed, want 3", n)
		}
		_ = l.Close()
		if err := <-ended; err == nil {
			t.Error("Accept goes on after Close")
		}
	})
}

// Draining waits for what is due, and not for what is not.
func TestWaiting(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rekey.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	service, err := identity.New(identity.Config{Store: store, SMS: noSender{}, Secret: identity.NewSecret(strings.Repeat("s", 32))})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	add := func(created, next time.Time, suffix string) {
		m := identity.OutboxMessage{ID: idBefore(created)[:24] + suffix, Sealed: []byte("x"), State: identity.MessagePending,
			CreatedAt: created, NextAt: next, ExpiresAt: now.Add(time.Hour)}
		if err := store.Enqueue(context.Background(), []identity.OutboxMessage{m}); err != nil {
			t.Fatal(err)
		}
	}
	add(now.Add(-time.Hour), now.Add(-time.Hour), "00000000000a")
	add(now, now.Add(time.Second), "00000000000b")
	if waiting(t.Context(), service, now) {
		t.Error("waits for an old message, or for one that is not due")
	}
	add(now, now, "00000000000c")
	if !waiting(t.Context(), service, now) {
		t.Error("does not wait for a message that is due")
	}

	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- service.Run(ctx) }()
	drain(t.Context(), service)
	stop()
	<-stopped
	messages, err := service.Messages(t.Context(), "", page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.State == identity.MessagePending && m.CreatedAt.Equal(now) && m.NextAt.Equal(now) {
			t.Errorf("message %s was not started", m.ID)
		}
	}
}
