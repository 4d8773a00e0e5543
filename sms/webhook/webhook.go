package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
	"github.com/seed-16109ab2/rekey/sms/smshttp"
)

// Provider is the name in what Send returns and in receipts.
const Provider = "webhook"

// Config configures a [Sender].
type Config struct {
	// URL takes the requests. It must be https, except for loopback hosts. It may have
	// a query, but no user name, password or fragment. Required.
	URL string
	// Secret signs requests: "whsec_" and the base64 of 24 to 64 random bytes. Required.
	Secret identity.Secret
	// OldSecret has the same form, and signs the requests as well while receivers move
	// from it to Secret. Optional.
	OldSecret identity.Secret
	// InsecureHTTP permits http to hosts other than loopback. Anyone on the path can
	// then read the codes and use them before the person does.
	InsecureHTTP bool
	// Client makes the requests. Its CheckRedirect and Jar are not used. If nil, a
	// client with net/http's defaults is used.
	Client *http.Client
	// Timeout bounds one request, from dialling to the last byte of the answer.
	// Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time. Default time.Now.
	Now func() time.Time
}

// Sender is an [sms.Sender] that posts messages to a web server. It is safe for
// concurrent use.
type Sender struct {
	url  string
	keys [][]byte
	http *smshttp.Client
	now  func() time.Time
}

// New returns a Sender, or an error that joins all faults of c.
func New(c Config) (*Sender, error) {
	s := &Sender{url: c.URL, now: c.Now}
	if s.now == nil {
		s.now = time.Now
	}
	_, urlErr := smsconfig.Endpoint("URL", c.URL, c.InsecureHTTP)
	faults := []error{urlErr}
	key, err := parseSecret("Secret", c.Secret)
	faults = append(faults, err)
	s.keys = append(s.keys, key)
	if !c.OldSecret.Empty() {
		key, err = parseSecret("OldSecret", c.OldSecret)
		faults = append(faults, err)
		s.keys = append(s.keys, key)
	}
	// The receiver recognises a repetition by its id.
	s.http, err = smshttp.New(smshttp.Config{Provider: Provider, Client: c.Client, Timeout: c.Timeout, Now: c.Now,
		Idempotent: true, InsecureHTTP: c.InsecureHTTP})
	faults = append(faults, err)
	if err := smsconfig.Join(Provider, faults...); err != nil {
		return nil, err
	}
	return s, nil
}

// Send posts m. Its errors are [*sms.Error] and never uncertain; see the package's
// section Answers. If ctx ended, the error wraps ctx's error.
func (s *Sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	req, err := s.request(ctx, m)
	if err != nil {
		return sms.Accepted{}, err
	}
	resp, err := s.http.Do(req, m)
	if err != nil {
		return sms.Accepted{}, err
	}
	var answer struct {
		ID         string `json:"id"`
		NumberOnly bool   `json:"number_only"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		answer.ID, answer.NumberOnly = "", false // the status decides, and the body may add to it
	}
	if !resp.OK() {
		failure := resp.FailStatus("")
		failure.NumberOnly = answer.NumberOnly
		return sms.Accepted{}, failure
	}
	return resp.Accepted(answer.ID), nil
}

func (s *Sender) request(ctx context.Context, m sms.Message) (*http.Request, error) {
	if !usableID(m.ID) {
		return nil, s.http.Fail(sms.Permanent, "message id is empty, too long or not plain ASCII without full stops")
	}
	now := s.now().UTC()
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	err := enc.Encode(Payload{Type: PayloadType, Timestamp: now.Truncate(time.Second), Data: Data{
		To: m.To, Kind: m.Kind, Purpose: m.Purpose, Tenant: m.Tenant, Language: m.Language,
		Text: m.Text, Params: m.Params, ExpiresAt: m.ExpiresAt.UTC(),
	}})
	if err != nil {
		// err is left out, because encoding/json may quote a value in it.
		return nil, s.http.Fail(sms.Permanent, "message cannot be encoded")
	}
	req, err := s.http.NewPost(ctx, s.url, "application/json", body.Bytes())
	if err != nil {
		return nil, err
	}
	var signatures []string
	for _, key := range s.keys {
		signatures = append(signatures, sign(key, m.ID, now.Unix(), body.Bytes()))
	}
	req.Header.Set("Webhook-Id", m.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", strings.Join(signatures, " "))
	return req, nil
}
