package aliyun_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/aliyun"
	"github.com/seed-16109ab2/rekey/sms/internal/providertest"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

const secret = "secret-3b0f7ad1"

func config(endpoint string) aliyun.Config {
	return aliyun.Config{
		AccessKeyID: "testid", AccessKeySecret: identity.NewSecret(secret), SignName: "阿里云 & Co",
		Templates: []aliyun.Template{
			{Kind: sms.KindVerifyCode, Code: "SMS_1", Params: map[string]string{"code": "code", "min": "minutes"}},
			{Kind: sms.KindVerifyCode, Language: "en", Code: "SMS_2", SignName: "Co", Params: map[string]string{"c": "code"}},
			{Kind: sms.KindPasswordChanged, Code: "SMS_3", Params: map[string]string{"time": "time"}},
		},
		Endpoint: endpoint,
	}
}

// This is the worked example of the documentation of signature version 3.
func TestAuthorizePublishedExample(t *testing.T) {
	t.Parallel()
	query := aliyun.CanonicalQuery(map[string]string{
		"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
	})
	r, err := http.NewRequest(http.MethodPost, "https://ecs.cn-shanghai.aliyuncs.com/?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"x-acs-action": "RunInstances", "x-acs-version": "2014-05-26", "x-acs-date": "2023-10-26T10:22:32Z",
		"x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
		"x-acs-content-sha256":  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	} {
		r.Header.Set(name, value)
	}
	aliyun.Authorize(r, "YourAccessKeyId", "YourAccessKeySecret")
	want := "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;" +
		"x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
	if d := cmp.Diff(want, r.Header.Get("Authorization")); d != "" {
		t.Error(d)
	}
}

// verify checks a signature like the service does, from the request that arrived.
func verify(r *http.Request) error {
	const names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
	var query []string
	for name, values := range r.URL.Query() {
		enc := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
		query = append(query, enc(name)+"="+enc(values[0]))
	}
	slices.Sort(query)
	canonical := r.Method + "\n/\n" + strings.Join(query, "&") + "\n"
	for name := range strings.SplitSeq(names, ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		if value == "" {
			return errors.New("no " + name)
		}
		canonical += name + ":" + value + "\n"
	}
	canonical += "\n" + names + "\n" + r.Header.Get("x-acs-content-sha256")
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "ACS3-HMAC-SHA256\n%x", sha256.Sum256([]byte(canonical)))
	want := "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=" + names + ",Signature=" + hex.EncodeToString(mac.Sum(nil))
	if r.Header.Get("Authorization") != want {
		return errors.New("SignatureDoesNotMatch")
	}
	at, err := time.Parse(time.RFC3339, r.Header.Get("x-acs-date"))
	if err != nil || time.Since(at).Abs() > 15*time.Minute {
		return errors.New("InvalidTimeStamp.Expired")
	}
	if r.Header.Get("x-acs-action") != "SendSms" || r.Header.Get("x-acs-version") != "2017-05-25" {
		return errors.New("InvalidAction.NotFound")
	}
	return nil
}

func TestConformance(t *testing.T) {
	t.Parallel()
	var ids atomic.Int64
	smstest.Run(t, smstest.Fixture{
		Provider: aliyun.Provider,
		HasRef:   true,
		Secrets:  []string{secret},
		New: func(url string, timeout time.Duration) (sms.Sender, error) {
			c := config(url)
			c.Timeout = timeout
			return aliyun.New(c)
		},
		Read: func(r *http.Request, body []byte) (smstest.Received, error) {
			if err := verify(r); err != nil || len(body) > 0 {
				return smstest.Received{}, errors.Join(err, errors.New("request not trusted"))
			}
			var params map[string]string
			err := json.Unmarshal([]byte(r.URL.Query().Get("TemplateParam")), &params)
			return smstest.Received{
				To: "+" + r.URL.Query().Get("PhoneNumbers"), Values: slices.Collect(maps.Values(params)),
			}, err
		},
		Answer: func(b smstest.Behaviour, w http.ResponseWriter, _ smstest.Received) {
			switch b {
			case smstest.Accept:
				_, _ = fmt.Fprintf(w, `{"Message":"OK","RequestId":"873043ac-bcda-44db-9052-2e204c6ed20f","Code":"OK","BizId":"6073002922%d^0"}`, ids.Add(1))
			case smstest.Refuse:
				_, _ = w.Write([]byte(`{"Message":"x","RequestId":"r","Code":"isv.MOBILE_NUMBER_ILLEGAL"}`))
			case smstest.TryLater:
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = w.Write([]byte(`{"Message":"x","RequestId":"r","Code":"ServiceUnavailable"}`))
			case smstest.Throttled:
				_, _ = w.Write([]byte(`{"Message":"x","RequestId":"r","Code":"isv.BUSINESS_LIMIT_CONTROL"}`))
			}
		},
	})
}

