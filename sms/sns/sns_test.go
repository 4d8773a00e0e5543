package sns_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/providertest"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/sms/sns"
)

const (
	secret  = "secret/2f+60b1e9"
	session = "session-55d0aa"
)

func config(endpoint string) sns.Config {
	return sns.Config{
		Region: "eu-central-1", Endpoint: endpoint,
		Credentials: sns.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: identity.NewSecret(secret), SessionToken: identity.NewSecret(session)},
	}
}

// These are examples of AWS's test suite for Signature Version 4.
func TestAuthorizePublishedExamples(t *testing.T) {
	t.Parallel()
	const token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
	for name, tt := range map[string]struct{ method, contentType, body, token, signed, want string }{
		"get-vanilla": {"GET", "", "", "", "host;x-amz-date",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		"post-vanilla": {"POST", "", "", "", "host;x-amz-date",
			"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		"post-x-www-form-urlencoded": {"POST", "application/x-www-form-urlencoded", "Param1=value1", "", "content-type;host;x-amz-date",
			"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		"post-x-www-form-urlencoded-parameters": {"POST", "application/x-www-form-urlencoded; charset=utf8", "Param1=value1", "",
			"content-type;host;x-amz-date", "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
		"post-sts-header-before": {"POST", "", "", token, "host;x-amz-date;x-amz-security-token",
			"85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
	} {
		r, err := http.NewRequest(tt.method, "https://example.amazonaws.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.contentType != "" {
			r.Header.Set("Content-Type", tt.contentType)
		}
		sns.Authorize(r, tt.body, sns.Credentials{
			AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: identity.NewSecret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
			SessionToken: identity.NewSecret(tt.token),
		}, "us-east-1", "service", time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
		want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + tt.signed + ", Signature=" + tt.want
		if d := cmp.Diff(want, r.Header.Get("Authorization")); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func hash(key, s string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(s))
	return string(h.Sum(nil))
}

// read checks a signature like AWS does, from the request that arrived.
func read(r *http.Request, body []byte) (url.Values, error) {
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", stamp)
	if err != nil || time.Since(at).Abs() > 5*time.Minute {
		return nil, errors.New("RequestExpired")
	}
	const signed = "content-type;host;x-amz-date;x-amz-security-token"
	canonical := fmt.Sprintf("%s\n%s\n%s\ncontent-type:%s\nhost:%s\nx-amz-date:%s\nx-amz-security-token:%s\n\n%s\n%x",
		r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), r.Host, stamp,
		r.Header.Get("X-Amz-Security-Token"), signed, sha256.Sum256(body))
	scope := stamp[:8] + "/eu-central-1/sns/aws4_request"
	key := hash(hash(hash(hash("AWS4"+secret, stamp[:8]), "eu-central-1"), "sns"), "aws4_request")
	want := fmt.Sprintf("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%s, SignedHeaders=%s, Signature=%x", scope, signed,
		hash(key, fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s\n%x", stamp, scope, sha256.Sum256([]byte(canonical)))))
	if r.Header.Get("Authorization") != want || r.Header.Get("X-Amz-Security-Token") != session {
		return nil, errors.New("SignatureDoesNotMatch")
	}
	form, err := url.ParseQuery(string(body))
	if form.Get("Action") != "Publish" || form.Get("Version") != "2010-03-31" {
		return nil, errors.New("InvalidAction")
	}
	return form, err
}

func accept(w http.ResponseWriter, id string) {
	_, _ = fmt.Fprintf(w, `<PublishResponse xmlns="https://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>%s</MessageId></PublishResult><ResponseMetadata><RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata></PublishResponse>`, id)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>%s</Code><Message>Invalid parameter: +8613987650412</Message></Error><RequestId>r</RequestId></ErrorResponse>`, code)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	var ids atomic.Int64
	smstest.Run(t, smstest.Fixture{
		Provider:   sns.Provider,
		HasRef:     true,
		RetryAfter: 2 * time.Second,
		Secrets:    []string{secret, session},
		New: func(url string, timeout time.Duration) (sms.Sender, error) {
			c := config(url)
			c.Timeout = timeout
			return sns.New(c)
		},
		Read: func(r *http.Request, body []byte) (smstest.Received, error) {
			form, err := read(r, body)
			return smstest.Received{To: form.Get("PhoneNumber"), Text: form.Get("Message")}, err
		},
		Answer: func(b smstest.Behaviour, w http.ResponseWriter, _ smstest.Received) {
			switch b {
			case smstest.Accept:
				accept(w, fmt.Sprintf("567910cd-659e-55d4-8ccb-5aaf14679d%02d", ids.Add(1)))
			case smstest.Refuse:
				refuse(w, 400, "InvalidParameter")
			case smstest.TryLater:
				refuse(w, 503, "ServiceUnavailable")
			case smstest.Throttled:
				w.Header().Set("Retry-After", "2")
				refuse(w, 400, "Throttling")
			}
		},
	})
}

func send(t *testing.T, change func(*sns.Config), answer http.HandlerFunc) error {
	t.Helper()
	_, err := providertest.Send(t, func(endpoint string) (*sns.Sender, error) {
		c := config(endpoint)
		if change != nil {
			change(&c)
		}
		return sns.New(c)
	}, sms.Message{To: "+8612345678901", Text: "code 123456"}, answer)
	return err
}

func TestForm(t *testing.T) {
	t.Parallel()
	var got url.Values
	err := send(t, func(c *sns.Config) { c.SenderID, c.OriginationNumber = "Co", "+15005550006" },
		func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			got = r.PostForm
			accept(w, "1")
		})
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {"+8612345678901"}, "Message": {"code 123456"}}
	for i, a := range [][2]string{{"AWS.SNS.SMS.SMSType", "Transactional"}, {"AWS.SNS.SMS.SenderID", "Co"}, {"AWS.MM.SMS.OriginationNumber", "+15005550006"}} {
		prefix := fmt.Sprintf("MessageAttributes.entry.%d.", i+1)
		want.Set(prefix+"Name", a[0])
		want.Set(prefix+"Value.DataType", "String")
		want.Set(prefix+"Value.StringValue", a[1])
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status     int
		code       string
		want       sms.Outcome
		numberOnly bool
	}{
		{400, "Throttling", sms.Temporary, false},
		{429, "ThrottledException", sms.Temporary, false},
		{403, "ExpiredToken", sms.Temporary, false},
		{403, "SignatureDoesNotMatch", sms.Permanent, false},
		{400, "InvalidParameter", sms.Permanent, false},
		{400, "OptedOut", sms.Permanent, true},
		{500, "InternalError", sms.Uncertain, false},
		{503, "ServiceUnavailable", sms.Temporary, false},
	} {
		err := send(t, nil, func(w http.ResponseWriter, _ *http.Request) { refuse(w, tt.status, tt.code) })
		providertest.Failed(t, fmt.Sprint(tt.status, " ", tt.code), err, tt.want, tt.numberOnly, tt.code)
	}
}

func TestProvide(t *testing.T) {
	t.Parallel()
	calls := 0
	err := send(t, func(c *sns.Config) {
		fixed := c.Credentials
		c.Credentials = sns.Credentials{}
		c.Provide = func(context.Context) (sns.Credentials, error) { calls++; return fixed, nil }
	}, func(w http.ResponseWriter, _ *http.Request) { accept(w, "1") })
	if err != nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	for name, provide := range map[string]func(context.Context) (sns.Credentials, error){
		"failed": func(context.Context) (sns.Credentials, error) {
			return sns.Credentials{}, errors.New("cannot parse hunter2")
		},
		"empty": func(context.Context) (sns.Credentials, error) { return sns.Credentials{}, nil },
	} {
		err := send(t, func(c *sns.Config) { c.Credentials, c.Provide = sns.Credentials{}, provide },
			func(http.ResponseWriter, *http.Request) { t.Errorf("%s: a request left", name) })
		se, ok := errors.AsType[*sms.Error](err)
		if !ok || se.Outcome != sms.Temporary || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		c    sns.Config
		want []string
	}{
		"empty": {sns.Config{SenderID: "123456789012", Timeout: -1}, []string{"Region is required", "AccessKeyID", "SecretAccessKey", "SenderID", "Timeout"}},
		"both": {sns.Config{Region: "evil.example/", Credentials: sns.Credentials{AccessKeyID: "hunter2"},
			Provide: func(context.Context) (sns.Credentials, error) { return sns.Credentials{}, nil }},
			[]string{"invalid Region", "exactly one"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sns.New(tt.c)
			providertest.Faults(t, err, tt.want...)
		})
	}
	c := config("")
	if _, err := sns.New(c); err != nil {
		t.Errorf("default endpoint: %v", err)
	}
}
