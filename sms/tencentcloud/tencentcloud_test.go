package tencentcloud_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/providertest"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/sms/tencentcloud"
)

const secret = "secret-9f31c2b0"

func config(endpoint string) tencentcloud.Config {
	return tencentcloud.Config{
		SecretID: "AKIDtest", SecretKey: identity.NewSecret(secret), AppID: "1400006666", SignName: "腾讯云",
		Templates: []tencentcloud.Template{
			{Kind: sms.KindVerifyCode, ID: "1", Params: []string{"code", "minutes"}},
			{Kind: sms.KindVerifyCode, Language: "en", ID: "2", SignName: "Co", Params: []string{"minutes", "code"}},
			{Kind: sms.KindPasswordChanged, ID: "3", Params: []string{"time"}},
		},
		Endpoint: endpoint,
	}
}

// This is the worked example of the documentation of signature version 3. It masks the
// key with asterisks, and the signature was computed with these asterisks as the key.
func TestAuthorizationPublishedExample(t *testing.T) {
	t.Parallel()
	got := tencentcloud.Authorization("AKID"+strings.Repeat("*", 32), strings.Repeat("*", 32),
		"cvm.tencentcloudapi.com", "cvm", "DescribeInstances", time.Unix(1551113065, 0),
		`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`)
	want := "TC3-HMAC-SHA256 Credential=AKID********************************/2019-02-25/cvm/tc3_request, " +
		"SignedHeaders=content-type;host;x-tc-action, Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

type request struct {
	PhoneNumberSet                                    []string
	SmsSdkAppID, SignName, TemplateID, SessionContext string
	TemplateParamSet                                  []string
}

func hash(key, s string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(s))
	return string(h.Sum(nil))
}

// read checks a signature like the service does, from the request that arrived.
func read(r *http.Request, body []byte) (request, error) {
	unix, err := strconv.ParseInt(r.Header.Get("X-TC-Timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(unix, 0)).Abs() > 5*time.Minute {
		return request{}, errors.New("AuthFailure.SignatureExpire")
	}
	canonical := fmt.Sprintf("%s\n%s\n%s\ncontent-type:%s\nhost:%s\nx-tc-action:%s\n\ncontent-type;host;x-tc-action\n%x",
		r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), r.Host,
		strings.ToLower(r.Header.Get("X-TC-Action")), sha256.Sum256(body))
	date := time.Unix(unix, 0).UTC().Format("2006-01-02")
	key := hash(hash(hash("TC3"+secret, date), "sms"), "tc3_request")
	toSign := fmt.Sprintf("TC3-HMAC-SHA256\n%d\n%s/sms/tc3_request\n%x", unix, date, sha256.Sum256([]byte(canonical)))
	want := fmt.Sprintf("TC3-HMAC-SHA256 Credential=AKIDtest/%s/sms/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=%x",
		date, hash(key, toSign))
	if r.Header.Get("Authorization") != want {
		return request{}, errors.New("AuthFailure.SignatureFailure")
	}
	if r.Header.Get("X-TC-Action") != "SendSms" || r.Header.Get("X-TC-Version") != "2021-01-11" || r.Header.Get("X-TC-Region") != "ap-guangzhou" {
		return request{}, errors.New("InvalidAction")
	}
	var got request
	err = json.Unmarshal(body, &got)
	if err == nil && len(got.PhoneNumberSet) != 1 {
		err = errors.New("not one number")
	}
	return got, err
}

func status(w http.ResponseWriter, serial, code string) {
	_, _ = fmt.Fprintf(w, `{"Response":{"SendStatusSet":[{"SerialNo":%q,"PhoneNumber":"+8613","Fee":1,"SessionContext":"","Code":%q,"Message":"m","IsoCode":"CN"}],"RequestId":"a0aa"}}`, serial, code)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	var ids atomic.Int64
	smstest.Run(t, smstest.Fixture{
		Provider:   tencentcloud.Provider,
		HasRef:     true,
		RetryAfter: 30 * time.Second,
		Secrets:    []string{secret},
		New: func(url string, timeout time.Duration) (sms.Sender, error) {
			c := config(url)
			c.Timeout = timeout
			return tencentcloud.New(c)
		},
		Read: func(r *http.Request, body []byte) (smstest.Received, error) {
			got, err := read(r, body)
			if err != nil {
				return smstest.Received{}, err
			}
			return smstest.Received{To: got.PhoneNumberSet[0], Values: got.TemplateParamSet}, nil
		},
		Answer: func(b smstest.Behaviour, w http.ResponseWriter, _ smstest.Received) {
			switch b {
			case smstest.Accept:
				status(w, fmt.Sprintf("5000:%d", ids.Add(1)), "Ok")
			case smstest.Refuse:
				status(w, "", "InvalidParameterValue.IncorrectPhoneNumber")
			case smstest.TryLater:
				_, _ = w.Write([]byte(`{"Response":{"Error":{"Code":"RequestLimitExceeded","Message":"m"},"RequestId":"r"}}`))
			case smstest.Throttled:
				status(w, "", "LimitExceeded.PhoneNumberThirtySecondLimit")
			}
		},
	})
}

