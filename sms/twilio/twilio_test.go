package twilio_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
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

func send(t *testing.T, c func(*twilio.Config), m sms.Message, answer http.HandlerFunc) (sms.Accepted, error) {
	t.Helper()
	server := httptest.NewServer(answer)
	defer server.Close()
	cfg := config(server.URL)
	if c != nil {
		c(&cfg)
	}
	s, err := twilio.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s.Send(t.Context(), m)
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
		_, err := send(t, func(c *twilio.Config) {
			c.Now = func() time.Time { return now }
			if tt.c != nil {
				tt.c(c)
			}
		}, m, func(w http.ResponseWriter, r *http.Request) {
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
	}{
		{400, 21211, sms.Permanent},
		{400, 21610, sms.Permanent},
		{401, 20003, sms.Permanent},
		{400, 21611, sms.Temporary},
		{400, 14107, sms.Temporary},
		{429, 20429, sms.Temporary},
		{500, 20500, sms.Uncertain},
		{503, 20503, sms.Temporary},
	} {
		_, err := send(t, nil, sms.Message{To: "+1"}, func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, tt.status, tt.code, "x")
		})
		se, ok := errors.AsType[*sms.Error](err)
		if !ok || se.Outcome != tt.want || !strings.Contains(err.Error(), fmt.Sprint(tt.code)) {
			t.Errorf("%d/%d: %v", tt.status, tt.code, err)
		}
	}
}

func TestFailedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := send(t, nil, sms.Message{To: "+1"}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"sid":"SM1","status":"failed","error_code":30005}`))
	})
	if se, ok := errors.AsType[*sms.Error](err); !ok || se.Outcome != sms.Permanent {
		t.Errorf("got %v, want permanent", err)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	_, err := twilio.New(twilio.Config{
		AccountSID: "AC/../x", AuthToken: identity.NewSecret("hunter2\n"), From: "a", MessagingServiceSID: "b",
		Endpoint: "http://api.twilio.com?x", Timeout: time.Hour,
	})
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, want := range []string{"AuthToken holds", "no SID", "exactly one of From", "Endpoint must be https", "Timeout"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("shows the token: %v", err)
	}
	if _, err := twilio.New(config("")); err != nil {
		t.Errorf("default endpoint: %v", err)
	}
}
