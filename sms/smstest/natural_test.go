package smstest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

// natural is a sender as an author might write it with net/http and the comment of
// sms.Sender. It knows statuses, and returns every other error unchanged.
type natural struct {
	url    string
	client *http.Client
}

func (n natural) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	body, err := json.Marshal(map[string]string{"ID": m.ID, "To": m.To, "Text": m.Text})
	if err != nil {
		return sms.Accepted{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return sms.Accepted{}, err
	}
	req.Header.Set("Authorization", key)
	resp, err := n.client.Do(req)
	if err != nil {
		return sms.Accepted{}, fmt.Errorf("reference: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	err = fmt.Errorf("reference: status %d", resp.StatusCode)
	switch {
	case resp.StatusCode == 429 || resp.StatusCode == 503:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return sms.Accepted{}, &sms.Error{Outcome: sms.Temporary, RetryAfter: time.Duration(seconds) * time.Second, Err: err}
	case resp.StatusCode >= 500:
		return sms.Accepted{}, err
	case resp.StatusCode >= 300:
		return sms.Accepted{}, &sms.Error{Outcome: sms.Permanent, Err: err}
	}
	var answer struct{ Ref string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&answer); err != nil {
		return sms.Accepted{}, fmt.Errorf("reference: unreadable answer: %w", err)
	}
	if answer.Ref == "" {
		return sms.Accepted{}, fmt.Errorf("reference: answer without id")
	}
	return sms.Accepted{Provider: "reference", Ref: answer.Ref}, nil
}

func naturalFixture(idempotent bool, redirect func(*http.Request, []*http.Request) error) smstest.Fixture {
	f := fixture(defects{}, idempotent)
	f.New = func(url string, timeout time.Duration) (sms.Sender, error) {
		return natural{url, &http.Client{Timeout: timeout, CheckRedirect: redirect, Transport: &http.Transport{DisableKeepAlives: true}}}, nil
	}
	return f
}

func TestNaturalSenderPasses(t *testing.T) {
	t.Parallel()
	for _, idempotent := range []bool{false, true} {
		t.Run(fmt.Sprintf("idempotent %v", idempotent), func(t *testing.T) {
			t.Parallel()
			smstest.Run(t, naturalFixture(idempotent, func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }))
		})
	}
}

// The suite reports what such an author forgets, with the reason and the fix.
func TestNaturalSenderGetsAdviceOnRedirects(t *testing.T) {
	t.Parallel()
	failures := smstest.Check(naturalFixture(false, nil))
	if len(failures) != 1 || failures[0].Case != "redirect" || failures[0].Why == "" || failures[0].How == "" {
		t.Errorf("got %+v", failures)
	}
}
