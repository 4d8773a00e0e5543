// Package providertest holds what the tests of the providers share.
package providertest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/sms"
)

// Send has a sender hand m to a provider that answers so.
func Send[S sms.Sender](t *testing.T, open func(endpoint string) (S, error), m sms.Message, answer http.HandlerFunc) (sms.Accepted, error) {
	t.Helper()
	server := httptest.NewServer(answer)
	defer server.Close()
	s, err := open(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s.Send(t.Context(), m)
}

// Failed reports a fault unless err has the outcome, and NumberOnly as numberOnly
// says, and its text holds what it should show.
func Failed(t *testing.T, what string, err error, want sms.Outcome, numberOnly bool, shows string) {
	t.Helper()
	e, ok := errors.AsType[*sms.Error](err)
	if !ok || e.Outcome != want || e.NumberOnly != numberOnly || !strings.Contains(err.Error(), shows) {
		t.Errorf("%s: %v; want %v, number only %v, text %q", what, err, want, numberOnly, shows)
	}
}

// Unsendable reports a fault if a provider with templates asks for a message that
// fits none, or shows its code.
func Unsendable[S sms.Sender](t *testing.T, open func(endpoint string) (S, error)) {
	t.Helper()
	for name, m := range map[string]sms.Message{
		"kind without template": {Kind: "later"},
		"value missing":         {Kind: sms.KindVerifyCode, Params: map[string]string{"minutes": "012345"}},
	} {
		_, err := Send(t, open, m, func(http.ResponseWriter, *http.Request) { t.Errorf("%s: a request left", name) })
		Failed(t, name, err, sms.Permanent, false, "")
		if err != nil && strings.Contains(err.Error(), "012345") {
			t.Errorf("%s: shows a value: %v", name, err)
		}
	}
}

// Faults reports a fault unless err, of a configuration whose secrets hold
// "hunter2", names all of want and none of the secrets.
func Faults(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q lacks %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("shows a secret: %v", err)
	}
}
