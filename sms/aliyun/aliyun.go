package aliyun

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/provider"
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
	"github.com/seed-16109ab2/rekey/sms/internal/smstemplate"
	"github.com/seed-16109ab2/rekey/sms/smshttp"
)

const (
	// Provider is the name in what Send returns and in receipts.
	Provider = "aliyun"
	// DefaultEndpoint is the service's address in mainland China.
	DefaultEndpoint = "https://dysmsapi.aliyuncs.com"

	emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Template is an approved template.
type Template struct {
	// Kind is the kind of messages that it is for. Required.
	Kind sms.Kind
	// Language is the BCP 47 language of its text; "zh" serves "zh-CN" as well. A
	// template without Language serves all languages that have none. Each kind needs one.
	Language string
	// Code is the template's code, "SMS_…". Required.
	Code string
	// SignName replaces Config.SignName for this template.
	SignName string
	// Params maps the template's variables to names in the message's Params: "code"
	// and "minutes" for a code, "time" for a notice.
	Params map[string]string
}

// Config configures a [Sender].
type Config struct {
	// AccessKeyID and AccessKeySecret belong to a user who may call SendSms. Required.
	AccessKeyID     string
	AccessKeySecret identity.Secret
	// SignName is the approved signature that stands before the text. Required, unless
	// every template has its own.
	SignName string
	// Templates by kind and language. One for codes without Language is required.
	Templates []Template
	// Endpoint is the API's base address. It must be https, except for loopback hosts,
	// and have no path. Default [DefaultEndpoint].
	Endpoint string
	// Client makes the requests. Its CheckRedirect and Jar are not used. If nil, a
	// client with net/http's defaults is used.
	Client *http.Client
	// Timeout bounds one request. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time. Default time.Now. The service refuses requests whose time is
	// more than 15 minutes off.
	Now func() time.Time
}

// Sender is an [sms.Sender] that uses Alibaba Cloud. It is safe for concurrent use.
type Sender struct {
	c         Config
	base      string
	templates smstemplate.Set[Template]
	http      *smshttp.Client
}

// New returns a Sender, or an error that joins all faults of c.
func New(c Config) (*Sender, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Sender{c: c}
	faults := []error{
		smsconfig.Plain("AccessKeyID", c.AccessKeyID),
		smsconfig.Plain("AccessKeySecret", c.AccessKeySecret.Reveal()),
	}
	for i, t := range c.Templates {
		field := fmt.Sprintf("Templates[%d]", i)
		t.Params = maps.Clone(t.Params)
		if t.SignName == "" {
			t.SignName = c.SignName
		}
		if t.SignName == "" {
			faults = append(faults, errors.New(field+": neither the template nor Config has a SignName"))
		}
		faults = append(faults,
			smsconfig.Plain(field+".Code", t.Code),
			s.templates.Add(field, t.Kind, t.Language, slices.Collect(maps.Values(t.Params)), t))
	}
	faults = append(faults, s.templates.Check())
	var err error
	s.base, s.http, err = provider.Open(c.Endpoint, DefaultEndpoint,
		smshttp.Config{Provider: Provider, Client: c.Client, Timeout: c.Timeout, Now: c.Now}, faults...)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Send sends the values of m with the template for its kind and language. Its errors
// are [*sms.Error]; see the package's section Answers.
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
		Code  string `json:"Code"`
		BizID string `json:"BizId"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		answer.Code = ""
	}
	switch {
	case resp.OK() && answer.Code == "OK":
		return resp.Accepted(answer.BizID), nil
	case answer.Code != "":
		return sms.Accepted{}, refused(resp, answer.Code)
	case resp.OK():
		return sms.Accepted{}, resp.FailUnreadable()
	default:
		return sms.Accepted{}, resp.FailStatus("")
	}
}

func (s *Sender) request(ctx context.Context, m sms.Message) (*http.Request, error) {
	t, err := s.templates.For(m)
	if err != nil {
		return nil, s.http.Fail(sms.Permanent, "%w", err)
	}
	values := map[string]string{}
	for variable, name := range t.Params {
		values[variable] = m.Params[name]
	}
	params, err := json.Marshal(values)
	if err != nil {
		return nil, s.http.Fail(sms.Permanent, "values cannot be encoded")
	}
	query := canonicalQuery(map[string]string{
		// The service wants the country code without a plus sign.
		"PhoneNumbers":  strings.TrimPrefix(m.To, "+"),
		"SignName":      t.SignName,
		"TemplateCode":  t.Code,
		"TemplateParam": string(params),
		"OutId":         m.ID,
	})
	req, err := s.http.NewPost(ctx, s.base+"/?"+query, "", nil)
	if err != nil {
		return nil, err
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails: crypto/rand ends the program instead
	for name, value := range map[string]string{
		"X-Acs-Action":          "SendSms",
		"X-Acs-Version":         "2017-05-25",
		"X-Acs-Date":            s.c.Now().UTC().Format("2006-01-02T15:04:05Z"),
		"X-Acs-Signature-Nonce": hex.EncodeToString(nonce[:]),
		"X-Acs-Content-Sha256":  emptySHA256,
	} {
		req.Header.Set(name, value)
	}
	req.Header.Set("Accept", "application/json")
	authorize(req, s.c.AccessKeyID, s.c.AccessKeySecret.Reveal())
	return req, nil
}

// refused tells the service's error codes apart.
func refused(r *smshttp.Response, code string) *sms.Error {
	switch {
	case code == "isv.BUSINESS_LIMIT_CONTROL": // too many messages to this number
		return numberOnly(r.Fail(sms.Temporary, code))
	case code == "isv.MOBILE_NUMBER_ILLEGAL":
		return numberOnly(r.Fail(sms.Permanent, code))
	case strings.HasPrefix(code, "Throttling"), strings.HasPrefix(code, "ServiceUnavailable"),
		code == "isv.DAY_LIMIT_CONTROL", code == "isv.MONTH_LIMIT_CONTROL",
		code == "isv.AMOUNT_NOT_ENOUGH", code == "isv.OUT_OF_SERVICE":
		return r.Fail(sms.Temporary, code)
	case code == "isp.RAM_PERMISSION_DENY":
		return r.Fail(sms.Permanent, code)
	case strings.HasPrefix(code, "isp."), strings.HasPrefix(code, "InternalError"), code == "UnknownError":
		return r.Fail(sms.Uncertain, code)
	case r.OK():
		return r.Fail(sms.Permanent, code)
	default:
		return r.FailStatus(code)
	}
}

func numberOnly(e *sms.Error) *sms.Error {
	e.NumberOnly = true
	return e
}
