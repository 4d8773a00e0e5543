package vonage

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/provider"
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
	"github.com/seed-16109ab2/rekey/sms/smshttp"
)

const (
	// Provider is the name in what Send returns and in receipts.
	Provider = "vonage"
	// DefaultEndpoint is the API's address.
	DefaultEndpoint = "https://rest.nexmo.com"
)

// Config configures a [Sender].
type Config struct {
	// APIKey and APISecret belong to the account. Required.
	APIKey    string
	APISecret identity.Secret
	// From is the sender: a number without a plus sign, or up to 11 letters and digits
	// where a country permits them. Required.
	From string
	// Callback is the public address of the handler that [NewReceipts] returns. Empty
	// for the address in the account's settings, if there is one.
	Callback string
	// Endpoint is the API's base address. It must be https, except for loopback hosts.
	// Default [DefaultEndpoint].
	Endpoint string
	// Client makes the requests. Its CheckRedirect and Jar are not used. If nil, a
	// client with net/http's defaults is used.
	Client *http.Client
	// Timeout bounds one request. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time. Default time.Now.
	Now func() time.Time
}

// Sender is an [sms.Sender] that uses Vonage. It is safe for concurrent use.
type Sender struct {
	c    Config
	url  string
	http *smshttp.Client
}

// New returns a Sender, or an error that joins all faults of c.
func New(c Config) (*Sender, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	faults := []error{
		smsconfig.Plain("APIKey", c.APIKey),
		smsconfig.Plain("APISecret", c.APISecret.Reveal()),
	}
	if c.From == "" {
		faults = append(faults, errors.New("no From"))
	}
	base, client, err := provider.Open(c.Endpoint, DefaultEndpoint,
		smshttp.Config{Provider: Provider, Client: c.Client, Timeout: c.Timeout, Now: c.Now}, faults...)
	if err != nil {
		return nil, err
	}
	return &Sender{c: c, url: base + "/sms/json", http: client}, nil
}

// Send sends m.Text to m.To. Its errors are [*sms.Error]; see the package's section
// Answers.
func (s *Sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	form := url.Values{
		"api_key": {s.c.APIKey}, "api_secret": {s.c.APISecret.Reveal()},
		"from": {s.c.From}, "to": {strings.TrimPrefix(m.To, "+")}, "text": {m.Text},
		"type": {"text"}, "client-ref": {m.ID},
	}
	if sms.Measure(m.Text).Encoding != sms.GSM7 {
		form.Set("type", "unicode")
	}
	if s.c.Callback != "" {
		form.Set("callback", s.c.Callback)
	}
	if !m.ExpiresAt.IsZero() {
		form.Set("ttl", strconv.FormatInt(ttl(m.ExpiresAt.Sub(s.c.Now())), 10))
	}
	req, err := s.http.NewPost(ctx, s.url, "application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil {
		return sms.Accepted{}, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.http.Do(req, m)
	if err != nil {
		return sms.Accepted{}, err
	}
	if !resp.OK() {
		return sms.Accepted{}, resp.FailStatus("")
	}
	var answer struct {
		Messages []struct {
			ID     string `json:"message-id"`
			Status string `json:"status"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil || len(answer.Messages) == 0 {
		return sms.Accepted{}, resp.FailUnreadable()
	}
	first := answer.Messages[0]
	for _, part := range answer.Messages {
		switch {
		case part.Status == "":
			return sms.Accepted{}, resp.FailUnreadable()
		case part.Status != first.Status:
			return sms.Accepted{}, s.http.Fail(sms.Uncertain, "sent in part")
		}
	}
	if first.Status != "0" {
		return sms.Accepted{}, refused(resp, first.Status)
	}
	return resp.Accepted(first.ID), nil
}

// refused tells the service's statuses apart.
func refused(r *smshttp.Response, status string) *sms.Error {
	switch status {
	case "1", // throttled
		"9",  // no credit: the account's owner can top up while the code lives
		"10": // too many connections
		return r.Fail(sms.Temporary, status)
	case "5": // an internal error while processing
		return r.Fail(sms.Uncertain, status)
	}
	e := r.Fail(sms.Permanent, status)
	switch status {
	case "6", // an unknown number prefix
		"7",  // a barred number
		"29", // a demo account has not verified it
		"33": // a number out of service
		e.NumberOnly = true
	}
	return e
}

// ttl returns the milliseconds left, within the 20 seconds to 7 days that the service
// accepts.
func ttl(left time.Duration) int64 {
	return min(max(left, 20*time.Second), 7*24*time.Hour).Milliseconds()
}
