package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
	"github.com/seed-16109ab2/rekey/sms/webhook"
)

func secretOf(b byte, n int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(b)), n)))
}

var secret = secretOf('s', 32)

// This is the example with which the reference libraries of Standard Webhooks are
// tested.
func TestSignPublishedExample(t *testing.T) {
	t.Parallel()
	got, err := webhook.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
		1614265330, []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("signature %q, %v; want %q", got, err, want)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	var refs atomic.Int64
	smstest.Run(t, smstest.Fixture{
		Provider:      webhook.Provider,
		Idempotent:    true,
		StatusDecides: true,
		HasRef:        true,
		RetryAfter:    90 * time.Second,
		Secrets:       []string{secret, strings.TrimPrefix(secret, "whsec_"), strings.Repeat("s", 32), "token=q1w2"},
		New: func(url string, timeout time.Duration) (sms.Sender, error) {
			return webhook.New(webhook.Config{URL: url + "/hook?token=q1w2", Secret: identity.NewSecret(secret), Timeout: timeout})
		},
		Read: func(r *http.Request, body []byte) (smstest.Received, error) {
			if err := verify(strings.Repeat("s", 32), r.Header, body, time.Now()); err != nil {
				return smstest.Received{}, err
			}
			if r.Method != http.MethodPost || r.URL.RequestURI() != "/hook?token=q1w2" {
				return smstest.Received{}, errors.New("wrong method or address")
			}
			var p webhook.Payload
			err := json.Unmarshal(body, &p)
			return smstest.Received{To: p.Data.To, Text: p.Data.Text, IdempotencyKey: r.Header.Get("webhook-id")}, err
		},
		Answer: func(b smstest.Behaviour, w http.ResponseWriter, _ smstest.Received) {
			switch b {
			case smstest.Accept:
				w.WriteHeader(http.StatusAccepted)
				_, _ = fmt.Fprintf(w, `{"id":"sms-%d"}`, refs.Add(1))
			case smstest.Refuse:
				w.WriteHeader(http.StatusUnprocessableEntity)
			case smstest.TryLater:
				w.WriteHeader(http.StatusServiceUnavailable)
			case smstest.Throttled:
				w.Header().Set("Retry-After", "90")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		},
	})
}

func TestPayload(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.FixedZone("", 8*3600))
	var header http.Header
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	defer s.Close()
	sender, err := webhook.New(webhook.Config{
		URL: s.URL, Secret: identity.NewSecret(secret), OldSecret: identity.NewSecret(secretOf('o', 24)),
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := sender.Send(t.Context(), sms.Message{
		ID: "m1", To: "+8612345678901", Kind: sms.KindVerifyCode, Purpose: "FORGET_PWD_SMS",
		Tenant: "t", Language: "zh", Text: "<123456>", Params: map[string]string{"code": "123456", "minutes": "5"},
		ExpiresAt: now.Add(5 * time.Minute),
	})
	if err != nil || r != (sms.Accepted{Provider: "webhook"}) {
		t.Fatalf("receipt %+v, error %v", r, err)
	}
	want := `{"type":"sms.send","timestamp":"2026-02-02T20:05:06Z","data":{"to":"+8612345678901","kind":"verify_code",` +
		`"purpose":"FORGET_PWD_SMS","tenant":"t","language":"zh","text":"<123456>",` +
		`"params":{"code":"123456","minutes":"5"},"expires_at":"2026-02-02T20:10:06.789Z"}}` + "\n"
	if d := cmp.Diff(want, string(body)); d != "" {
		t.Error(d)
	}
	if header.Get("webhook-timestamp") != strconv.FormatInt(now.Unix(), 10) || header.Get("content-type") != "application/json" {
		t.Errorf("header %v", header)
	}
	for _, key := range []string{strings.Repeat("s", 32), strings.Repeat("o", 24)} {
		if err := verify(key, header, body, now); err != nil {
			t.Errorf("during rotation, key %q…: %v", key[:1], err)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, tt := range []struct {
		status     int
		retryAfter string
		want       sms.Outcome
		wait       time.Duration
	}{
		{408, "", sms.Temporary, 0},
		{425, "1", sms.Temporary, time.Second},
		{429, "Tue, 03 Feb 2026 04:06:06 GMT", sms.Temporary, time.Minute},
		{429, "Tue, 03 Feb 2026 04:04:06 GMT", sms.Temporary, 0},
		{500, "99999999999999999999999", sms.Repeatable, time.Hour},
		{503, "-5", sms.Temporary, 0},
		{504, "soon", sms.Repeatable, 0},
		{304, "", sms.Permanent, 0},
		{400, "9", sms.Permanent, 0},
		{401, "", sms.Permanent, 0},
		{404, "", sms.Permanent, 0},
		{410, "", sms.Permanent, 0},
		{413, "", sms.Permanent, 0},
	} {
		t.Run(fmt.Sprint(tt.status, tt.retryAfter), func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", tt.retryAfter)
				w.WriteHeader(tt.status)
			}))
			defer s.Close()
			sender, err := webhook.New(webhook.Config{URL: s.URL, Secret: identity.NewSecret(secret), Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			_, err = sender.Send(t.Context(), sms.Message{ID: "m1"})
			se, ok := errors.AsType[*sms.Error](err)
			if !ok || se.Outcome != tt.want || se.RetryAfter != tt.wait {
				t.Errorf("got %v, RetryAfter %v; want outcome %v after %v", err, se.RetryAfter, tt.want, tt.wait)
			}
		})
	}
}

// The receiver's own provider may limit one number.
func TestRefusalOfOneNumber(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"number_only":true}`: true, `{"number_only":false}`: false, ``: false, `{"number_only":"yes"}`: false, `[true]`: false,
	} {
		_, err := providertest.Send(t, func(url string) (*webhook.Sender, error) {
			return webhook.New(webhook.Config{URL: url, Secret: identity.NewSecret(secret)})
		}, sms.Message{ID: "m1"}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(body))
		})
		providertest.Failed(t, body, err, sms.Temporary, want, "429")
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	good := identity.NewSecret(secret)
	for name, tt := range map[string]struct {
		c    webhook.Config
		want []string // nil: no fault
	}{
		"https":             {webhook.Config{URL: "https://example.com/x?y=1", Secret: good}, nil},
		"loopback":          {webhook.Config{URL: "http://localhost:1/", Secret: good}, nil},
		"loopback v6":       {webhook.Config{URL: "http://[::1]:1/", Secret: good}, nil},
		"insecure by name":  {webhook.Config{URL: "http://example.com/", Secret: good, InsecureHTTP: true}, nil},
		"http":              {webhook.Config{URL: "http://example.com/", Secret: good}, []string{"URL must be https"}},
		"looks like local":  {webhook.Config{URL: "http://localhost.example.com/", Secret: good}, []string{"URL must be https"}},
		"other scheme":      {webhook.Config{URL: "ftp://example.com/", Secret: good, InsecureHTTP: true}, []string{"URL must be https"}},
		"relative":          {webhook.Config{URL: "/x", Secret: good}, []string{"URL is not an absolute URL"}},
		"credentials":       {webhook.Config{URL: "https://u:hunter2@example.com/", Secret: good}, []string{"URL must not contain"}},
		"unparsable":        {webhook.Config{URL: "https://u:hunter2@example.com:port/", Secret: good}, []string{"URL is not an absolute URL"}},
		"unprefixed secret": {webhook.Config{URL: "https://e", Secret: identity.NewSecret(secret[6:])}, []string{"Secret must start"}},
		"short secret":      {webhook.Config{URL: "https://e", Secret: identity.NewSecret(secretOf('x', 23))}, []string{"Secret must contain"}},
		"long secret":       {webhook.Config{URL: "https://e", Secret: identity.NewSecret(secretOf('x', 65))}, []string{"Secret must contain"}},
		"not base64":        {webhook.Config{URL: "https://e", Secret: identity.NewSecret("whsec_hunter2!")}, []string{"Secret must be base64"}},
		"several": {webhook.Config{OldSecret: identity.NewSecret("hunter2"), Timeout: -1},
			[]string{"URL ", "Secret must start", "OldSecret must start", "Timeout "}},
	} {
		_, err := webhook.New(tt.c)
		if (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, w := range tt.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q lacks %q", name, err, w)
			}
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: shows a secret: %v", name, err)
		}
	}
}

func TestUnusableIDs(t *testing.T) {
	t.Parallel()
	s, err := webhook.New(webhook.Config{URL: "http://127.0.0.1:1", Secret: identity.NewSecret(secret)})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "a.b", "a b", "a\r\nx: y", "é", strings.Repeat("a", 129)} {
		_, err := s.Send(t.Context(), sms.Message{ID: id})
		if se, ok := errors.AsType[*sms.Error](err); !ok || se.Outcome != sms.Permanent {
			t.Errorf("id %q: %v", id, err)
		}
	}
}

func TestDataPrintsRedacted(t *testing.T) {
	t.Parallel()
	p := webhook.Payload{Data: webhook.Data{To: "+8613912345678", Text: "code 123456", Params: map[string]string{"code": "123456"}}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if got := fmt.Sprintf(verb, p); strings.Contains(got, "123456") || strings.Contains(got, "139") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}
