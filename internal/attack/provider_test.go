package attack_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/failover"
	"github.com/seed-16109ab2/rekey/sms/twilio"
	"github.com/seed-16109ab2/rekey/sms/vonage"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// phones counts the messages that each number got, by provider.
type phones struct {
	mu       sync.Mutex
	arrived  map[string]map[string]int // number, provider
	messages int
}

func (p *phones) arrive(number, provider string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.arrived == nil {
		p.arrived = map[string]map[string]int{}
	}
	if p.arrived[number] == nil {
		p.arrived[number] = map[string]int{}
	}
	p.arrived[number][provider]++
	p.messages++
}

// tally returns how many numbers got exactly one message from the provider, how many
// got more, and how many messages all providers delivered.
func (p *phones) tally(provider string) (once, more, messages int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, by := range p.arrived {
		switch n := by[provider]; {
		case n == 1:
			once++
		case n > 1:
			more++
		}
	}
	return once, more, p.messages
}

// mood is how a provider behaves. It calls take for each message that it delivers.
type mood func(w http.ResponseWriter, r *http.Request, take func())

// twilioServer speaks Twilio's wire format and behaves as the mood says. If the mood is
// nil, it accepts every message.
func twilioServer(t *testing.T, p *phones, m mood) string {
	t.Helper()
	return provider(t, m, func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprint(w, `{"sid":"SM00000000000000000000000000000001","status":"queued","error_code":null}`)
	}, func(r *http.Request) { p.arrive(r.PostFormValue("To"), twilio.Provider) })
}

// vonageServer does the same with Vonage's wire format.
func vonageServer(t *testing.T, p *phones, m mood) string {
	t.Helper()
	return provider(t, m, func(w http.ResponseWriter) {
		_, _ = fmt.Fprint(w, `{"message-count":"1","messages":[{"status":"0","message-id":"0A00000001234567"}]}`)
	}, func(r *http.Request) { p.arrive("+"+r.PostFormValue("to"), vonage.Provider) })
}

func provider(t *testing.T, m mood, accept func(http.ResponseWriter), take func(*http.Request)) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			return // the connection broke off, so the provider has no message
		}
		if m != nil {
			m(w, r, func() { take(r) })
			return
		}
		take(r)
		accept(w)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// team is a failover from Twilio to Vonage.
func team(t *testing.T, twilioURL, vonageURL string, timeout time.Duration, c failover.Config) *failover.Sender {
	t.Helper()
	first, err := twilio.New(twilio.Config{AccountSID: "AC1", AuthToken: identity.NewSecret("token"), From: "+15005550006", Endpoint: twilioURL, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	second, err := vonage.New(vonage.Config{APIKey: "key", APISecret: identity.NewSecret("secret"), From: "Rekey", Endpoint: vonageURL})
	if err != nil {
		t.Fatal(err)
	}
	c.Providers = []failover.Provider{{Name: twilio.Provider, Sender: first}, {Name: vonage.Provider, Sender: second}}
	sender, err := failover.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// sendCodes makes a service on SQLite send a code to each of n numbers. It returns the
// messages when none is pending any more.
func sendCodes(t *testing.T, sender sms.Sender, n int, configure ...func(*identity.Config)) []outbox.Message {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rekey.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	f := identitytest.New(t, append(configure, func(c *identity.Config) {
		identitytest.Lift(c)
		c.Store, c.SMS, c.Now, c.SendConcurrency = store, sender, nil, 64
	})...)
	hash := identity.NewSecret("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	for i := range n {
		number := fmt.Sprintf("138%08d", i)
		if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: number, Verified: true, PasswordHash: hash}); err != nil {
			t.Fatal(err)
		}
		c := f.Caller()
		c.Device, c.Address = number, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		if err := f.SendVerifyCode(t.Context(), identity.SendRequest{Caller: c, Mobile: number, Purpose: identity.PurposeForgotPassword}); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		messages, err := store.MessageStates(t.Context(), "", n+1)
		if err != nil || len(messages) != n {
			t.Fatalf("%d messages, %v", len(messages), err)
		}
		pending := 0
		for _, m := range messages {
			if m.State == outbox.Pending {
				pending++
			}
		}
		if pending == 0 {
			return messages
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d messages are still pending", pending)
		}
	}
}

func inState(messages []outbox.Message, state outbox.State) (n int) {
	for _, m := range messages {
		if m.State == state {
			n++
		}
	}
	return n
}
