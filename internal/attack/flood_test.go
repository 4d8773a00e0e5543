package attack_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/storage/memory"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// serve answers on loopback, with shorter time-outs than the single binary has.
func serve(t *testing.T, configure ...func(*identity.Config)) (f *identitytest.Fixture, addr string) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rekey.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	f = identitytest.New(t, append(configure, func(c *identity.Config) { c.Store = store })...)
	routes, err := httpadapter.New(f.Service, httpadapter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: routes, ReadHeaderTimeout: time.Second, ReadTimeout: 2 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return f, l.Addr().String()
}

func post(addr, path, body string) (status int, retryAfter string, err error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	for k, v := range map[string]string{"Content-Type": "application/json", "X-client-id": identitytest.ClientID, "X-operating-sys-version": "1", "X-agent": "a", "X-device-fingerprint": "d"} {
		req.Header.Set(k, v)
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode, resp.Header.Get("Retry-After"), nil
}

const (
	resetRoute = "/api/v2/sdk/pwd/update-by-mobile"
	sendRoute  = "/api/v2/sdk/sms/send"
)

func guessBody(mobile, code string) string {
	return fmt.Sprintf(`{"mobile":%q,"verify_code":%q,"password":"violet-Harbor-93"}`, mobile, code)
}

// A thousand callers send a header or a body one byte at a time, or stop sending.
// Others are answered meanwhile, and the slow connections are closed after the
// time-outs.
func TestSlowCallersBlockNoOthers(t *testing.T) {
	t.Parallel()
	_, addr := serve(t)
	const slow = 1000
	head := "POST " + resetRoute + " HTTP/1.1\r\nHost: x\r\n"
	full := head + "Content-Type: application/json\r\nX-client-id: " + identitytest.ClientID +
		"\r\nX-operating-sys-version: 1\r\nX-agent: a\r\nX-device-fingerprint: d\r\nContent-Length: 90\r\n\r\n{"
	conns := make([]net.Conn, slow)
	for i := range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		text := head
		if i%2 == 0 {
			text = full
		}
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	for range 5 {
		if status, _, err := post(addr, resetRoute, guessBody("13800000001", "123456")); err != nil || status != http.StatusBadRequest {
			t.Errorf("meanwhile: status %d, %v", status, err)
		}
	}
	for i, c := range conns {
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 4096)
		for {
			if _, err := c.Read(buf); err != nil {
				if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
					t.Fatalf("slow caller %d still holds its connection", i)
				}
				break
			}
		}
	}
	if status, _, err := post(addr, sendRoute, `{"mobile":"13800000001","type":"FORGET_PWD_SMS"}`); err != nil || status != http.StatusOK {
		t.Errorf("after: status %d, %v", status, err)
	}
}

// A flood of resets with right codes: the service computes as many as the gate and its
// queue hold. The others get 503 immediately and keep their codes. After the flood the
// service answers normally.
func TestFloodOfValidResets(t *testing.T) {
	t.Parallel()
	const people = 60
	f, addr := serve(t, func(c *identity.Config) {
		c.HashConcurrency, c.HashQueue = 1, 4
		c.Hash = identity.HashParams{MemoryKiB: 19_456, Iterations: 2, Parallelism: 1} // argon2id, so that hashes fill the queue
		identitytest.Lift(c)
	})
	number := func(i int) string { return fmt.Sprintf("138%08d", i) }
	codes := make([]string, people)
	for i := range people {
		if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: number(i), Verified: true, PasswordHash: identity.NewSecret(walkHash)}); err != nil {
			t.Fatal(err)
		}
		if status, _, err := post(addr, sendRoute, fmt.Sprintf(`{"mobile":%q,"type":"FORGET_PWD_SMS"}`, number(i))); err != nil || status != http.StatusOK {
			t.Fatalf("send: status %d, %v", status, err)
		}
		codes[i] = f.Code("+86" + number(i))
	}
	statuses := make([]int, people)
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			status, retryAfter, err := post(addr, resetRoute, guessBody(number(i), codes[i]))
			if err != nil || status == http.StatusServiceUnavailable && retryAfter == "" {
				t.Errorf("status %d, Retry-After %q, %v", status, retryAfter, err)
			}
			statuses[i] = status
		})
	}
	wg.Wait()
	done, busy := 0, 0
	for i, status := range statuses {
		switch status {
		case http.StatusOK:
			done++
		case http.StatusServiceUnavailable:
			busy++
			if status, _, err := post(addr, resetRoute, guessBody(number(i), codes[i])); err != nil || status != http.StatusOK {
				t.Errorf("turned away and tried again: status %d, %v", status, err)
			}
		default:
			t.Errorf("status %d", status)
		}
	}
	if done == 0 || busy == 0 {
		t.Errorf("%d done and %d turned away: this was no flood", done, busy)
	}
}

