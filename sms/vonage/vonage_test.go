package vonage_test

import (
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
	"github.com/seed-16109ab2/rekey/sms/vonage"
)

const secret = "secret-e0b7c411"

func config(endpoint string) vonage.Config {
	return vonage.Config{APIKey: "abcd1234", APISecret: identity.NewSecret(secret), From: "Rekey", Endpoint: endpoint}
}

func read(r *http.Request, body []byte) (url.Values, error) {
	form, err := url.ParseQuery(string(body))
	switch {
	case r.Method != http.MethodPost || r.URL.RequestURI() != "/sms/json":
		return nil, errors.New("wrong method or path")
	case r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return nil, errors.New("not a form")
	case form.Get("api_key") != "abcd1234" || form.Get("api_secret") != secret:
		return nil, errors.New("4: bad credentials")
	case strings.HasPrefix(form.Get("to"), "+"):
		return nil, errors.New("3: number with plus sign")
	}
	return form, err
}

func parts(w http.ResponseWriter, statuses ...string) {
	var all []string
	for i, s := range statuses {
		if s == "0" {
			all = append(all, fmt.Sprintf(`{"to":"8613","message-id":"0A000000012345%02d","status":"0","remaining-balance":"3.14","message-price":"0.03","network":"46000"}`, i))
		} else {
			all = append(all, fmt.Sprintf(`{"status":%q,"error-text":"text 8613987650412"}`, s))
		}
	}
	_, _ = fmt.Fprintf(w, `{"message-count":"%d","messages":[%s]}`, len(all), strings.Join(all, ","))
}

func TestConformance(t *testing.T) {
	t.Parallel()
	var ids atomic.Int64
	smstest.Run(t, smstest.Fixture{
		Provider: vonage.Provider,
		HasRef:   true,
		Secrets:  []string{secret},
		New: func(url string, timeout time.Duration) (sms.Sender, error) {
			c := config(url)
			c.Timeout = timeout
			return vonage.New(c)
		},
		Read: func(r *http.Request, body []byte) (smstest.Received, error) {
			form, err := read(r, body)
			return smstest.Received{To: "+" + form.Get("to"), Text: form.Get("text")}, err
		},
		Answer: func(b smstest.Behaviour, w http.ResponseWriter, _ smstest.Received) {
			switch b {
			case smstest.Accept:
				_, _ = fmt.Fprintf(w, `{"message-count":"1","messages":[{"status":"0","message-id":"0A%014d"}]}`, ids.Add(1))
			case smstest.Refuse:
				parts(w, "7")
			case smstest.TryLater:
				parts(w, "10")
			case smstest.Throttled:
				parts(w, "1")
			}
		},
	})
}

func opener(now time.Time) func(endpoint string) (*vonage.Sender, error) {
	return func(endpoint string) (*vonage.Sender, error) {
		c := config(endpoint)
		c.Now = func() time.Time { return now }
		return vonage.New(c)
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, tt := range []struct {
		text, kind string
		left       time.Duration
		ttl        string
	}{
		{"Your code is 123456. [Größe] €5 ~", "text", 5 * time.Minute, "300000"},
		{"验证码 123456", "unicode", time.Second, "20000"},
		{"tab\t", "unicode", 30 * 24 * time.Hour, "604800000"},
		{"ê", "unicode", time.Minute, "60000"},
	} {
		var got url.Values
		r, err := providertest.Send(t, opener(now), sms.Message{ID: "m1", To: "+8612345678901", Text: tt.text, ExpiresAt: now.Add(tt.left)},
			func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				got = r.PostForm
				parts(w, "0", "0")
			})
		if err != nil || r.Ref != "0A00000001234500" {
			t.Errorf("%q: %+v, %v", tt.text, r, err)
		}
		want := url.Values{"api_key": {"abcd1234"}, "api_secret": {secret}, "from": {"Rekey"}, "to": {"8612345678901"},
			"text": {tt.text}, "type": {tt.kind}, "client-ref": {"m1"}, "ttl": {tt.ttl}}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		statuses   []string
		want       sms.Outcome
		numberOnly bool
	}{
		{[]string{"1"}, sms.Temporary, false},
		{[]string{"9"}, sms.Temporary, false},
		{[]string{"10"}, sms.Temporary, false},
		{[]string{"5"}, sms.Uncertain, false},
		{[]string{"2"}, sms.Permanent, false},
		{[]string{"4"}, sms.Permanent, false},
		{[]string{"6"}, sms.Permanent, true},
		{[]string{"7"}, sms.Permanent, true},
		{[]string{"1", "1"}, sms.Temporary, false},
		{[]string{"0", "1"}, sms.Uncertain, false},
		{[]string{"1", "0"}, sms.Uncertain, false},
		{[]string{""}, sms.Uncertain, false},
		{nil, sms.Uncertain, false},
	} {
		_, err := providertest.Send(t, opener(time.Now()), sms.Message{To: "+8613987650412", Text: "x"},
			func(w http.ResponseWriter, _ *http.Request) { parts(w, tt.statuses...) })
		providertest.Failed(t, fmt.Sprintf("%q", tt.statuses), err, tt.want, tt.numberOnly, "")
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	_, err := vonage.New(vonage.Config{APISecret: identity.NewSecret("hunter2\n"), Endpoint: "http://rest.nexmo.com", Timeout: -1})
	providertest.Faults(t, err, "APIKey is required", "APISecret contains", "no From", "Endpoint must be https", "Timeout")
	if _, err := vonage.New(config("")); err != nil {
		t.Errorf("default endpoint: %v", err)
	}
}
