package smshttp_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smshttp"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                                0,
		"0":                               0,
		"120":                             2 * time.Minute,
		" 7 ":                             7 * time.Second,
		"3601":                            time.Hour,
		"9223372036854775807":             time.Hour,
		"99999999999999999999999":         time.Hour,
		"-1":                              0,
		"1.5":                             0,
		"1e9":                             0,
		"Tue, 03 Feb 2026 04:06:06 GMT":   time.Minute,
		"Tuesday, 03-Feb-26 04:06:06 GMT": time.Minute,
		"Tue, 03 Feb 2026 04:05:05 GMT":   0,
		"Tue, 03 Feb 2036 04:06:06 GMT":   time.Hour,
		"tomorrow":                        0,
	} {
		if got := smshttp.RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("RetryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	m := sms.Message{To: "+8613912345678", Text: "hello", Params: map[string]string{"code": "804715", "minutes": "5"}}
	for s, want := range map[string]string{
		"":                           "",
		"21211":                      "21211",
		"isv.BUSINESS_LIMIT_CONTROL": "isv.BUSINESS_LIMIT_CONTROL",
		"SM0123456789abcdef":         "SM0123456789abcdef",
		"5":                          "5",
		"a b":                        "unprintable",
		"a\nb":                       "unprintable",
		"é":                          "unprintable",
		"13912345678":                "13912345678", // the national part alone is not the number
		"to:8613912345678":           "unprintable",
		"code-804715":                "unprintable",
		"hello":                      "unprintable",
		strings.Repeat("a", 128):     strings.Repeat("a", 128),
		strings.Repeat("a", 129):     "unprintable",
	} {
		if got := smshttp.Token(s, m); got != want {
			t.Errorf("Token(%q) = %q, want %q", s, got, want)
		}
	}
}

// roundTripper fails with its error. It calls no trace hook, so whether the request
// left is unknown.
type roundTripper struct{ err error }

func (r roundTripper) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.err }

