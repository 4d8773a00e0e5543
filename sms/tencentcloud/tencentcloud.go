package tencentcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
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
	Provider = "tencentcloud"
	// DefaultEndpoint is the service's address.
	DefaultEndpoint = "https://sms.tencentcloudapi.com"
	// DefaultRegion is the region of the service for numbers of mainland China.
	DefaultRegion = "ap-guangzhou"
)

// Template is an approved template.
type Template struct {
	// Kind is the kind of messages that it is for. Required.
	Kind sms.Kind
	// Language is the BCP 47 language of its text; "zh" serves "zh-CN" as well. A
	// template without Language serves all languages that have none. Each kind needs one.
	Language string
	// ID is the template's number. Required.
	ID string
	// SignName replaces Config.SignName for this template.
	SignName string
	// Params are the names in the message's Params for {1}, {2} and so on: "code" and
	// "minutes" for a code, "time" for a notice.
	Params []string
}

// Config configures a [Sender].
type Config struct {
	// SecretID and SecretKey belong to a user who may call SendSms. Required.
	SecretID  string
	SecretKey identity.Secret
	// AppID is the SMS application's SdkAppId. Required.
	AppID string
	// SignName is the approved signature that stands before the text, without its
	// brackets. The service requires it for mainland China, not elsewhere.
	SignName string
	// Templates by kind and language. One for codes without Language is required.
	Templates []Template
	// Region of the service. Default [DefaultRegion].
	Region string
	// Endpoint is the API's base address. It must be https, except for loopback hosts,
	// and have no path. Default [DefaultEndpoint].
	Endpoint string
	// Client makes the requests. Its CheckRedirect and Jar are not used. If nil, a
	// client with net/http's defaults is used.
	Client *http.Client
	// Timeout bounds one request. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time. Default time.Now. The service refuses requests whose time is
	// more than 5 minutes off.
	Now func() time.Time
}

// Sender is an [sms.Sender] that uses Tencent Cloud. It is safe for concurrent use.
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
	if c.Region == "" {
		c.Region = DefaultRegion
	}
	s := &Sender{c: c}
	faults := []error{
		smsconfig.Plain("SecretID", c.SecretID),
		smsconfig.Plain("SecretKey", c.SecretKey.Reveal()),
		smsconfig.Plain("AppID", c.AppID),
		smsconfig.Plain("Region", c.Region),
	}
	for i, t := range c.Templates {
		field := fmt.Sprintf("Templates[%d]", i)
		t.Params = slices.Clone(t.Params)
		if t.SignName == "" {
			t.SignName = c.SignName
		}
		faults = append(faults,
			smsconfig.Plain(field+".ID", t.ID),
			s.templates.Add(field, t.Kind, t.Language, t.Params, t))
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
	if !resp.OK() {
		return sms.Accepted{}, resp.FailStatus("")
	}
	var answer struct {
		Response struct {
			Error         *struct{ Code string }
			SendStatusSet []struct{ SerialNo, Code string }
		}
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		return sms.Accepted{}, resp.FailUnreadable()
	}
	if e := answer.Response.Error; e != nil && e.Code != "" {
		return sms.Accepted{}, refused(resp, e.Code)
	}
	if set := answer.Response.SendStatusSet; len(set) == 1 && set[0].Code != "" {
		if set[0].Code == "Ok" {
			return resp.Accepted(set[0].SerialNo), nil
		}
		return sms.Accepted{}, refused(resp, set[0].Code)
	}
	return sms.Accepted{}, resp.FailUnreadable()
}

func (s *Sender) request(ctx context.Context, m sms.Message) (*http.Request, error) {
	t, err := s.templates.For(m)
	if err != nil {
		return nil, s.http.Fail(sms.Permanent, "%w", err)
	}
	body, err := json.Marshal(struct {
		PhoneNumberSet   []string
		AppID            string `json:"SmsSdkAppId"`
		SignName         string `json:",omitempty"`
		TemplateID       string `json:"TemplateId"`
		TemplateParamSet []string
		SessionContext   string
	}{[]string{m.To}, s.c.AppID, t.SignName, t.ID, smstemplate.Values(m, t.Params), m.ID})
	if err != nil {
		return nil, s.http.Fail(sms.Permanent, "message cannot be encoded")
	}
	const action = "SendSms"
	now := s.c.Now()
	req, err := s.http.NewPost(ctx, s.base+"/", contentType, body)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"X-TC-Action":    action,
		"X-TC-Version":   "2021-01-11",
		"X-TC-Region":    s.c.Region,
		"X-TC-Timestamp": strconv.FormatInt(now.Unix(), 10),
		"Authorization":  authorization(s.c.SecretID, s.c.SecretKey.Reveal(), req.URL.Host, "sms", action, now, string(body)),
	} {
		req.Header.Set(name, value)
	}
	return req, nil
}

// refused tells the service's error codes apart.
func refused(r *smshttp.Response, code string) *sms.Error {
	switch code {
	case "LimitExceeded.PhoneNumberThirtySecondLimit":
		return forNumber(r, sms.Temporary, code, 30*time.Second)
	case "LimitExceeded.PhoneNumberOneHourLimit":
		return forNumber(r, sms.Temporary, code, time.Hour)
	case "LimitExceeded.DeliveryFrequencyLimit": // the console's limits for one number
		return forNumber(r, sms.Temporary, code, 0)
	case "FailedOperation.PhoneNumberInBlacklist", "InvalidParameterValue.IncorrectPhoneNumber":
		return forNumber(r, sms.Permanent, code, 0)
	case "LimitExceeded.DailyLimit", "LimitExceeded.AppDailyLimit",
		"LimitExceeded.AppGlobalDailyLimit", "LimitExceeded.AppMainlandChinaDailyLimit",
		"LimitExceeded.AppCountryOrRegionDailyLimit",
		"FailedOperation.InsufficientBalanceInSmsPackage", "UnauthorizedOperation.ServiceSuspendDueToArrears":
		return r.Fail(sms.Temporary, code) // the account's owner can lift these while the code lives
	case "InternalError.SigFieldMissing", "InternalError.SigVerificationFail", "InternalError.JsonParseFail",
		"InternalError.RequestTimeException", "InternalError.RestApiInterfaceNotExist":
		return r.Fail(sms.Permanent, code) // refused before anything was done, whatever the name says
	}
	if strings.HasPrefix(code, "LimitExceeded.PhoneNumber") {
		return forNumber(r, sms.Permanent, code, 0)
	}
	switch head, _, _ := strings.Cut(code, "."); head {
	case "RequestLimitExceeded":
		return r.Fail(sms.Temporary, code)
	case "InternalError":
		return r.Fail(sms.Uncertain, code)
	}
	return r.Fail(sms.Permanent, code)
}

// forNumber is a failure of one number. The service's answers name no wait; some
// of its codes do.
func forNumber(r *smshttp.Response, o sms.Outcome, code string, wait time.Duration) *sms.Error {
	e := r.Fail(o, code)
	e.NumberOnly, e.RetryAfter = true, wait
	return e
}
