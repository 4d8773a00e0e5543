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
	"github.com/seed-16109ab2/rekey/sms/internal/provider"
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
	"github.com/seed-16109ab2/rekey/sms/smshttp"
)

const (
	// Provider is the name in what Send returns and in receipts.
	Provider = "twilio"
	// DefaultEndpoint is the API's address outside Twilio's regions.
	DefaultEndpoint = "https://api.twilio.com"
)

// Config configures a [Sender].
type Config struct {
	// AccountSID names the account, "AC…". Required.
	AccountSID string
	// KeySID is the SID of an API key, "SK…". Empty if AuthToken is the account's.
	KeySID string
	// AuthToken is the account's auth token, or the secret of the API key. Required.
	AuthToken identity.Secret
	// From is the sender: a number in E.164, a short code or an alphanumeric id.
	// Exactly one of From and MessagingServiceSID is required.
	From string
	// MessagingServiceSID names a messaging service, "MG…", which chooses the sender.
	MessagingServiceSID string
	// StatusCallback is the public address of the handler that [NewReceipts] returns.
	// Empty for no receipts.
	StatusCallback string
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
		smsconfig.Plain("AccountSID", c.AccountSID),
		smsconfig.Plain("AuthToken", c.AuthToken.Reveal()),
	}
	if strings.ContainsAny(c.AccountSID+c.KeySID, ":/?#%") {
		// A colon would move the border between user name and password.
		faults = append(faults, errors.New("AccountSID or KeySID is not a SID"))
	}
	if (c.From == "") == (c.MessagingServiceSID == "") {
		faults = append(faults, errors.New("exactly one of From and MessagingServiceSID is required"))
	}
	base, client, err := provider.Open(c.Endpoint, DefaultEndpoint,
		smshttp.Config{Provider: Provider, Client: c.Client, Timeout: c.Timeout, Now: c.Now}, faults...)
	if err != nil {
		return nil, err
	}
	if c.KeySID == "" {
		c.KeySID = c.AccountSID
	}
	return &Sender{c: c, url: base + "/2010-04-01/Accounts/" + c.AccountSID + "/Messages.json", http: client}, nil
}

// Send sends m.Text to m.To. Its errors are [*sms.Error]; see the package's section
// Answers.
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
	req, err := s.http.NewPost(ctx, s.url, "application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil {
		return sms.Accepted{}, err
	}
	req.SetBasicAuth(s.c.KeySID, s.c.AuthToken.Reveal())
	req.Header.Set("Accept", "application/json")
	resp, err := s.http.Do(req, m)
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
		return sms.Accepted{}, refused(resp, answer.Code)
	}
	if parseErr != nil || answer.SID == "" {
		return sms.Accepted{}, resp.FailUnreadable()
	}
	switch string(answer.Status) {
	case `"failed"`, `"undelivered"`, `"canceled"`:
		return sms.Accepted{}, resp.Fail(sms.Permanent, "")
	}
	return resp.Accepted(answer.SID), nil
}

// refused tells Twilio's error codes apart, https://www.twilio.com/docs/api/errors.
func refused(r *smshttp.Response, code int) *sms.Error {
	token := ""
	if code != 0 {
		token = strconv.Itoa(code)
	}
	switch code {
	case 20429, // too many requests of the account
		21611, // the sender's queue is full
		63038: // the account's limit of a day
		return r.Fail(sms.Temporary, token)
	case 14107: // too many messages to this number from this sender in 30 s
		e := r.Fail(sms.Temporary, token)
		e.NumberOnly = true
		return e
	case 21211, 21217, 21265, 21266, // not a number that takes SMS
		21612, 21614, // not reachable from this sender; not a mobile number
		21608, // a trial account has not verified it
		21610: // the person wrote STOP
		e := r.Fail(sms.Permanent, token)
		e.NumberOnly = true
		return e
	}
	return r.FailStatus(token)
}

// validity returns the seconds left, within the 1 to 36,000 that Twilio accepts.
func validity(left time.Duration) int {
	return int(min(max(left.Round(time.Second)/time.Second, 1), 36000))
}
