package sns

import (
	"context"
	"encoding/xml"
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

// Provider is the name in what Send returns and in receipts.
const Provider = "sns"

// Credentials sign requests.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey identity.Secret
	SessionToken    identity.Secret // of short-lived credentials; otherwise empty
}

func (c Credentials) check() error {
	faults := []error{
		smsconfig.Plain("AccessKeyID", c.AccessKeyID),
		smsconfig.Plain("SecretAccessKey", c.SecretAccessKey.Reveal()),
	}
	if !c.SessionToken.Empty() {
		faults = append(faults, smsconfig.Plain("SessionToken", c.SessionToken.Reveal()))
	}
	return errors.Join(faults...)
}

// Config configures a [Sender].
type Config struct {
	// Region is the region whose SNS sends, such as "eu-central-1". Required.
	Region string
	// Credentials belong to a user who may publish to phone numbers. Exactly one of
	// Credentials and Provide is required.
	Credentials Credentials
	// Provide returns the credentials for the next message, and should cache them. It
	// is called concurrently. Its errors count as temporary. They are not shown, because
	// they may hold what they failed to parse.
	Provide func(context.Context) (Credentials, error)
	// SenderID is shown as the sender where a country permits it: 1 to 11 letters,
	// digits and hyphens. Optional.
	SenderID string
	// OriginationNumber is the sender's own number, in E.164. Optional.
	OriginationNumber string
	// Endpoint is the API's base address. It must be https, except for loopback hosts,
	// and have no path. Default: the address of SNS in Region.
	Endpoint string
	// Client makes the requests. Its CheckRedirect and Jar are not used. If nil, a
	// client with net/http's defaults is used.
	Client *http.Client
	// Timeout bounds one request; it does not bound Provide. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time. Default time.Now. AWS refuses requests whose time is more than
	// 5 minutes off.
	Now func() time.Time
}

// Sender is an [sms.Sender] that uses Amazon SNS. It is safe for concurrent use.
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
	faults := []error{smsconfig.Plain("Region", c.Region)}
	if strings.ContainsAny(c.Region, "/:@.?#") {
		faults = append(faults, errors.New("invalid Region: it must be usable as part of a host name"))
	}
	switch given := c.Credentials.AccessKeyID != "" || !c.Credentials.SecretAccessKey.Empty(); {
	case c.Provide == nil:
		faults = append(faults, c.Credentials.check())
		fixed := c.Credentials
		c.Provide = func(context.Context) (Credentials, error) { return fixed, nil }
	case given:
		faults = append(faults, errors.New("exactly one of Credentials and Provide is required"))
	}
	if len(c.SenderID) > 11 {
		faults = append(faults, errors.New("SenderID is longer than 11 characters"))
	}
	suffix := ""
	if strings.HasPrefix(c.Region, "cn-") {
		suffix = ".cn"
	}
	base, client, err := provider.Open(c.Endpoint, "https://sns."+c.Region+".amazonaws.com"+suffix,
		smshttp.Config{Provider: Provider, Client: c.Client, Timeout: c.Timeout, Now: c.Now}, faults...)
	if err != nil {
		return nil, err
	}
	return &Sender{c: c, url: base + "/", http: client}, nil
}

// Send sends m.Text to m.To as a transactional message. Its errors are [*sms.Error];
// see the package's section Answers.
func (s *Sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	credentials, err := s.c.Provide(ctx)
	if err != nil || credentials.check() != nil {
		if ctx.Err() != nil {
			return sms.Accepted{}, s.http.Fail(sms.Temporary, "%w", ctx.Err())
		}
		return sms.Accepted{}, s.http.Fail(sms.Temporary, "no credentials")
	}
	body := s.form(m).Encode()
	req, err := s.http.NewPost(ctx, s.url, "application/x-www-form-urlencoded; charset=utf-8", []byte(body))
	if err != nil {
		return sms.Accepted{}, err
	}
	authorize(req, body, credentials, s.c.Region, "sns", s.c.Now())
	resp, err := s.http.Do(req, m)
	if err != nil {
		return sms.Accepted{}, err
	}
	if !resp.OK() {
		return sms.Accepted{}, refused(resp)
	}
	var answer struct {
		XMLName xml.Name `xml:"PublishResponse"`
		ID      string   `xml:"PublishResult>MessageId"`
	}
	if err := xml.Unmarshal(resp.Body, &answer); err != nil || answer.ID == "" {
		return sms.Accepted{}, resp.FailUnreadable()
	}
	return resp.Accepted(answer.ID), nil
}

func (s *Sender) form(m sms.Message) url.Values {
	form := url.Values{
		"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {m.To}, "Message": {m.Text},
	}
	n := 0
	attribute := func(name, value string) {
		if value == "" {
			return
		}
		n++
		prefix := "MessageAttributes.entry." + strconv.Itoa(n) + "."
		form.Set(prefix+"Name", name)
		form.Set(prefix+"Value.DataType", "String")
		form.Set(prefix+"Value.StringValue", value)
	}
	attribute("AWS.SNS.SMS.SMSType", "Transactional")
	attribute("AWS.SNS.SMS.SenderID", s.c.SenderID)
	attribute("AWS.MM.SMS.OriginationNumber", s.c.OriginationNumber)
	return form
}

// refused tells the service's error codes apart.
func refused(r *smshttp.Response) *sms.Error {
	var answer struct {
		XMLName xml.Name `xml:"ErrorResponse"`
		Code    string   `xml:"Error>Code"`
	}
	if err := xml.Unmarshal(r.Body, &answer); err != nil {
		answer.Code = ""
	}
	switch answer.Code {
	case "Throttling", "ThrottlingException", "ThrottledException", "Throttled", "RequestLimitExceeded",
		"ServiceUnavailable", "ExpiredToken", "ExpiredTokenException":
		return r.Fail(sms.Temporary, answer.Code)
	case "OptedOut", "OptedOutException":
		e := r.Fail(sms.Permanent, answer.Code)
		e.NumberOnly = true
		return e
	}
	return r.FailStatus(answer.Code)
}