func request(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func client(t *testing.T, c smshttp.Config) *smshttp.Client {
	t.Helper()
	c.Provider = "p"
	out, err := smshttp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestErrorsHideTheURLAndUnknownEndsAreUncertain(t *testing.T) {
	t.Parallel()
	for idempotent, want := range map[bool]sms.Outcome{false: sms.Uncertain, true: sms.Repeatable} {
		c := client(t, smshttp.Config{Idempotent: idempotent,
			Client: &http.Client{Transport: roundTripper{errors.New("failed at https://u:pw@h/secret?k=v")}}})
		_, err := c.Do(request(t, "https://example.com/secret?k=v"), sms.Message{})
		if se, ok := errors.AsType[*sms.Error](err); !ok || se.Outcome != want {
			t.Errorf("idempotent %v: %v", idempotent, err)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if s := fmt.Sprintf("%v %+v", e, e); strings.Contains(s, "secret") || strings.Contains(s, "pw") {
				t.Errorf("shows the URL: %s", s)
			}
		}
	}
}

func TestFailedHandshakeSentNothing(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	c := client(t, smshttp.Config{Client: &http.Client{Transport: &http.Transport{}}}) // trusts no test certificate
	_, err := c.Do(request(t, s.URL), sms.Message{})
	if se, ok := errors.AsType[*sms.Error](err); !ok || se.Outcome != sms.Temporary {
		t.Errorf("got %v, want temporary", err)
	}
}

// A plain http request would show the code to anyone on the path.
func TestPlainHTTPIsRefused(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]sms.Outcome{
		"http://example.com/?k=secret": sms.Permanent, "ftp://example.com/": sms.Permanent,
		"http://127.0.0.1/": sms.Uncertain, "https://example.com/": sms.Uncertain, // asked: the transport fails
	} {
		c := client(t, smshttp.Config{Client: &http.Client{Transport: roundTripper{errors.New("asked")}}})
		_, err := c.Do(request(t, url), sms.Message{})
		if se, ok := errors.AsType[*sms.Error](err); !ok || se.Outcome != want || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
	c := client(t, smshttp.Config{InsecureHTTP: true, Client: &http.Client{Transport: roundTripper{errors.New("asked")}}})
	if _, err := c.Do(request(t, "http://example.com/"), sms.Message{}); sms.ErrorOf(err).Outcome != sms.Uncertain {
		t.Errorf("InsecureHTTP: %v", err)
	}
}

func TestNewPostHidesTheURL(t *testing.T) {
	t.Parallel()
	_, err := client(t, smshttp.Config{}).NewPost(t.Context(), "https://u:hunter2@h:port/\x00", "", nil)
	if se, ok := errors.AsType[*sms.Error](err); !ok || se.Outcome != sms.Permanent || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// exchange has a server answer with a status, a field and a body.
func exchange(t *testing.T, c smshttp.Config, m sms.Message, status int, retryAfter, body string) *smshttp.Response {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer s.Close()
	r, err := client(t, c).Do(request(t, s.URL), m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status     int
		idempotent bool
		want       sms.Outcome
		wait       time.Duration // of a Retry-After of 7 seconds
	}{
		{307, false, sms.Permanent, 0}, {400, false, sms.Permanent, 0},
		{408, false, sms.Temporary, 7}, {425, false, sms.Temporary, 7},
		{429, false, sms.Temporary, 7}, {503, false, sms.Temporary, 7},
		{500, false, sms.Uncertain, 0}, {502, false, sms.Uncertain, 0}, {504, false, sms.Uncertain, 0},
		{500, true, sms.Repeatable, 7}, {504, true, sms.Repeatable, 7},
	} {
		r := exchange(t, smshttp.Config{Idempotent: tt.idempotent}, sms.Message{}, tt.status, "7", "")
		if e := r.FailStatus("X1"); e.Outcome != tt.want || e.RetryAfter != tt.wait*time.Second || !strings.Contains(e.Error(), "X1") {
			t.Errorf("status %d, idempotent %v: %v after %v", tt.status, tt.idempotent, e, e.RetryAfter)
		}
	}
}

// A provider's text in an answer appears in no error and no record.
func TestResponsesAreRedacted(t *testing.T) {
	t.Parallel()
	m := sms.Message{To: "+8613912345678", Text: "code 804715", Params: map[string]string{"code": "804715"}}
	r := exchange(t, smshttp.Config{}, m, 400, "", "")
	for _, field := range []string{"804715", "x-8613912345678", "code 804715"} {
		for name, got := range map[string]string{
			"Accepted": fmt.Sprint(r.Accepted(field)), "Fail": r.Fail(sms.Permanent, field).Error(), "FailStatus": r.FailStatus(field).Error(),
		} {
			if strings.Contains(got, field) {
				t.Errorf("%s shows %q: %s", name, field, got)
			}
		}
	}
	if got := r.Accepted("id-1"); got != (sms.Accepted{Provider: "p", Ref: "id-1"}) {
		t.Errorf("got %+v", got)
	}
}

func TestBodyIsBoundedAndConfiguredClientLeftAlone(t *testing.T) {
	t.Parallel()
	given := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r := exchange(t, smshttp.Config{Client: given, Timeout: time.Minute}, sms.Message{}, 200, "", strings.Repeat("x", smshttp.MaxBody+1000))
	if len(r.Body) != smshttp.MaxBody {
		t.Errorf("%d bytes", len(r.Body))
	}
	if given.CheckRedirect != nil {
		t.Error("the caller's client was changed")
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	for d, ok := range map[time.Duration]bool{0: true, time.Nanosecond: true, time.Minute: true, time.Minute + 1: false, -1: false} {
		if _, err := smshttp.New(smshttp.Config{Provider: "p", Timeout: d}); (err == nil) != ok {
			t.Errorf("Timeout %v: %v", d, err)
		}
	}
	if _, err := smshttp.New(smshttp.Config{}); err == nil || !strings.Contains(err.Error(), "Provider") {
		t.Errorf("without Provider: %v", err)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "120", "-1", "99999999999999999999", "Tue, 03 Feb 2026 04:06:06 GMT", "1.5"} {
		f.Add(s)
	}
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		if d := smshttp.RetryAfter(http.Header{"Retry-After": {s}}, now); d < 0 || d > smshttp.MaxRetryAfter {
			t.Errorf("RetryAfter(%q) = %v", s, d)
		}
	})
}

func FuzzToken(f *testing.F) {
	m := sms.Message{To: "+8613912345678", Text: "hello world", Params: map[string]string{"code": "804715"}}
	for _, s := range []string{"", "21211", "804715", "x8613912345678", "a\nb", "hello world"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := smshttp.Token(s, m)
		if len(got) > 128 || strings.ContainsAny(got, " \r\n\t\"<>") || strings.Contains(got, "804715") || strings.Contains(got, "8613912345678") {
			t.Errorf("Token(%q) = %q", s, got)
		}
	})
}
