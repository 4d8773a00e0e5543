package huaweicloud

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	Provider = "huaweicloud"
	// DefaultEndpoint is the access address of the region CN North-Beijing4.
	DefaultEndpoint = "https://smsapi.cn-north-4.myhuaweicloud.com:443"

	path = "/sms/batchSendSms/v1"
	ok   = "000000"
)

// Template is an approved template.
type Template struct {
	// Kind is what messages it is for. Required.
	Kind sms.Kind
	// Language is the BCP 47 language of its text; "zh" serves "zh-CN" as well.
	// Empty: for languages that have none. Each kind needs one of those.
	Language string
	// ID is the template's id. Required.
	ID string
	// Sender is the channel number of the template's signature. Required.
	Sender string
	// Signature is the name of the signature, which templates of the general
	// sort need.
	Signature string
	// Params are the names of the message's values for the template's variables,
	// in order: "code" and "minutes" for a code, "time" for a notice.
	Params []string
}

// Config configures a [Sender].
type Config struct {
	// AppKey and AppSecret belong to the SMS application. Required.
	AppKey    string
	AppSecret identity.Secret
	// Templates by kind and language. Required: one for codes without Language.
	Templates []Template
	// Endpoint is the application's access address; default [DefaultEndpoint]. It
	// must be https, except for loopback hosts.
	Endpoint string
	// Client makes the requests; nil stands for one with net/http's defaults. Its
	// CheckRedirect and Jar are not used.
	Client *http.Client
	// Timeout bounds one request. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time; default time.Now. The service refuses requests whose
	// time is more than 24 hours off.
	Now func() time.Time
}

// Sender is an [sms.Sender] that uses Huawei Cloud. It is safe for
// concurrent use.
type Sender struct {
	c         Config
	url       string
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
		smshttp.CheckPlain("AppKey", c.AppKey),
		smshttp.CheckPlain("AppSecret", c.AppSecret.Reveal()),
	}
	for i, t := range c.Templates {
		field := fmt.Sprintf("Templates[%d]", i)
		t.Params = slices.Clone(t.Params)
		faults = append(faults,
			smshttp.CheckPlain(field+".ID", t.ID),
			smshttp.CheckPlain(field+".Sender", t.Sender),
			smstemplate.CheckParams(field, t.Kind, t.Params),
			s.templates.Add(field, t.Kind, t.Language, t))
	}
	faults = append(faults, s.templates.Check())
	base, err := smshttp.CheckBase("Endpoint", c.Endpoint, DefaultEndpoint)
	faults = append(faults, err)
	s.url = base + path
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
		return sms.Accepted{}, s.http.Fail(sms.Permanent, 0, "%w", err)
	}
	resp, err := s.http.Do(ctx, req)
	if err != nil {
		return sms.Accepted{}, err
	}
	var answer struct {
		Code   string `json:"code"`
		Result []struct {
			ID     string `json:"smsMsgId"`
			Status string `json:"status"`
		} `json:"result"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		answer.Code = ""
	}
	code := answer.Code
	if len(answer.Result) == 1 && answer.Result[0].Status != "" {
		code = answer.Result[0].Status // E000510 only says that the reason stands here
	}
	switch {
	case resp.OK() && answer.Code == ok && len(answer.Result) == 1 && answer.Result[0].Status == ok:
		return s.http.Receipt(answer.Result[0].ID, m), nil
	case code != "" && code != ok:
		return sms.Accepted{}, s.refused(resp, code, m)
	case resp.OK():
		return sms.Accepted{}, s.http.FailUnreadable(resp)
	default:
		return sms.Accepted{}, s.http.FailStatus(resp, "", s.c.Now())
	}
}

func (s *Sender) request(m sms.Message) (*http.Request, error) {
	t, found := s.templates.Pick(m.Kind, m.Language)
	if !found {
		return nil, errors.New("no template for messages of this kind")
	}
	values, err := smstemplate.Values(m, t.Params)
	if err != nil {
		return nil, err
	}
	form := url.Values{"from": {t.Sender}, "to": {m.To}, "templateId": {t.ID}}
	if len(values) > 0 {
		paras, err := json.Marshal(values)
		if err != nil {
			return nil, errors.New("values cannot be encoded")
		}
		form.Set("templateParas", string(paras))
	}
	if t.Signature != "" {
		form.Set("signature", t.Signature)
	}
	req, err := http.NewRequest(http.MethodPost, s.url, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("request cannot be built")
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails: crypto/rand ends the program instead
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", `WSSE realm="SDP",profile="UsernameToken",type="Appkey"`)
	req.Header.Set("X-Wsse", wsse(s.c.AppKey, s.c.AppSecret.Reveal(), hex.EncodeToString(nonce[:]), s.c.Now()))
	return req, nil
}

func wsse(key, secret, nonce string, at time.Time) string {
	created := at.UTC().Format("2006-01-02T15:04:05Z")
	digest := sha256.Sum256([]byte(nonce + created + secret))
	return fmt.Sprintf(`UsernameToken Username="%s",PasswordDigest="%s",Nonce="%s",Created="%s"`,
		key, base64.StdEncoding.EncodeToString(digest[:]), nonce, created)
}

func (s *Sender) refused(r *smshttp.Response, code string, m sms.Message) error {
	token := smshttp.Token(code, m)
	switch code {
	case "E200015": // too many messages at once
		return s.http.FailAs(sms.Temporary, r, token, s.c.Now())
	case "E000000": // a failure of the service
		return s.http.FailAs(sms.Uncertain, r, token, s.c.Now())
	}
	if r.OK() {
		return s.http.FailAs(sms.Permanent, r, token, s.c.Now())
	}
	return s.http.FailStatus(r, token, s.c.Now())
}