func open(endpoint string) (*aliyun.Sender, error) { return aliyun.New(config(endpoint)) }

func TestTemplates(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]url.Values{
		"zh": {"PhoneNumbers": {"8612345678901"}, "SignName": {"阿里云 & Co"}, "TemplateCode": {"SMS_1"},
			"TemplateParam": {`{"code":"012345","min":"5"}`}, "OutId": {"m1"}},
		"en-GB": {"PhoneNumbers": {"8612345678901"}, "SignName": {"Co"}, "TemplateCode": {"SMS_2"},
			"TemplateParam": {`{"c":"012345"}`}, "OutId": {"m1"}},
	} {
		var got url.Values
		r, err := providertest.Send(t, open, sms.Message{ID: "m1", To: "+8612345678901", Kind: sms.KindVerifyCode, Language: lang,
			Params: map[string]string{"code": "012345", "minutes": "5"}}, func(w http.ResponseWriter, r *http.Request) {
			got = r.URL.Query()
			_, _ = w.Write([]byte(`{"Code":"OK","BizId":"607300292740712345^0"}`))
		})
		if err != nil || r.Ref != "607300292740712345^0" {
			t.Errorf("receipt %+v, %v", r, err)
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
	for _, tt := range []struct {
		status     int
		code       string
		want       sms.Outcome
		numberOnly bool
	}{
		{200, "isv.BUSINESS_LIMIT_CONTROL", sms.Temporary, true},
		{400, "isv.BUSINESS_LIMIT_CONTROL", sms.Temporary, true},
		{200, "isv.MOBILE_NUMBER_ILLEGAL", sms.Permanent, true},
		{200, "isv.DAY_LIMIT_CONTROL", sms.Temporary, false},
		{200, "isv.AMOUNT_NOT_ENOUGH", sms.Temporary, false},
		{200, "isv.SMS_TEMPLATE_ILLEGAL", sms.Permanent, false},
		{200, "isp.RAM_PERMISSION_DENY", sms.Permanent, false},
		{200, "isp.SYSTEM_ERROR", sms.Uncertain, false},
		{400, "Throttling.User", sms.Temporary, false},
		{400, "SignatureDoesNotMatch", sms.Permanent, false},
		{429, "Whatever", sms.Temporary, false},
		{500, "InternalError", sms.Uncertain, false},
		{502, "Whatever", sms.Uncertain, false},
		{503, "ServiceUnavailable", sms.Temporary, false},
		{400, "OK", sms.Permanent, false},
	} {
		_, err := providertest.Send(t, open, sms.Message{Kind: sms.KindPasswordChanged, Params: map[string]string{"time": "x"}},
			func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = fmt.Fprintf(w, `{"Code":%q}`, tt.code)
			})
		providertest.Failed(t, fmt.Sprint(tt.status, " ", tt.code), err, tt.want, tt.numberOnly, tt.code)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	_, err := aliyun.New(aliyun.Config{
		AccessKeySecret: identity.NewSecret("hunter2 "),
		Templates:       []aliyun.Template{{Kind: sms.KindVerifyCode, Language: "en", Params: map[string]string{"x": "cod"}}},
		Endpoint:        "ftp://x", Timeout: -1,
	})
	providertest.Faults(t, err, "AccessKeyID is required", "AccessKeySecret contains", "SignName", "Templates[0].Code", `"cod"`, `lack "code"`, "without Language", "Endpoint", "Timeout")
	if _, err := open(""); err != nil {
		t.Errorf("default endpoint: %v", err)
	}
}