// After some thousand requests no goroutine is left over. Once they have expired, no
// code, counter, message or event is left either.
func TestSoakLeavesNothing(t *testing.T) {
	baseline := runtime.NumGoroutine()
	store := &keyed{Store: memory.New(), keys: map[limit.Key]bool{}}
	f := identitytest.New(t, func(c *identity.Config) {
		c.Store = store
		network := []limit.Rate{{Limit: 1_000_000, Per: time.Hour}}
		l := &c.Limits
		l.SendsPerAddress, l.SendsPerNetwork, l.FailuresPerAddress, l.FailuresPerNetwork = network, network, network, network
	})
	f.User("13800000001", "copper-Lantern-47")
	f.SendCode("13800000001")
	f.Code("+8613800000001") // by now Run has started
	running := runtime.NumGoroutine()
	for i := range 3000 {
		f.Clock.Advance(3 * time.Second)
		c := f.Caller()
		c.Device = fmt.Sprint(i % 50)
		_ = f.SendVerifyCode(t.Context(), identity.SendRequest{Caller: c, Mobile: fmt.Sprintf("138%08d", i%20), Purpose: identity.PurposeForgotPassword})
		_ = f.ResetByMobile(t.Context(), identity.ResetRequest{Caller: c, Mobile: fmt.Sprintf("138%08d", i%20), Code: identity.NewSecret("123456"), Password: identity.NewSecret("violet-Harbor-93")})
	}
	settle := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: never", what)
			}
		}
	}
	settle("messages are over", func() bool {
		all, err := f.Messages(t.Context(), "", 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if !m.State.Final() {
				return false
			}
		}
		return true
	})
	settle(fmt.Sprintf("goroutines: %d at first, %d with the service", baseline, running), func() bool { return runtime.NumGoroutine() <= running+2 })

	later := f.Clock.Now().AddDate(2, 0, 0)
	for {
		n, err := f.Store.Purge(t.Context(), identity.Purge{Now: later, MessagesBefore: later, EventsBefore: later, Max: 500})
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	messages, err := f.Messages(t.Context(), "", 10)
	if err != nil || len(messages) != 0 {
		t.Errorf("%d messages left, %v", len(messages), err)
	}
	events, err := f.Events(t.Context(), audit.Query{AfterID: "", Max: 10})
	if err != nil || len(events) != 0 {
		t.Errorf("%d events left, %v", len(events), err)
	}
	keys := store.seen()
	states, err := f.Store.LimitStates(t.Context(), keys)
	if err != nil || len(states) != 0 || len(keys) == 0 {
		t.Errorf("%d of %d counters left, %v", len(states), len(keys), err)
	}
}

// keyed remembers the keys of all counters that were spent.
type keyed struct {
	*memory.Store
	mu   sync.Mutex
	keys map[limit.Key]bool
}

func (s *keyed) note(limits ...limit.Limit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range limits {
		s.keys[l.Key] = true
	}
}

func (s *keyed) seen() []limit.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.keys))
}

func (s *keyed) IssueCode(ctx context.Context, i identity.CodeIssue) ([]limit.Spent, error) {
	s.note(i.Charges...)
	return s.Store.IssueCode(ctx, i)
}

func (s *keyed) ChargeAttempt(ctx context.Context, a identity.Attempt) (identity.ChargedAttempt, error) {
	s.note(append(a.Charges, a.LiveCharges...)...)
	return s.Store.ChargeAttempt(ctx, a)
}

func (s *keyed) Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
	s.note(limits...)
	return s.Store.Spend(ctx, limits, now)
}
