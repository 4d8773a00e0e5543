package huaweicloud

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
	Provider = "huaweicloud"
	// DefaultEndpoint is the access address of the region CN North-Beijing4.
	DefaultEndpoint = "https://smsapi.cn-north-4.myhuaweicloud.com:443"

	path = "/sms/batchSendSms/v1"
	ok   = "000000"
)

// Template is an approved template.
type Template struct {
	// Kind is the kind of messages that it is for. Required.
	Kind sms.Kind
	// Language is the BCP 47 language of its text; "zh" serves "zh-CN" as well. A
	// template without Language serves all languages that have none. Each kind needs one.
	Language string
	// ID is the template's id. Required.
	ID string
	// Sender is the channel number of the template's signature. Required.
	Sender string
	// Signature is the name of the signature. Templates of the general sort need it.
	Signature string
	// Params are the names in the message's Params for the template's variables, in
	// order: "code" and "minutes" for a code, "time" for a notice.
	Params []string
}

// Config configures a [Sender].
type Config struct {
	// AppKey and AppSecret belong to the SMS application. Required.
	AppKey    string
	AppSecret identity.Secret
	// Templates by kind and language. One for codes without Language is required.
	Templates []Template
	// Endpoint is the application's access address. It must be https, except for
	// loopback hosts. Default [DefaultEndpoint].
	Endpoint string
	// Client makes the requests. Its CheckRedirect and Jar are not used. If nil, a
	// client with net/http's defaults is used.
	Client *http.Client
	// Timeout bounds one request. Default 10 s, at most 1 min.
	Timeout time.Duration
	// Now tells the time. Default time.Now. The service refuses requests whose time is
	// more than 24 hours off.
	Now func() time.Time
}

// Sender is an [sms.Sender] that uses Huawei Cloud. It is safe for concurrent use.
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
		smsconfig.Plain("AppKey", c.AppKey),
		smsconfig.Plain("AppSecret", c.AppSecret.Reveal()),
	}
	for i, t := range c.Templates {
		field := fmt.Sprintf("Templates[%d]", i)
		t.Params = slices.Clone(t.Params)
		faults = append(faults,
			smsconfig.Plain(field+".ID", t.ID),
			smsconfig.Plain(field+".Sender", t.Sender),
			s.templates.Add(field, t.Kind, t.Language, t.Params, t))
	}
	faults = append(faults, s.templates.Check())
	base, client, err := provider.Open(c.Endpoint, DefaultEndpoint,
		smshttp.Config{Provider: Provider, Client: c.Client, Timeout: c.Timeout, Now: c.Now}, faults...)
	if err != nil {
		return nil, err
	}
	s.url, s.http = base+path, client
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
		code = answer.Result[0].Status // E000510 says only that the reason stands here
	}
	switch {
	case resp.OK() && answer.Code == ok && len(answer.Result) == 1 && answer.Result[0].Status == ok:
		return resp.Accepted(answer.Result[0].ID), nil
	case code != "" && code != ok:
		return sms.Accepted{}, refused(resp, code)
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
	form := url.Values{"from": {t.Sender}, "to": {m.To}, "templateId": {t.ID}}
	if values := smstemplate.Values(m, t.Params); len(values) > 0 {
		paras, err := json.Marshal(values)
		if err != nil {
			return nil, s.http.Fail(sms.Permanent, "values cannot be encoded")
		}
		form.Set("templateParas", string(paras))
	}
	if t.Signature != "" {
		form.Set("signature", t.Signature)
	}
	req, err := s.http.NewPost(ctx, s.url, "application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil {
		return nil, err
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails: crypto/rand ends the program instead
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

// refused tells the service's codes apart. The documentation lists those about one
// number for receipts; the service may know a limit before.
func refused(r *smshttp.Response, code string) *sms.Error {
	var e *sms.Error
	switch code {
	case "E200015": // too many messages wait to be sent
		return r.Fail(sms.Temporary, code)
	case "E000000": // a failure of the service
		return r.Fail(sms.Uncertain, code)
	case "MILIMIT": // too many messages to this number in a minute
		e = r.Fail(sms.Temporary, code)
		e.RetryAfter = time.Minute
	case "LIMIT", "BEYONDN", "CTLIMIT", // too many messages to this number today
		"BLACK", "TDBLACK", "TSBLACK", "MBBLACK", // the number's owner wants none
		"E000503", "E200041": // not a number; named twice
		e = r.Fail(sms.Permanent, code)
	default:
		if r.OK() {
			return r.Fail(sms.Permanent, code)
		}
		return r.FailStatus(code)
	}
	e.NumberOnly = true
	return e
}
