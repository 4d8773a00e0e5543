package failover_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/aliyun"
	"github.com/seed-16109ab2/rekey/sms/failover"
	"github.com/seed-16109ab2/rekey/sms/huaweicloud"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/sms/tencentcloud"
	"github.com/seed-16109ab2/rekey/sms/twilio"
	"github.com/seed-16109ab2/rekey/sms/webhook"
)

const limited, next = "8613911111111", "8613922222222"

// code is a message with all values that a template may need.
func code(id, to string) sms.Message {
	return sms.Message{ID: id, To: "+" + to, Kind: sms.KindVerifyCode, Text: "code 804715",
		Params: map[string]string{"code": "804715", "minutes": "5"}}
}

// One person who asks for code after code reaches the provider's limit for their
// number. The next person's code still goes through that provider. The limited number's
// codes go through the next provider.
func TestLimitOfOneNumberStopsNoOtherNumber(t *testing.T) {
	t.Parallel()
	secret := identity.NewSecret("secret")
	for name, tt := range map[string]struct {
		open           func(url string) (sms.Sender, error)
		status         int
		refuse, accept string
	}{
		"aliyun": {func(url string) (sms.Sender, error) {
			return aliyun.New(aliyun.Config{AccessKeyID: "id", AccessKeySecret: secret, SignName: "s", Endpoint: url,
				Templates: []aliyun.Template{{Kind: sms.KindVerifyCode, Code: "SMS_1", Params: map[string]string{"code": "code"}}}})
		}, 200, `{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"m"}`, `{"Code":"OK","BizId":"1"}`},
		"tencentcloud": {func(url string) (sms.Sender, error) {
			return tencentcloud.New(tencentcloud.Config{SecretID: "id", SecretKey: secret, AppID: "1", Endpoint: url,
				Templates: []tencentcloud.Template{{Kind: sms.KindVerifyCode, ID: "1", Params: []string{"code"}}}})
		}, 200, `{"Response":{"SendStatusSet":[{"SerialNo":"","Code":"LimitExceeded.PhoneNumberThirtySecondLimit"}]}}`,
			`{"Response":{"SendStatusSet":[{"SerialNo":"1","Code":"Ok"}]}}`},
		"huaweicloud": {func(url string) (sms.Sender, error) {
			return huaweicloud.New(huaweicloud.Config{AppKey: "k", AppSecret: secret, Endpoint: url,
				Templates: []huaweicloud.Template{{Kind: sms.KindVerifyCode, ID: "1", Sender: "1", Params: []string{"code"}}}})
		}, 200, `{"code":"E000510","result":[{"status":"MILIMIT"}]}`, `{"code":"000000","result":[{"smsMsgId":"1","status":"000000"}]}`},
		"twilio": {func(url string) (sms.Sender, error) {
			return twilio.New(twilio.Config{AccountSID: "AC1", AuthToken: secret, From: "+1", Endpoint: url})
		}, 429, `{"code":14107,"message":"m","status":429}`, `{"sid":"SM1","status":"queued"}`},
		"webhook that says so": {hook, 429, `{"number_only":true}`, `{"id":"1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				body := fmt.Sprint(r.Form)
				if len(r.Form) == 0 {
					b := make([]byte, 4096)
					n, _ := r.Body.Read(b)
					body = string(b[:n])
				}
				if strings.Contains(body, limited) {
					w.WriteHeader(tt.status)
					_, _ = w.Write([]byte(tt.refuse))
					return
				}
				_, _ = w.Write([]byte(tt.accept))
			}))
			defer server.Close()
			first, err := tt.open(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			var second smstest.Recorder
			s, err := failover.New(failover.Config{Providers: []failover.Provider{{Name: "first", Sender: first}, {Name: "second", Sender: &second}}})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 2 * failover.DefaultFailuresToOpen {
				if r, err := s.Send(t.Context(), code(fmt.Sprint("m", i), limited)); err != nil || r.Provider != "second" {
					t.Fatalf("code %d of the limited number: %+v, %v", i, r, err)
				}
			}
			if r, err := s.Send(t.Context(), code("other", next)); err != nil || r.Provider != "first" {
				t.Errorf("the next person's code: %+v, %v; %+v", r, err, s.Counts()[0])
			}
		})
	}
}

func hook(url string) (sms.Sender, error) {
	return webhook.New(webhook.Config{URL: url, Secret: identity.NewSecret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")})
}

// A provider may limit one number without saying that it is only that number. The
// retries of one message then count once, so that they alone never open the breaker.
func TestRetriesOfOneMessageCountOnce(t *testing.T) {
	t.Parallel()
	s, recorders := team(t, failover.Config{}, temporary)
	for range 10 * failover.DefaultFailuresToOpen {
		_, _ = s.Send(t.Context(), code("m1", limited))
	}
	recorders[0].Reset()
	if _, err := s.Send(t.Context(), code("m2", next)); err != nil {
		t.Errorf("the next person's code: %v; %+v", err, s.Counts()[0])
	}
	recorders[0].FailNext(-1, temporary)
	for i := range failover.DefaultFailuresToOpen {
		_, _ = s.Send(t.Context(), code(fmt.Sprint("x", i), next))
	}
	if state := s.Counts()[0].State; state != "open" {
		t.Errorf("after failures of different messages the breaker is %s", state)
	}
}

// The result is about the number alone only if all failures are.
func TestNumberOnlyOfTheResult(t *testing.T) {
	t.Parallel()
	number := &sms.Error{Outcome: sms.Temporary, NumberOnly: true, Err: errors.New("limited")}
	for name, tt := range map[string]struct {
		errs []error
		want bool
	}{
		"all":  {[]error{number, number}, true},
		"some": {[]error{number, temporary}, false},
		"none": {[]error{temporary, temporary}, false},
	} {
		s, _ := team(t, failover.Config{}, tt.errs...)
		_, err := s.Send(t.Context(), sms.Message{To: "+1"})
		if got := sms.ErrorOf(err).NumberOnly; got != tt.want {
			t.Errorf("%s: NumberOnly %v", name, got)
		}
	}
}
