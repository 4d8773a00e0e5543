package bird

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/provider"
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
	"github.com/seed-16109ab2/rekey/sms/smshttp"
)

const (
	// Provider is the name in what Send returns and in receipts.
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
	// Endpoint is the API's base address. It must be https, except for loopback hosts.
	// Default [DefaultEndpoint].
	Endpoint string
	// Client makes the requests. Its CheckRedirect and Jar are not used. If nil, a
	// client with net/http's defaults is used.
	Client *http.Client
	// Timeout bounds one request. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time, to read a Retry-After date. Default time.Now.
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
	faults := []error{
		smsconfig.Plain("AccessKey", c.AccessKey.Reveal()),
		smsconfig.Plain("WorkspaceID", c.WorkspaceID),
		smsconfig.Plain("ChannelID", c.ChannelID),
	}
	if url.PathEscape(c.WorkspaceID) != c.WorkspaceID || url.PathEscape(c.ChannelID) != c.ChannelID {
		faults = append(faults, errors.New("WorkspaceID or ChannelID is not an id"))
	}
	base, client, err := provider.Open(c.Endpoint, DefaultEndpoint,
		smshttp.Config{Provider: Provider, Client: c.Client, Timeout: c.Timeout, Now: c.Now}, faults...)
	if err != nil {
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

// Send sends m.Text to m.To. Its errors are [*sms.Error]; see the package's section
// Answers.
func (s *Sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	var out message
	out.Receiver.Contacts = []contact{{"phonenumber", m.To}}
	out.Body.Type = "text"
	out.Body.Text.Text = m.Text
	out.Reference = m.ID
	body, err := json.Marshal(out)
	if err != nil {
		return sms.Accepted{}, s.http.Fail(sms.Permanent, "message cannot be encoded")
	}
	req, err := s.http.NewPost(ctx, s.url, "application/json", body)
	if err != nil {
		return sms.Accepted{}, err
	}
	req.Header.Set("Authorization", "AccessKey "+s.c.AccessKey.Reveal())
	req.Header.Set("Accept", "application/json")
	resp, err := s.http.Do(req, m)
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
		return sms.Accepted{}, resp.FailStatus(answer.Code)
	case parseErr != nil || answer.ID == "":
		return sms.Accepted{}, resp.FailUnreadable()
	case answer.Status == "rejected":
		return sms.Accepted{}, resp.Fail(sms.Permanent, answer.Status)
	}
	return resp.Accepted(answer.ID), nil
}
