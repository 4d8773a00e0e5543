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
	"github.com/seed-16109ab2/rekey/sms/internal/smshttp"
)

// Provider is the name in the receipts.
const Provider = "webhook"

// Config configures a [Sender].
type Config struct {
	// URL takes the requests: https, or http for a loopback host. A query is
	// kept; a user name, password or fragment is refused. Required.
	URL string
	// Secret signs requests: "whsec_" and the base64 of 24 to 64 random bytes. Required.
	Secret identity.Secret
	// OldSecret, of the same form, signs them as well while receivers move from
	// it to Secret. Optional.
	OldSecret identity.Secret
	// InsecureHTTP permits http to hosts other than loopback. Anyone on the path
	// then reads the codes and can use them before the person does.
	InsecureHTTP bool
	// Client makes the requests; nil stands for one with net/http's defaults. Its
	// CheckRedirect and Jar are not used.
	Client *http.Client
	// Timeout bounds one request, from dialling to the last byte of the answer.
	// Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time; default time.Now.
	Now func() time.Time
}

// Sender is an [sms.Sender] that posts messages to a web server. It is
// safe for concurrent use.
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
	_, urlErr := smshttp.CheckEndpoint("URL", c.URL, c.InsecureHTTP)
	faults := []error{urlErr}
	key, err := parseSecret("Secret", c.Secret)
	faults = append(faults, err)
	s.keys = append(s.keys, key)
	if !c.OldSecret.Empty() {
		key, err = parseSecret("OldSecret", c.OldSecret)
		faults = append(faults, err)
		s.keys = append(s.keys, key)
	}
	// The id makes a repetition harmless, whatever became of the first.
	s.http, err = smshttp.NewClient(Provider, c.Client, c.Timeout, true)
	faults = append(faults, err)
	if err := smshttp.Config(Provider, faults...); err != nil {
		return nil, err
	}
	return s, nil
}

// Send posts m. It returns a [*sms.Error] whose outcome is never
// uncertain; see the package's section Answers. When ctx ended, the error wraps
// ctx's.
func (s *Sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	req, err := s.request(m)
	if err != nil {
		return sms.Accepted{}, err
	}
	resp, err := s.http.Do(ctx, req)
	if err != nil {
		return sms.Accepted{}, err
	}
	if !resp.OK() {
		return sms.Accepted{}, s.http.FailStatus(resp, "", s.now())
	}
	var answer struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		answer.ID = "" // the status has accepted the message; the id is a courtesy
	}
	return s.http.Receipt(answer.ID, m), nil
}

func (s *Sender) request(m sms.Message) (*http.Request, error) {
	if !usableID(m.ID) {
		return nil, s.http.Fail(sms.Permanent, 0, "message id is empty, too long or not plain ASCII without full stops")
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
		// Not err itself: encoding/json may quote a value.
		return nil, s.http.Fail(sms.Permanent, 0, "message cannot be encoded")
	}
	req, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(body.Bytes()))
	if err != nil {
		return nil, s.http.Fail(sms.Permanent, 0, "request cannot be built")
	}
	var signatures []string
	for _, key := range s.keys {
		signatures = append(signatures, sign(key, m.ID, now.Unix(), body.Bytes()))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", m.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", strings.Join(signatures, " "))
	return req, nil
}
