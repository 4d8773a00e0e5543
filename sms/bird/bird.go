package bird

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smshttp"
)

const (
	// Provider is the name in the receipts.
	Provider = "bird"
	// DefaultEndpoint is the API's address.
	DefaultEndpoint = "https://api.bird.com"
)

// Config configures a [Sender].
type Config struct {
	// AccessKey may send messages on the channel. Required.
	AccessKey identity.Secret
	// WorkspaceID and ChannelID name an SMS channel, as UUIDs. Required.
	WorkspaceID, ChannelID string
	// Endpoint is the API's base address; default [DefaultEndpoint]. It must be
	// https, except for loopback hosts.
	Endpoint string
	// Client makes the requests; nil stands for one with net/http's defaults. Its
	// CheckRedirect and Jar are not used.
	Client *http.Client
	// Timeout bounds one request. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time; default time.Now. It serves to read Retry-After.
	Now func() time.Time
}

// Sender is an [sms.Sender] that uses Bird. It is safe for concurrent use.
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
		smshttp.CheckPlain("AccessKey", c.AccessKey.Reveal()),
		smshttp.CheckPlain("WorkspaceID", c.WorkspaceID),
		smshttp.CheckPlain("ChannelID", c.ChannelID),
	}
	if url.PathEscape(c.WorkspaceID) != c.WorkspaceID || url.PathEscape(c.ChannelID) != c.ChannelID {
		faults = append(faults, errors.New("WorkspaceID or ChannelID is no id"))
	}
	base, err := smshttp.CheckBase("Endpoint", c.Endpoint, DefaultEndpoint)
	faults = append(faults, err)
	client, err := smshttp.NewClient(Provider, c.Client, c.Timeout, false)
	faults = append(faults, err)
	if err := smshttp.Config(Provider, faults...); err != nil {
		return nil, err
	}
	return &Sender{c: c, http: client,
		url: base + "/workspaces/" + c.WorkspaceID + "/channels/" + c.ChannelID + "/messages"}, nil
}

type contact struct {
	Key   string `json:"identifierKey"`
	Value string `json:"identifierValue"`
}

type message struct {
	Receiver struct {
		Contacts []contact `json:"contacts"`
	} `json:"receiver"`
	Body struct {
		Type string `json:"type"`
		Text struct {
			Text string `json:"text"`
		} `json:"text"`
	} `json:"body"`
	Reference string `json:"reference,omitempty"`
}

// Send sends m.Text to m.To. Its errors are [*sms.Error]; see the
// package's section Answers.
func (s *Sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	var out message
	out.Receiver.Contacts = []contact{{"phonenumber", m.To}}
	out.Body.Type = "text"
	out.Body.Text.Text = m.Text
	out.Reference = m.ID
	body, err := json.Marshal(out)
	if err != nil {
		return sms.Accepted{}, s.http.Fail(sms.Permanent, 0, "message cannot be encoded")
	}
	req, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return sms.Accepted{}, s.http.Fail(sms.Permanent, 0, "request cannot be built")
	}
	req.Header.Set("Authorization", "AccessKey "+s.c.AccessKey.Reveal())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := s.http.Do(ctx, req)
	if err != nil {
		return sms.Accepted{}, err
	}
	var answer struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Code   string `json:"code"`
	}
	parseErr := json.Unmarshal(resp.Body, &answer)
	switch {
	case !resp.OK():
		return sms.Accepted{}, s.http.FailStatus(resp, smshttp.Token(answer.Code, m), s.c.Now())
	case parseErr != nil || answer.ID == "":
		return sms.Accepted{}, s.http.FailUnreadable(resp)
	case answer.Status == "rejected":
		return sms.Accepted{}, s.http.FailAs(sms.Permanent, resp, answer.Status, s.c.Now())
	}
	return s.http.Receipt(answer.ID, m), nil
}
