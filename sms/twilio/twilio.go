package twilio

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
	"github.com/seed-16109ab2/rekey/sms/internal/smshttp"
)

const (
	// Provider is the name in the receipts.
	Provider = "twilio"
	// DefaultEndpoint is the API's address outside Twilio's regions.
	DefaultEndpoint = "https://api.twilio.com"
)

// Config configures a [Sender].
type Config struct {
	// AccountSID names the account, "AC…". Required.
	AccountSID string
	// KeySID is the SID of an API key, "SK…"; empty when AuthToken is the account's.
	KeySID string
	// AuthToken is the account's auth token, or the secret of the API key. Required.
	AuthToken identity.Secret
	// From is the sender: a number in E.164, a short code or an alphanumeric id.
	// Exactly one of From and MessagingServiceSID is required.
	From string
	// MessagingServiceSID leaves the choice of a sender to a messaging service, "MG…".
	MessagingServiceSID string
	// StatusCallback is the public address of the handler made by [NewReceipts];
	// empty for no receipts.
	StatusCallback string
	// Endpoint is the API's base address; default [DefaultEndpoint]. It must be
	// https, except for loopback hosts.
	Endpoint string
	// Client makes the requests; nil stands for one with net/http's defaults. Its
	// CheckRedirect and Jar are not used.
	Client *http.Client
	// Timeout bounds one request. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time; default time.Now.
	Now func() time.Time
}

// Sender is an [sms.Sender] that uses Twilio. It is safe for concurrent use.
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
		smshttp.CheckPlain("AccountSID", c.AccountSID),
		smshttp.CheckPlain("AuthToken", c.AuthToken.Reveal()),
	}
	if strings.ContainsAny(c.AccountSID+c.KeySID, ":/?#%") {
		// A colon would move the border between user and password in Basic.
		faults = append(faults, errors.New("AccountSID or KeySID is no SID"))
	}
	if (c.From == "") == (c.MessagingServiceSID == "") {
		faults = append(faults, errors.New("exactly one of From and MessagingServiceSID is required"))
	}
	base, err := smshttp.CheckBase("Endpoint", c.Endpoint, DefaultEndpoint)
	faults = append(faults, err)
	client, err := smshttp.NewClient(Provider, c.Client, c.Timeout, false)
	faults = append(faults, err)
	if err := smshttp.Config(Provider, faults...); err != nil {
		return nil, err
	}
	if c.KeySID == "" {
		c.KeySID = c.AccountSID
	}
	return &Sender{c: c, url: base + "/2010-04-01/Accounts/" + c.AccountSID + "/Messages.json", http: client}, nil
}

// Send sends m.Text to m.To. Its errors are [*sms.Error]; see the
// package's section Answers.
func (s *Sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	form := url.Values{"To": {m.To}, "Body": {m.Text}}
	if s.c.From != "" {
		form.Set("From", s.c.From)
	} else {
		form.Set("MessagingServiceSid", s.c.MessagingServiceSID)
	}
	if s.c.StatusCallback != "" {
		form.Set("StatusCallback", s.c.StatusCallback)
	}
	if !m.ExpiresAt.IsZero() {
		form.Set("ValidityPeriod", strconv.Itoa(validity(m.ExpiresAt.Sub(s.c.Now()))))
	}
	req, err := http.NewRequest(http.MethodPost, s.url, strings.NewReader(form.Encode()))
	if err != nil {
		return sms.Accepted{}, s.http.Fail(sms.Permanent, 0, "request cannot be built")
	}
	req.SetBasicAuth(s.c.KeySID, s.c.AuthToken.Reveal())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := s.http.Do(ctx, req)
	if err != nil {
		return sms.Accepted{}, err
	}
	var answer struct {
		SID    string          `json:"sid"`
		Status json.RawMessage `json:"status"` // a word of the message, or the HTTP status of an error
		Code   int             `json:"code"`
	}
	parseErr := json.Unmarshal(resp.Body, &answer)
	if !resp.OK() {
		return sms.Accepted{}, s.refused(resp, answer.Code, m)
	}
	if parseErr != nil || answer.SID == "" {
		return sms.Accepted{}, s.http.FailUnreadable(resp)
	}
	switch string(answer.Status) {
	case `"failed"`, `"undelivered"`, `"canceled"`:
		return sms.Accepted{}, s.http.FailAs(sms.Permanent, resp, "", s.c.Now())
	}
	return s.http.Receipt(answer.SID, m), nil
}

func (s *Sender) refused(r *smshttp.Response, code int, m sms.Message) error {
	token := ""
	if code != 0 {
		token = smshttp.Token(strconv.Itoa(code), m)
	}
	switch code {
	case 14107, // message rate exceeded
		20429, // too many requests
		21611: // the sender's queue is full
		return s.http.FailAs(sms.Temporary, r, token, s.c.Now())
	}
	return s.http.FailStatus(r, token, s.c.Now())
}

// validity is a period that Twilio accepts: 1 to 36,000 seconds.
func validity(left time.Duration) int {
	return int(min(max(left.Round(time.Second)/time.Second, 1), 36000))
}
