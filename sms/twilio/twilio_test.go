package twilio_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/providertest"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/sms/twilio"
)

const (
	account = "AC00000000000000000000000000000001"
	token   = "tok-5d1e0c77"
)

func config(endpoint string) twilio.Config {
	return twilio.Config{
		AccountSID: account, AuthToken: identity.NewSecret(token), From: "+15005550006",
		Endpoint: endpoint,
	}
}

// read understands a request as Twilio does.
func read(r *http.Request, body []byte) (url.Values, error) {
	user, password, _ := r.BasicAuth()
	switch {
	case r.Method != http.MethodPost || r.URL.RequestURI() != "/2010-04-01/Accounts/"+account+"/Messages.json":
		return nil, errors.New("wrong method or path")
	case user != account || password != token:
		return nil, errors.New("20003: not authenticated")
	case r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return nil, errors.New("not a form")
	}
	return url.ParseQuery(string(body))
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"code": %d, "message": %q, "more_info": "https://www.twilio.com/docs/errors/%[1]d", "status": %[3]d}`,
		code, message, status)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	var sids atomic.Int64
	smstest.Run(t, smstest.Fixture{
		Provider:   twilio.Provider,
		HasRef:     true,
		RetryAfter: 3 * time.Second,
		Secrets:    []string{token},
		New: func(url string, timeout time.Duration) (sms.Sender, error) {
			c := config(url)
			c.Timeout = timeout
			return twilio.New(c)
		},
		Read: func(r *http.Request, body []byte) (smstest.Received, error) {
			form, err := read(r, body)
			return smstest.Received{To: form.Get("To"), Text: form.Get("Body")}, err
		},
		Answer: func(b smstest.Behaviour, w http.ResponseWriter, got smstest.Received) {
			switch b {
			case smstest.Accept:
				w.WriteHeader(http.StatusCreated)
				_, _ = fmt.Fprintf(w, `{"sid":"SM%032d","status":"queued","to":%q,"error_code":null,"error_message":null}`, sids.Add(1), got.To)
			case smstest.Refuse:
				refuse(w, 400, 21211, "The 'To' number "+got.To+" is not a valid phone number.")
			case smstest.TryLater:
				refuse(w, 503, 20503, "Service unavailable")
			case smstest.Throttled:
				w.Header().Set("Retry-After", "3")
				refuse(w, 429, 20429, "Too Many Requests")
			}
		},
	})
}

// opener returns a function that opens a sender. If change is not nil, it changes the
// configuration first.
func opener(change func(*twilio.Config)) func(endpoint string) (*twilio.Sender, error) {
	return func(endpoint string) (*twilio.Sender, error) {
		c := config(endpoint)
		if change != nil {
			change(&c)
		}
		return twilio.New(c)
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	m := sms.Message{To: "+8612345678901", Text: "Your code is 123456.", ExpiresAt: now.Add(5 * time.Minute)}
	for name, tt := range map[string]struct {
		c    func(*twilio.Config)
		user string
		want url.Values
	}{
		"from": {nil, account, url.Values{
			"To": {m.To}, "Body": {m.Text}, "From": {"+15005550006"}, "ValidityPeriod": {"300"}}},
		"messaging service and API key": {func(c *twilio.Config) {
			c.From, c.MessagingServiceSID, c.KeySID = "", "MG1", "SK1"
		}, "SK1", url.Values{"To": {m.To}, "Body": {m.Text}, "MessagingServiceSid": {"MG1"}, "ValidityPeriod": {"300"}}},
		"nearly over": {func(c *twilio.Config) {
			c.Now = func() time.Time { return m.ExpiresAt }
		}, account, url.Values{"To": {m.To}, "Body": {m.Text}, "From": {"+15005550006"}, "ValidityPeriod": {"1"}}},
	} {
		var got url.Values
		var user string
		_, err := providertest.Send(t, opener(func(c *twilio.Config) {
			c.Now = func() time.Time { return now }
			if tt.c != nil {
				tt.c(c)
			}
		}), m, func(w http.ResponseWriter, r *http.Request) {
			user, _, _ = r.BasicAuth()
			_ = r.ParseForm()
			got = r.PostForm
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"sid":"SM1","status":"accepted"}`))
		})
		if err != nil || user != tt.user {
			t.Errorf("%s: user %q, %v", name, user, err)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status, code int
		want         sms.Outcome
		numberOnly   bool
	}{
		{400, 21211, sms.Permanent, true},
		{400, 21610, sms.Permanent, true},
		{400, 21614, sms.Permanent, true},
		{401, 20003, sms.Permanent, false},
		{400, 21611, sms.Temporary, false},
		{400, 14107, sms.Temporary, true},
		{429, 14107, sms.Temporary, true},
		{429, 20429, sms.Temporary, false},
		{429, 63038, sms.Temporary, false},
		{500, 20500, sms.Uncertain, false},
		{503, 20503, sms.Temporary, false},
	} {
		_, err := providertest.Send(t, opener(nil), sms.Message{To: "+1"}, func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, tt.status, tt.code, "x")
		})
		providertest.Failed(t, fmt.Sprint(tt.status, "/", tt.code), err, tt.want, tt.numberOnly, fmt.Sprint(tt.code))
	}
}

func TestFailedImmediately(t *testing.T) {
	t.Parallel()
	_, err := providertest.Send(t, opener(nil), sms.Message{To: "+1"}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"sid":"SM1","status":"failed","error_code":30005}`))
	})
	providertest.Failed(t, "failed", err, sms.Permanent, false, "")
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	_, err := twilio.New(twilio.Config{
		AccountSID: "AC/../x", AuthToken: identity.NewSecret("hunter2\n"), From: "a", MessagingServiceSID: "b",
		Endpoint: "http://api.twilio.com?x", Timeout: time.Hour,
	})
	providertest.Faults(t, err, "AuthToken contains", "not a SID", "exactly one of From", "Endpoint must be https", "Timeout")
	if _, err := twilio.New(config("")); err != nil {
		t.Errorf("default endpoint: %v", err)
	}
}
