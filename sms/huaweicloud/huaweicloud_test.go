package huaweicloud_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/huaweicloud"
	"github.com/seed-16109ab2/rekey/sms/internal/providertest"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

const secret = "secret-71ce0d4f"

func config(endpoint string) huaweicloud.Config {
	return huaweicloud.Config{
		AppKey: "c8RWg3ggEcyd4D3p94bf3Y7x1Ile", AppSecret: identity.NewSecret(secret),
		Templates: []huaweicloud.Template{
			{Kind: sms.KindVerifyCode, ID: "t1", Sender: "1069", Signature: "华为云 & Co", Params: []string{"code", "minutes"}},
			{Kind: sms.KindVerifyCode, Language: "en", ID: "t2", Sender: "1070", Params: []string{"code"}},
			{Kind: sms.KindPasswordChanged, ID: "t3", Sender: "1069", Params: []string{"time"}},
		},
		Endpoint: endpoint,
	}
}

var token = regexp.MustCompile(`^UsernameToken Username="([^"]+)",PasswordDigest="([^"]+)",Nonce="([0-9a-zA-Z]{1,128})",Created="([^"]+)"$`)

// read checks a request the way the service documents it.
func read(r *http.Request, body []byte) (url.Values, error) {
	if r.Method != http.MethodPost || r.URL.RequestURI() != "/sms/batchSendSms/v1" {
		return nil, errors.New("wrong method or path")
	}
	if r.Header.Get("Authorization") != `WSSE realm="SDP",profile="UsernameToken",type="Appkey"` {
		return nil, errors.New("E000001: no Authorization")
	}
	part := token.FindStringSubmatch(r.Header.Get("X-WSSE"))
	if part == nil || part[1] != "c8RWg3ggEcyd4D3p94bf3Y7x1Ile" {
		return nil, errors.New("E000020: no X-WSSE")
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", part[4])
	if err != nil || time.Since(at).Abs() > 24*time.Hour {
		return nil, errors.New("E000110: time out of range")
	}
	sum := sha256.Sum256([]byte(part[3] + part[4] + secret))
	if part[2] != base64.StdEncoding.EncodeToString(sum[:]) {
		return nil, errors.New("E000104: digest wrong")
	}
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return nil, errors.New("not a form")
	}
	return url.ParseQuery(string(body))
}

func answer(w http.ResponseWriter, code, status, id string) {
	_, _ = fmt.Fprintf(w, `{"result":[{"originTo":"+8613","createTime":"2018-05-25T16:34:34Z","from":"1069","smsMsgId":%q,"status":%q,"countryId":"CN","total":1}],"code":%q,"description":"d"}`,
		id, status, code)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	var ids atomic.Int64
	smstest.Run(t, smstest.Fixture{
		Provider: huaweicloud.Provider,
		HasRef:   true,
		Secrets:  []string{secret},
		New: func(url string, timeout time.Duration) (sms.Sender, error) {
			c := config(url)
			c.Timeout = timeout
			return huaweicloud.New(c)
		},
		Read: func(r *http.Request, body []byte) (smstest.Received, error) {
			form, err := read(r, body)
			if err != nil {
				return smstest.Received{}, err
			}
			var values []string
			err = json.Unmarshal([]byte(form.Get("templateParas")), &values)
			return smstest.Received{To: form.Get("to"), Values: values}, err
		},
		Answer: func(b smstest.Behaviour, w http.ResponseWriter, _ smstest.Received) {
			switch b {
			case smstest.Accept:
				answer(w, "000000", "000000", fmt.Sprintf("d6e3cdd0-522b-4692-8304-a07553cdf591_%d", ids.Add(1)))
			case smstest.Refuse:
				answer(w, "E000510", "E200028", "")
			case smstest.TryLater:
				w.WriteHeader(http.StatusServiceUnavailable)
			case smstest.Throttled:
				answer(w, "E000510", "E200015", "")
			}
		},
	})
}

// open adds a slash, which the address may end with.
func open(endpoint string) (*huaweicloud.Sender, error) {
	if endpoint != "" {
		endpoint += "/"
	}
	return huaweicloud.New(config(endpoint))
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]url.Values{
		"zh": {"from": {"1069"}, "to": {"+8612345678901"}, "templateId": {"t1"}, "templateParas": {`["012345","5"]`},
			"signature": {"华为云 & Co"}},
		"en-GB": {"from": {"1070"}, "to": {"+8612345678901"}, "templateId": {"t2"}, "templateParas": {`["012345"]`}},
	} {
		var got url.Values
		_, err := providertest.Send(t, open, sms.Message{ID: "m1", To: "+8612345678901", Kind: sms.KindVerifyCode, Language: lang,
			Params: map[string]string{"code": "012345", "minutes": "5"}}, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			got = r.PostForm
			answer(w, "000000", "000000", "1")
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
	for _, tt := range []struct {
		http         int
		code, status string
		want         sms.Outcome
		numberOnly   bool
	}{
		{200, "E000510", "E200015", sms.Temporary, false},
		{200, "E000510", "E200029", sms.Permanent, false},
		{200, "E000510", "MILIMIT", sms.Temporary, true},
		{200, "E000510", "LIMIT", sms.Permanent, true},
		{200, "E000510", "BLACK", sms.Permanent, true},
		{200, "E000510", "", sms.Permanent, false},
		{200, "E000503", "", sms.Permanent, true},
		{200, "000000", "E200030", sms.Permanent, false},
		{200, "000000", "", sms.Uncertain, false},
		{200, "", "000000", sms.Uncertain, false},
		{400, "E000000", "", sms.Uncertain, false},
		{401, "E000104", "", sms.Permanent, false},
		{403, "E000620", "", sms.Permanent, false},
		{429, "APIGW.0308", "", sms.Temporary, false},
		{500, "E000900", "", sms.Uncertain, false},
		{500, "000000", "000000", sms.Uncertain, false},
	} {
		_, err := providertest.Send(t, open, sms.Message{Kind: sms.KindPasswordChanged, Params: map[string]string{"time": "x"}},
			func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.http)
				answer(w, tt.code, tt.status, "1")
			})
		providertest.Failed(t, fmt.Sprint(tt.http, " ", tt.code, "/", tt.status), err, tt.want, tt.numberOnly, "")
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	_, err := huaweicloud.New(huaweicloud.Config{
		AppKey: `a",Nonce="`, AppSecret: identity.NewSecret("hunter2\n"),
		Templates: []huaweicloud.Template{{Kind: sms.KindVerifyCode, Language: "en", Params: []string{"cod"}}},
		Endpoint:  "smsapi", Timeout: -1,
	})
	providertest.Faults(t, err, "AppKey contains", "AppSecret contains", "Templates[0].ID", "Templates[0].Sender", `"cod"`, "without Language", "Endpoint", "Timeout")
	if _, err := open(""); err != nil {
		t.Errorf("default endpoint: %v", err)
	}
}
