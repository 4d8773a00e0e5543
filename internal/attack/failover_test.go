package attack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/failover"
	"github.com/seed-16109ab2/rekey/sms/twilio"
	"github.com/seed-16109ab2/rekey/sms/vonage"
	"github.com/seed-16109ab2/rekey/sms/webhook"
)

// hang does not answer until the caller gives up.
func hang(r *http.Request) { <-r.Context().Done() }

// The first provider is down, slow, throttling or lying. Every code still arrives once,
// through the second provider.
func TestEveryCodeArrivesThroughTheOtherProvider(t *testing.T) {
	t.Parallel()
	const codes = 50
	for name, tt := range map[string]struct {
		first  mood
		repeat bool // whether the first provider may have sent the message, as far as the caller can tell
	}{
		"down": {first: nil},
		"throttling": {first: func(w http.ResponseWriter, _ *http.Request, _ func()) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = fmt.Fprint(w, `{"code": 20429, "message": "Too Many Requests", "status": 429}`)
		}},
		"account closed": {first: func(w http.ResponseWriter, _ *http.Request, _ func()) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"code": 20003, "message": "Authenticate", "status": 401}`)
		}},
		"lying: created, but failed": {first: func(w http.ResponseWriter, _ *http.Request, _ func()) {
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprint(w, `{"sid":"SM00000000000000000000000000000001","status":"failed","error_code":30008}`)
		}},
		"lying: another service's page": {repeat: true, first: func(w http.ResponseWriter, _ *http.Request, _ func()) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprint(w, `<html>Welcome to the hotel</html>`)
		}},
		"slow": {repeat: true, first: func(_ http.ResponseWriter, r *http.Request, _ func()) { hang(r) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p phones
			first := "http://127.0.0.1:1"
			if tt.first != nil {
				first = twilioServer(t, &p, tt.first)
			}
			sender := team(t, first, vonageServer(t, &p, nil), 200*time.Millisecond, failover.Config{RetryUncertain: tt.repeat})
			messages := sendCodes(t, sender, codes)
			if n := inState(messages, outbox.Delivered); n != codes {
				t.Errorf("%d of %d delivered", n, codes)
			}
			if once, more, all := p.tally(vonage.Provider); once != codes || more != 0 || all != codes {
				t.Errorf("%d numbers got one message of the second provider, %d more than one, %d messages in all", once, more, all)
			}
			for _, m := range messages {
				if m.Provider != vonage.Provider {
					t.Errorf("a message is recorded as sent through %q", m.Provider)
				}
			}
			c := sender.Counts()
			if asked := c[0].Temporary + c[0].Permanent + c[0].Uncertain; c[0].Sent != 0 || asked == 0 || asked+c[0].Skipped != codes || c[1].Sent != codes {
				t.Errorf("counts %+v", c)
			}
		})
	}
}

// A provider accepts every message and never confirms it. By default no number gets two
// messages. If one repetition is allowed, a number gets at most two.
func TestTimeoutsAfterAccepting(t *testing.T) {
	t.Parallel()
	const codes = 200
	deaf := func(_ http.ResponseWriter, r *http.Request, take func()) { take(); hang(r) }

	t.Run("alone", func(t *testing.T) {
		t.Parallel()
		var p phones
		first, err := twilio.New(twilio.Config{AccountSID: "AC1", AuthToken: identity.NewSecret("token"), From: "+15005550006",
			Endpoint: twilioServer(t, &p, deaf), Timeout: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		messages := sendCodes(t, first, codes)
		once, more, all := p.tally(twilio.Provider)
		if once != codes || more != 0 || all != codes || inState(messages, outbox.Uncertain) != codes {
			t.Errorf("%d numbers got one message, %d more than one, %d messages in all, %d uncertain", once, more, all, inState(messages, outbox.Uncertain))
		}
		t.Logf("%d messages, %d duplicates", all, all-codes)
	})
	t.Run("failover", func(t *testing.T) {
		t.Parallel()
		var p phones
		// The circuit breaker is off, because it would spare most of the numbers.
		sender := team(t, twilioServer(t, &p, deaf), vonageServer(t, &p, nil), 2*time.Second, failover.Config{FailuresToOpen: 10 * codes})
		messages := sendCodes(t, sender, codes)
		once, _, all := p.tally(twilio.Provider)
		if once != codes || all != codes || inState(messages, outbox.Uncertain) != codes {
			t.Errorf("%d numbers got one message of the first provider, %d messages in all, %d uncertain", once, all, inState(messages, outbox.Uncertain))
		}
		t.Logf("%d messages, %d duplicates", all, all-codes)
	})
	t.Run("failover, repetition allowed", func(t *testing.T) {
		t.Parallel()
		var p phones
		sender := team(t, twilioServer(t, &p, deaf), vonageServer(t, &p, nil), 2*time.Second,
			failover.Config{FailuresToOpen: 10 * codes, RetryUncertain: true})
		messages := sendCodes(t, sender, codes)
		first, again, _ := p.tally(twilio.Provider)
		second, more, all := p.tally(vonage.Provider)
		if first != codes || again != 0 || second != codes || more != 0 || all != 2*codes || inState(messages, outbox.Delivered) != codes {
			t.Errorf("%d and %d numbers got one message, %d and %d more, %d messages in all", first, second, again, more, all)
		}
		t.Logf("%d messages, %d duplicates, one for each repetition that was allowed", all, all-codes)
	})
	t.Run("webhook", func(t *testing.T) {
		t.Parallel()
		var p phones
		sender := forgetful(t, &p)
		second, err := vonage.New(vonage.Config{APIKey: "key", APISecret: identity.NewSecret("secret"), From: "Rekey", Endpoint: vonageServer(t, &p, nil)})
		if err != nil {
			t.Fatal(err)
		}
		both, err := failover.New(failover.Config{FailuresToOpen: 10 * codes, Providers: []failover.Provider{
			{Name: webhook.Provider, Sender: sender}, {Name: vonage.Provider, Sender: second}}})
		if err != nil {
			t.Fatal(err)
		}
		messages := sendCodes(t, both, codes)
		once, more, all := p.tally(webhook.Provider)
		if once != codes || more != 0 || all != codes || inState(messages, outbox.Delivered) != codes {
			t.Errorf("%d numbers got one message, %d more than one, %d messages in all, %d delivered", once, more, all, inState(messages, outbox.Delivered))
		}
		t.Logf("%d messages, %d duplicates", all, all-codes)
	})
}

// forgetful is a webhook whose receiver takes each message once, going by its id. It
// never answers the first request for a message, and then refuses all requests for a
// moment.
func forgetful(t *testing.T, p *phones) sms.Sender {
	t.Helper()
	var mu sync.Mutex
	seen := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var payload webhook.Payload
		if json.NewDecoder(r.Body).Decode(&payload) != nil {
			return
		}
		id := r.Header.Get("webhook-id")
		mu.Lock()
		seen[id]++
		n := seen[id]
		mu.Unlock()
		switch n {
		case 1:
			p.arrive(payload.Data.To, webhook.Provider)
			hang(r)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	sender, err := webhook.New(webhook.Config{URL: server.URL, Timeout: 2 * time.Second,
		Secret: identity.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}
