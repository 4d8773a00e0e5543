package smshttp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

// The sender of the example keeps every rule.
func TestExampleConforms(t *testing.T) {
	t.Parallel()
	var ids atomic.Int64
	smstest.Run(t, smstest.Fixture{
		Provider:   "acme",
		HasRef:     true,
		RetryAfter: 7 * time.Second,
		Secrets:    []string{"key-6d02"},
		New: func(url string, timeout time.Duration) (sms.Sender, error) {
			return NewAcme(url, "key-6d02", timeout)
		},
		Read: func(r *http.Request, body []byte) (smstest.Received, error) {
			if r.Header.Get("Authorization") != "Bearer key-6d02" {
				return smstest.Received{}, errors.New("wrong key")
			}
			var got struct{ To, Text string }
			err := json.Unmarshal(body, &got)
			return smstest.Received{To: got.To, Text: got.Text}, err
		},
		Answer: func(b smstest.Behaviour, w http.ResponseWriter, _ smstest.Received) {
			switch b {
			case smstest.Accept:
				w.WriteHeader(http.StatusCreated)
				_, _ = fmt.Fprintf(w, `{"id":"a-%d"}`, ids.Add(1))
			case smstest.Refuse:
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprint(w, `{"code":"no_number"}`)
			case smstest.TryLater:
				w.WriteHeader(http.StatusServiceUnavailable)
			case smstest.Throttled:
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = fmt.Fprint(w, `{"code":"number_limit"}`)
			}
		},
	})
}
