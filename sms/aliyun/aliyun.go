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
	"github.com/seed-16109ab2/rekey/sms/internal/smshttp"
	"github.com/seed-16109ab2/rekey/sms/internal/smstemplate"
)

const (
	// Provider is the name in the receipts.
	Provider = "aliyun"
	// DefaultEndpoint is the service's address in mainland China.
	DefaultEndpoint = "https://dysmsapi.aliyuncs.com"

	emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Template is an approved template.
type Template struct {
	// Kind is what messages it is for. Required.
	Kind sms.Kind
	// Language is the BCP 47 language of its text; "zh" serves "zh-CN" as well.
	// Empty: for languages that have none. Each kind needs one of those.
	Language string
	// Code is the template's code, "SMS_…". Required.
	Code string
	// SignName replaces Config.SignName for this template.
	SignName string
	// Params maps the template's variables to the names of the message's values:
	// "code" and "minutes" for a code, "time" for a notice.
	Params map[string]string
}

// Config configures a [Sender].
type Config struct {
	// AccessKeyID and AccessKeySecret belong to a user who may call SendSms. Required.
	AccessKeyID     string
	AccessKeySecret identity.Secret
	// SignName is the approved signature that stands before the text. Required
	// unless every template has its own.
	SignName string
	// Templates by kind and language. Required: one for codes without Language.
	Templates []Template
	// Endpoint is the API's base address; default [DefaultEndpoint]. It must be
	// https, except for loopback hosts, and have no path.
	Endpoint string
	// Client makes the requests; nil stands for one with net/http's defaults. Its
	// CheckRedirect and Jar are not used.
	Client *http.Client
	// Timeout bounds one request. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time; default time.Now. The service refuses requests whose
	// time is more than 15 minutes off.
	Now func() time.Time
}

// Sender is an [sms.Sender] that uses Alibaba Cloud. It is safe for
// concurrent use.
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
		smshttp.CheckPlain("AccessKeyID", c.AccessKeyID),
		smshttp.CheckPlain("AccessKeySecret", c.AccessKeySecret.Reveal()),
	}
	for i, t := range c.Templates {
		field := fmt.Sprintf("Templates[%d]", i)
		t.Params = maps.Clone(t.Params)
		if t.SignName == "" {
			t.SignName = c.SignName
		}
		if t.SignName == "" {
			faults = append(faults, errors.New(field+": neither it nor Config has a SignName"))
		}
		faults = append(faults,
			smshttp.CheckPlain(field+".Code", t.Code),
			smstemplate.CheckParams(field, t.Kind, slices.Collect(maps.Values(t.Params))),
			s.templates.Add(field, t.Kind, t.Language, t))
	}
	faults = append(faults, s.templates.Check())
	var err error
	s.base, err = smshttp.CheckBase("Endpoint", c.Endpoint, DefaultEndpoint)
	faults = append(faults, err)
	s.http, err = smshttp.NewClient(Provider, c.Client, c.Timeout, false)
	faults = append(faults, err)
	if err := smshttp.Config(Provider, faults...); err != nil {
		return nil, err
	}
	return s, nil
}

// Send sends the values of m with the template for its kind and language. Its
// errors are [*sms.Error]; see the package's section Answers.
func (s *Sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	req, err := s.request(m)
	if err != nil {
		return sms.Accepted{}, err
	}
	resp, err := s.http.Do(ctx, req)
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
		return s.http.Receipt(answer.BizID, m), nil
	case answer.Code != "":
		return sms.Accepted{}, s.refused(resp, answer.Code, m)
	case resp.OK():
		return sms.Accepted{}, s.http.FailUnreadable(resp)
	default:
		return sms.Accepted{}, s.http.FailStatus(resp, "", s.c.Now())
	}
}

func (s *Sender) request(m sms.Message) (*http.Request, error) {
	t, ok := s.templates.Pick(m.Kind, m.Language)
	if !ok {
		return nil, s.http.Fail(sms.Permanent, 0, "no template for messages of this kind")
	}
	values := map[string]string{}
	for variable, name := range t.Params {
		v, err := smstemplate.Values(m, []string{name})
		if err != nil {
			return nil, s.http.Fail(sms.Permanent, 0, "%w", err)
		}
		values[variable] = v[0]
	}
	params, err := json.Marshal(values)
	if err != nil {
		return nil, s.http.Fail(sms.Permanent, 0, "values cannot be encoded")
	}
	query := canonicalQuery(map[string]string{
		// Numbers of mainland China may carry 86 without a plus sign; others must
		// have their country code so.
		"PhoneNumbers":  strings.TrimPrefix(m.To, "+"),
		"SignName":      t.SignName,
		"TemplateCode":  t.Code,
		"TemplateParam": string(params),
		"OutId":         m.ID,
	})
	req, err := http.NewRequest(http.MethodPost, s.base+"/?"+query, nil)
	if err != nil {
		return nil, s.http.Fail(sms.Permanent, 0, "request cannot be built")
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

func (s *Sender) refused(r *smshttp.Response, code string, m sms.Message) error {
	o := sms.Permanent
	switch {
	case strings.HasPrefix(code, "Throttling"), strings.HasPrefix(code, "ServiceUnavailable"),
		code == "isv.BUSINESS_LIMIT_CONTROL", code == "isv.DAY_LIMIT_CONTROL", code == "isv.MONTH_LIMIT_CONTROL",
		code == "isv.AMOUNT_NOT_ENOUGH", code == "isv.OUT_OF_SERVICE":
		o = sms.Temporary
	case code == "isp.RAM_PERMISSION_DENY":
	case strings.HasPrefix(code, "isp."), strings.HasPrefix(code, "InternalError"), code == "UnknownError":
		o = sms.Uncertain
	case r.Status == http.StatusTooManyRequests || r.Status >= 500:
		return s.http.FailStatus(r, smshttp.Token(code, m), s.c.Now())
	}
	return s.http.FailAs(o, r, smshttp.Token(code, m), s.c.Now())
}