func open(endpoint string) (*tencentcloud.Sender, error) { return tencentcloud.New(config(endpoint)) }

func TestTemplates(t *testing.T) {
	t.Parallel()
	base := request{PhoneNumberSet: []string{"+8612345678901"}, SmsSdkAppID: "1400006666", SessionContext: "m1"}
	zh, en := base, base
	zh.SignName, zh.TemplateID, zh.TemplateParamSet = "腾讯云", "1", []string{"012345", "5"}
	en.SignName, en.TemplateID, en.TemplateParamSet = "Co", "2", []string{"5", "012345"}
	for lang, want := range map[string]request{"zh": zh, "en-GB": en} {
		var got request
		_, err := providertest.Send(t, open, sms.Message{ID: "m1", To: "+8612345678901", Kind: sms.KindVerifyCode, Language: lang,
			Params: map[string]string{"code": "012345", "minutes": "5"}}, func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewDecoder(r.Body).Decode(&got)
			status(w, "1", "Ok")
		})
		if err != nil {
			t.Error(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", lang, d)
		}
	}
}

func TestUnsendable(t *testing.T) {
	t.Parallel()
	providertest.Unsendable(t, open)
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		outcome    sms.Outcome
		numberOnly bool
		wait       time.Duration
	}{
		"LimitExceeded.PhoneNumberThirtySecondLimit":      {sms.Temporary, true, 30 * time.Second},
		"LimitExceeded.PhoneNumberOneHourLimit":           {sms.Temporary, true, time.Hour},
		"LimitExceeded.DeliveryFrequencyLimit":            {sms.Temporary, true, 0},
		"LimitExceeded.PhoneNumberDailyLimit":             {sms.Permanent, true, 0},
		"LimitExceeded.PhoneNumberSameContentDailyLimit":  {sms.Permanent, true, 0},
		"FailedOperation.PhoneNumberInBlacklist":          {sms.Permanent, true, 0},
		"InvalidParameterValue.IncorrectPhoneNumber":      {sms.Permanent, true, 0},
		"FailedOperation.InsufficientBalanceInSmsPackage": {sms.Temporary, false, 0},
		"FailedOperation.TemplateIncorrectOrUnapproved":   {sms.Permanent, false, 0},
		"RequestLimitExceeded.IPLimitExceeded":            {sms.Temporary, false, 0},
		"InternalError.Timeout":                           {sms.Uncertain, false, 0},
		"InternalError.SigVerificationFail":               {sms.Permanent, false, 0},
		"LimitExceeded.AppDailyLimit":                     {sms.Temporary, false, 0},
		"InternalError":                                   {sms.Uncertain, false, 0},
		"AuthFailure.SignatureFailure":                    {sms.Permanent, false, 0},
	} {
		for form, answer := range map[string]http.HandlerFunc{
			"status": func(w http.ResponseWriter, _ *http.Request) { status(w, "", code) },
			"error": func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"Response":{"Error":{"Code":%q,"Message":"m"},"RequestId":"r"}}`, code)
			},
		} {
			_, err := providertest.Send(t, open, sms.Message{Kind: sms.KindPasswordChanged, Params: map[string]string{"time": "x"}}, answer)
			providertest.Failed(t, code+" as "+form, err, want.outcome, want.numberOnly, code)
			if wait := sms.ErrorOf(err).RetryAfter; wait != want.wait {
				t.Errorf("%s: RetryAfter %v, want %v", code, wait, want.wait)
			}
		}
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	_, err := tencentcloud.New(tencentcloud.Config{
		SecretKey: identity.NewSecret("hunter2\n"),
		Templates: []tencentcloud.Template{
			{Kind: sms.KindVerifyCode, Language: "en", Params: []string{"cod"}},
			{Kind: sms.KindVerifyCode, Language: "EN", ID: "1", Params: []string{"code"}},
		},
		Region: "a b", Endpoint: "http://example.com", Timeout: -1,
	})
	providertest.Faults(t, err, "SecretID is required", "SecretKey contains", "AppID is required", "Region contains", "Templates[0].ID", `"cod"`, "Templates[1]: a second", "without Language", "Endpoint must be https", "Timeout")
	if _, err := open(""); err != nil {
		t.Errorf("default endpoint: %v", err)
	}
}
