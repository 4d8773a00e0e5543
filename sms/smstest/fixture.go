package smstest

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// Behaviour is what the fake provider does with a well-formed request.
type Behaviour int

// The behaviours a Fixture plays in its provider's own form. Those that look
// alike for every provider (hanging, cut connections, redirects, bodies of
// garbage) the suite plays itself.
const (
	Accept    Behaviour = iota
	Refuse              // for good, as a number that does not exist
	TryLater            // not sent, worth another try, without saying when
	Throttled           // too many requests, with Fixture.RetryAfter if the provider names a wait
)

// Received is a request as the provider understands it.
type Received struct {
	To   string // E.164; the fixture adds the plus sign for providers that go without
	Text string // free text; empty for template providers
	// Values are the template's parameters in any order; nil for free text.
	Values []string
	// IdempotencyKey must be set by the senders of idempotent fixtures.
	IdempotencyKey string
}

// Fixture describes a sender to the suite.
type Fixture struct {
	// Provider is the name expected in receipts.
	Provider string
	// New makes a sender that talks to url, which is plain HTTP on loopback, and
	// gives up after timeout. It is called once per case.
	New func(url string, timeout time.Duration) (sms.Sender, error)
	// Read understands a request, checking its credentials or signature; an error
	// means that the provider would not have understood or trusted it.
	Read func(r *http.Request, body []byte) (Received, error)
	// Answer writes the provider's answer for b. For Accept it must make up a new
	// message id where the provider has them.
	Answer func(b Behaviour, w http.ResponseWriter, got Received)
	// Idempotent says that a repetition with the same id sends no second message:
	// the sender then reports unknown ends as temporary, otherwise as uncertain.
	Idempotent bool
	// StatusDecides says that a 2xx status alone is an acceptance, whatever the body.
	StatusDecides bool
	// HasRef says that receipts carry the provider's id of the message.
	HasRef bool
	// RetryAfter is the wait that Throttled names; 0 when the provider has no such field.
	RetryAfter time.Duration
	// Secrets are credentials that no error may hold.
	Secrets []string
	// Kinds the sender is configured for; default both.
	Kinds []sms.Kind
}

// Failure is a broken rule.
type Failure struct {
	Case string
	Why  string // what the rule is for
	Err  error
}

// Run runs every case as a parallel subtest of t.
func Run(t *testing.T, f Fixture) {
	t.Helper()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.check(&env{Fixture: f, patience: defaultPatience, timeout: defaultTimeout}); err != nil {
				t.Errorf("%v\nwhy: %s", err, c.why)
			}
		})
	}
}

const (
	// defaultPatience is how long a call may take that should have ended long
	// before: generous, so that a busy machine fails nothing.
	defaultPatience = 30 * time.Second
	// defaultTimeout is what the time-out case configures. Whether the request
	// made it to the server by then is observed, not assumed.
	defaultTimeout = 500 * time.Millisecond
)

// Check runs every case one after the other and returns the failures.
func Check(f Fixture) []Failure {
	return check(f, defaultPatience, defaultTimeout)
}

func check(f Fixture, patience, timeout time.Duration) []Failure {
	var out []Failure
	for _, c := range cases() {
		if err := c.check(&env{Fixture: f, patience: patience, timeout: timeout}); err != nil {
			out = append(out, Failure{Case: c.name, Why: c.why, Err: err})
		}
	}
	return out
}
