package identitytest

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// Fixture is a running service with its store, messages and clock. Its own methods fail
// the test instead of returning errors.
type Fixture struct {
	*identity.Service
	Store identity.Storage
	SMS   *smstest.Recorder
	Clock *Clock

	t testing.TB
}

// ClientID is the client that New registers.
const ClientID = "DRrYIqauawN0I8myTMoDTPys6ezGZxnm"

// New builds a service, registers a client, and runs deliveries until the test ends. Each
// configure may change the configuration first; a Store or SMS that it sets replaces the
// memory store or the recorder. Passwords are hashed as [CheapHashes] says.
func New(t testing.TB, configure ...func(*identity.Config)) *Fixture {
	t.Helper()
	f := &Fixture{SMS: &smstest.Recorder{}, Clock: NewClock(time.Now()), t: t}
	cfg := identity.Config{
		Store:  memory.New(),
		SMS:    f.SMS,
		Secret: identity.NewSecret(strings.Repeat("s", 32)),
		Now:    f.Clock.Now,

		AnswerStep: -1,
		// However busy the machine is.
		HashWait: -1, StorageWait: -1,
	}
	for _, c := range configure {
		c(&cfg)
	}
	CheapHashes(&cfg)
	f.Store = cfg.Store
	svc, err := identity.New(cfg)
	if err != nil {
		t.Fatalf("identity.New: %v", err)
	}
	f.Service = svc
	if err := svc.RegisterClient(t.Context(), identity.Client{ID: ClientID}); err != nil {
		t.Fatalf("register client: %v", err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return f
}

// Caller returns a caller of the registered client, with a device and an address.
func (f *Fixture) Caller() identity.Caller {
	return identity.Caller{
		ClientID: ClientID, Device: "156aysdna213sac", OSVersion: "Android 10", Agent: "identitytest",
		Address: netip.MustParseAddr("192.0.2.1"), Language: "en",
	}
}

// User creates a user of the empty tenant whose number is verified.
func (f *Fixture) User(mobile, password string) identity.User {
	f.t.Helper()
	u, err := f.CreateUser(f.t.Context(), identity.NewUser{Mobile: mobile, Verified: true, Password: identity.NewSecret(password)})
	if err != nil {
		f.t.Fatalf("create user: %v", err)
	}
	return u
}

// SendCode asks for a code to reset the password, as Caller.
func (f *Fixture) SendCode(mobile string) {
	f.t.Helper()
	err := f.SendVerifyCode(f.t.Context(), identity.SendRequest{Caller: f.Caller(), Mobile: mobile, Purpose: identity.PurposeForgotPassword})
	if err != nil {
		f.t.Fatalf("send code: %v", err)
	}
}

// Code waits for the next code that arrives at the number, in any spelling, and
// returns it.
func (f *Fixture) Code(mobile string) string {
	f.t.Helper()
	return f.Message(mobile, sms.KindVerifyCode).Params["code"]
}

// Message waits for the next message of the kind to the number, in any spelling, and until
// the store knows that it was delivered. It skips messages of other kinds.
func (f *Fixture) Message(mobile string, kind sms.Kind) sms.Message {
	f.t.Helper()
	e164, err := f.NormalizeMobile(mobile)
	if err != nil {
		f.t.Fatalf("%q: %v", mobile, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // so that a busy machine fails no test
	defer cancel()
	for {
		m, err := f.SMS.Next(ctx, e164)
		if err != nil {
			f.t.Fatalf("no %s arrived at %s: %v", kind, e164, err)
		}
		f.recorded(m.ID)
		if m.Kind == kind {
			return m
		}
	}
}

// recorded waits until the store says that the message was delivered. If a test moved
// the clock before, the lease might end, and the message would be delivered again. A
// store that fails on purpose is not waited for.
func (f *Fixture) recorded(id string) {
	if id == "" {
		return
	}
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		// Those after all ids that begin as this one does, but for its last digit.
		near, err := f.Messages(context.Background(), id[:len(id)-1], 16)
		if err != nil {
			return
		}
		if !slices.ContainsFunc(near, func(m outbox.Message) bool { return m.ID == id && !m.State.Final() }) {
			return
		}
	}
}

// Clock is a clock to set. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows now until it is advanced.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock, backwards for a negative duration.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
