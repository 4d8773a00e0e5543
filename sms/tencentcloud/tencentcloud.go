package tencentcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smshttp"
	"github.com/seed-16109ab2/rekey/sms/internal/smstemplate"
)

const (
	// Provider is the name in the receipts.
	Provider = "tencentcloud"
	// DefaultEndpoint is the service's address.
	DefaultEndpoint = "https://sms.tencentcloudapi.com"
	// DefaultRegion is the region of the service for numbers of mainland China.
	DefaultRegion = "ap-guangzhou"
)

// Template is an approved template.
type Template struct {
	// Kind is what messages it is for. Required.
	Kind sms.Kind
	// Language is the BCP 47 language of its text; "zh" serves "zh-CN" as well.
	// Empty: for languages that have none. Each kind needs one of those.
	Language string
	// ID is the template's number. Required.
	ID string
	// SignName replaces Config.SignName for this template.
	SignName string
	// Params are the names of the message's values for {1}, {2} and so on: "code"
	// and "minutes" for a code, "time" for a notice.
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
	// Templates by kind and language. Required: one for codes without Language.
	Templates []Template
	// Region of the service; default [DefaultRegion].
	Region string
	// Endpoint is the API's base address; default [DefaultEndpoint]. It must be
	// https, except for loopback hosts, and have no path.
	Endpoint string
	// Client makes the requests; nil stands for one with net/http's defaults. Its
	// CheckRedirect and Jar are not used.
	Client *http.Client
	// Timeout bounds one request. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time; default time.Now. The service refuses requests whose
	// time is more than 5 minutes off.
	Now func() time.Time
}

// Sender is an [sms.Sender] that uses Tencent Cloud. It is safe for
// concurrent use.
type Sender struct {
	c         Config
	url       *url.URL
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
		smshttp.CheckPlain("SecretID", c.SecretID),
		smshttp.CheckPlain("SecretKey", c.SecretKey.Reveal()),
		smshttp.CheckPlain("AppID", c.AppID),
		smshttp.CheckPlain("Region", c.Region),
	}
	for i, t := range c.Templates {
		field := fmt.Sprintf("Templates[%d]", i)
		t.Params = slices.Clone(t.Params)
		if t.SignName == "" {
			t.SignName = c.SignName
		}
		faults = append(faults,
			smshttp.CheckPlain(field+".ID", t.ID),
			smstemplate.CheckParams(field, t.Kind, t.Params),
			s.templates.Add(field, t.Kind, t.Language, t))
	}
	faults = append(faults, s.templates.Check())
	base, err := smshttp.CheckBase("Endpoint", c.Endpoint, DefaultEndpoint)
	faults = append(faults, err)
	s.http, err = smshttp.NewClient(Provider, c.Client, c.Timeout, false)
	faults = append(faults, err)
	if err := smshttp.Config(Provider, faults...); err != nil {
		return nil, err
	}
	if s.url, err = url.Parse(base + "/"); err != nil {
		return nil, smshttp.Config(Provider, err)
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
	if !resp.OK() {
		return sms.Accepted{}, s.http.FailStatus(resp, "", s.c.Now())
	}
	var answer struct {
		Response struct {
			Error         *struct{ Code string }
			SendStatusSet []struct{ SerialNo, Code string }
		}
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		return sms.Accepted{}, s.http.FailUnreadable(resp)
	}
	if e := answer.Response.Error; e != nil && e.Code != "" {
		return sms.Accepted{}, s.refused(e.Code, m)
	}
	if set := answer.Response.SendStatusSet; len(set) == 1 && set[0].Code != "" {
		if set[0].Code == "Ok" {
			return s.http.Receipt(set[0].SerialNo, m), nil
		}
		return sms.Accepted{}, s.refused(set[0].Code, m)
	}
	return sms.Accepted{}, s.http.FailUnreadable(resp)
}

func (s *Sender) request(m sms.Message) (*http.Request, error) {
	t, ok := s.templates.Pick(m.Kind, m.Language)
	if !ok {
		return nil, s.http.Fail(sms.Permanent, 0, "no template for messages of this kind")
	}
	values, err := smstemplate.Values(m, t.Params)
	if err != nil {
		return nil, s.http.Fail(sms.Permanent, 0, "%w", err)
	}
	body, err := json.Marshal(struct {
		PhoneNumberSet   []string
		AppID            string `json:"SmsSdkAppId"`
		SignName         string `json:",omitempty"`
		TemplateID       string `json:"TemplateId"`
		TemplateParamSet []string
		SessionContext   string
	}{[]string{m.To}, s.c.AppID, t.SignName, t.ID, values, m.ID})
	if err != nil {
		return nil, s.http.Fail(sms.Permanent, 0, "message cannot be encoded")
	}
	const action = "SendSms"
	now := s.c.Now()
	req, err := http.NewRequest(http.MethodPost, s.url.String(), strings.NewReader(string(body)))
	if err != nil {
		return nil, s.http.Fail(sms.Permanent, 0, "request cannot be built")
	}
	for name, value := range map[string]string{
		"Content-Type":   contentType,
		"X-TC-Action":    action,
		"X-TC-Version":   "2021-01-11",
		"X-TC-Region":    s.c.Region,
		"X-TC-Timestamp": strconv.FormatInt(now.Unix(), 10),
		"Authorization":  authorization(s.c.SecretID, s.c.SecretKey.Reveal(), s.url.Host, "sms", action, now, string(body)),
	} {
		req.Header.Set(name, value)
	}
	return req, nil
}

func (s *Sender) refused(code string, m sms.Message) error {
	o, wait := sms.Permanent, time.Duration(0)
	switch code {
	case "LimitExceeded.PhoneNumberThirtySecondLimit":
		o, wait = sms.Temporary, 30*time.Second
	case "LimitExceeded.PhoneNumberOneHourLimit":
		o, wait = sms.Temporary, time.Hour
	case "LimitExceeded.DeliveryFrequencyLimit", "LimitExceeded.DailyLimit", "LimitExceeded.AppDailyLimit",
		"LimitExceeded.AppGlobalDailyLimit", "LimitExceeded.AppMainlandChinaDailyLimit",
		"LimitExceeded.AppCountryOrRegionDailyLimit",
		"FailedOperation.InsufficientBalanceInSmsPackage", "UnauthorizedOperation.ServiceSuspendDueToArrears":
		o = sms.Temporary // the account's owner can lift these while the code lives
	case "InternalError.SigFieldMissing", "InternalError.SigVerificationFail", "InternalError.JsonParseFail",
		"InternalError.RequestTimeException", "InternalError.RestApiInterfaceNotExist":
		// Refused before anything was done, whatever the name says.
	default:
		switch head, _, _ := strings.Cut(code, "."); head {
		case "RequestLimitExceeded":
			o = sms.Temporary
		case "InternalError":
			o = sms.Uncertain
		}
	}
	return s.http.Fail(o, wait, "error %s", smshttp.Token(code, m))
}
