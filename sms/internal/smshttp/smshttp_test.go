package smshttp_test

import (
	"context"
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
	"github.com/seed-16109ab2/rekey/sms/internal/smshttp"
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

func TestCheckEndpoint(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{
		"https://example.com/a":    true,
		"http://127.0.0.1:80":      true,
		"http://127.0.0.2":         true,
		"http://LOCALHOST":         true,
		"http://[::1]":             true,
		"http://example.com":       false,
		"http://127.0.0.1.nip.io":  false,
		"http://0.0.0.0":           false,
		"https://u@example.com":    false,
		"https://example.com/#x":   false,
		"https:example.com":        false,
		"//example.com":            false,
		"":                         false,
		"gopher://example.com":     false,
		"https://exa mple.com/":    false,
		"https://example.com:http": false,
	} {
		if _, err := smshttp.CheckEndpoint("Endpoint", raw, false); (err == nil) != ok {
			t.Errorf("CheckEndpoint(%q) = %v", raw, err)
		}
	}
}

// roundTripper fails as told. As it calls no trace hook, nobody can tell whether
// anything left.
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

func TestErrorsHideTheURLAndUnknownEndsAreUncertain(t *testing.T) {
	t.Parallel()
	for _, idempotent := range []bool{true, false} {
		c, err := smshttp.NewClient("p", &http.Client{Transport: roundTripper{errors.New("failed at https://u:pw@h/secret?k=v")}}, 0, idempotent)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(t.Context(), request(t, "https://example.com/secret?k=v"))
		want := sms.Uncertain
		if idempotent {
			want = sms.Temporary
		}
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
	c, err := smshttp.NewClient("p", &http.Client{Transport: &http.Transport{}}, 0, false) // trusts no test certificate
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(t.Context(), request(t, s.URL))
	if se, ok := errors.AsType[*sms.Error](err); !ok || se.Outcome != sms.Temporary {
		t.Errorf("got %v, want temporary", err)
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status     int
		idempotent bool
		want       sms.Outcome
	}{
		{307, false, sms.Permanent}, {400, false, sms.Permanent},
		{408, false, sms.Temporary}, {425, false, sms.Temporary},
		{429, false, sms.Temporary}, {503, false, sms.Temporary},
		{500, false, sms.Uncertain}, {502, false, sms.Uncertain}, {504, false, sms.Uncertain},
		{500, true, sms.Temporary}, {504, true, sms.Temporary},
	} {
		c, err := smshttp.NewClient("p", nil, 0, tt.idempotent)
		if err != nil {
			t.Fatal(err)
		}
		err = c.FailStatus(&smshttp.Response{Status: tt.status, Header: http.Header{}}, "", time.Now())
		if se, ok := errors.AsType[*sms.Error](err); !ok || se.Outcome != tt.want {
			t.Errorf("status %d, idempotent %v: %v", tt.status, tt.idempotent, err)
		}
	}
}

func TestBodyIsBoundedAndConfiguredClientLeftAlone(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, smshttp.MaxBody+1000))
	}))
	defer s.Close()
	given := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	c, err := smshttp.NewClient("p", given, time.Minute, false)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Do(context.Background(), request(t, s.URL))
	if err != nil || len(r.Body) != smshttp.MaxBody {
		t.Errorf("%d bytes, %v", len(r.Body), err)
	}
	if given.CheckRedirect != nil {
		t.Error("the caller's client was changed")
	}
}

func TestTimeoutBounds(t *testing.T) {
	t.Parallel()
	for d, ok := range map[time.Duration]bool{0: true, time.Nanosecond: true, time.Minute: true, time.Minute + 1: false, -1: false} {
		if _, err := smshttp.NewClient("p", nil, d, false); (err == nil) != ok {
			t.Errorf("Timeout %v: %v", d, err)
		}
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
