package smstest

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// Behaviour is what the fake provider does with a well-formed request.
type Behaviour int

// The behaviours that a Fixture plays in its provider's own form. The suite itself
// plays those that look alike for every provider: hanging, cut connections,
// redirects, unreadable answers.
const (
	Accept    Behaviour = iota
	Refuse              // refuse the message for good, such as one to a number that does not exist
	TryLater            // say that the message was not taken, and name no wait
	Throttled           // say that there are too many requests, with Fixture.RetryAfter if the provider names a wait
)

// Received is a request as the provider understands it.
type Received struct {
	To   string // in E.164; the fixture adds the plus sign if the provider omits it
	Text string // the free text; empty for providers with templates
	// Values are the template's parameters in any order. Nil for free text.
	Values []string
	// IdempotencyKey must be set by the senders of idempotent fixtures.
	IdempotencyKey string
}

// Fixture describes a sender to the suite.
type Fixture struct {
	// Provider is the name expected in [sms.Accepted].
	Provider string
	// New returns a sender that uses url, which is plain HTTP on loopback, and gives
	// up after timeout. Each case calls it at least once.
	New func(url string, timeout time.Duration) (sms.Sender, error)
	// Read understands a request and checks its credentials or signature. An error
	// means that the provider would not understand or trust it.
	Read func(r *http.Request, body []byte) (Received, error)
	// Answer writes the provider's answer for b. For Accept it makes up a new message
	// id if the provider has them.
	Answer func(b Behaviour, w http.ResponseWriter, got Received)
	// Idempotent says that a repetition with the same id sends no second message. The
	// sender may then report a lost answer as repeatable instead of uncertain.
	Idempotent bool
	// StatusDecides says that a 2xx status is an acceptance, with any body.
	StatusDecides bool
	// HasRef says that [sms.Accepted] carries the provider's id of the message.
	HasRef bool
	// RetryAfter is the wait that Throttled names. 0 if the provider names none.
	RetryAfter time.Duration
	// Secrets are the credentials that no error may hold.
	Secrets []string
	// Kinds are the kinds of messages that the sender is configured for. Default both.
	Kinds []sms.Kind
}

// Failure is a broken rule.
type Failure struct {
	Case string
	Why  string // what the rule is for
	How  string // what a sender does to keep it
	Err  error
}

// Run runs every case as a parallel subtest of t. A failure prints what the rule is
// for and how to keep it; the log of a passed case may hold advice.
func Run(t *testing.T, f Fixture) {
	t.Helper()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := c.check(&env{Fixture: f, patience: defaultPatience, timeout: defaultTimeout})
			if a, ok := errors.AsType[advice](err); ok {
				t.Log("passed, but", a)
			} else if err != nil {
				t.Errorf("%v\nwhy: %s\nhow: %s, or use package smshttp", err, c.why, c.how)
			}
		})
	}
}

const (
	// defaultPatience is how long a call may take that should end much earlier. It is
	// long, so that a busy machine fails no case.
	defaultPatience = 30 * time.Second
	// defaultTimeout is what the time-out case configures. The case observes whether
	// the request reached the server by then.
	defaultTimeout = 500 * time.Millisecond
)

// Check runs every case one after the other and returns the failures.
func Check(f Fixture) []Failure {
	return check(f, defaultPatience, defaultTimeout)
}

func check(f Fixture, patience, timeout time.Duration) []Failure {
	var out []Failure
	for _, c := range cases() {
		err := c.check(&env{Fixture: f, patience: patience, timeout: timeout})
		if _, ok := errors.AsType[advice](err); err != nil && !ok {
			out = append(out, Failure{Case: c.name, Why: c.why, How: c.how, Err: err})
		}
	}
	return out
}
