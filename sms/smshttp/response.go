package smshttp

import (
	"fmt"
	"net/http"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// Response is a provider's answer to one message.
type Response struct {
	Status int
	Header http.Header
	// Body holds at most 64 KiB. An answer that is longer or broken off is cut.
	Body []byte

	client  *Client
	message sms.Message
	readErr error
}

// OK reports a status of 200 to 299.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status < 300 }

// Accepted returns what Send returns for an accepted message. ref is the
// provider's id of the message, and may be empty.
func (r *Response) Accepted(ref string) sms.Accepted {
	return sms.Accepted{Provider: r.client.c.Provider, Ref: token(ref, r.message)}
}

// FailStatus returns the failure that an unsuccessful status means by itself: 408,
// 425, 429 and 503 say that the message was not sent; other 5xx leave that open;
// everything else refuses the message. code is the provider's own error code, or
// empty. A Retry-After of up to an hour is kept.
func (r *Response) FailStatus(code string) *sms.Error {
	switch {
	case r.Status == http.StatusRequestTimeout, r.Status == http.StatusTooEarly,
		r.Status == http.StatusTooManyRequests, r.Status == http.StatusServiceUnavailable:
		return r.Fail(sms.Temporary, code)
	case r.Status >= 500:
		return r.client.failUnknown(r.retryAfter(), "%s", r.describe(code))
	default:
		return r.Fail(sms.Permanent, code)
	}
}

// Fail returns a failure whose outcome the provider's own error code decides. If
// the code is about the number alone, set NumberOnly of the result.
func (r *Response) Fail(o sms.Outcome, code string) *sms.Error {
	e := r.client.Fail(o, "%s", r.describe(code))
	if o == sms.Temporary {
		e.RetryAfter = r.retryAfter()
	}
	return e
}

// FailUnreadable returns the failure of a successful status whose body says
// neither that the message was accepted nor that it was refused.
func (r *Response) FailUnreadable() *sms.Error {
	if r.readErr != nil {
		return r.client.failUnknown(0, "status %d, answer broken off: %w", r.Status, r.readErr)
	}
	return r.client.failUnknown(0, "status %d with an unreadable answer", r.Status)
}

func (r *Response) retryAfter() time.Duration { return retryAfter(r.Header, r.client.c.Now()) }

func (r *Response) describe(code string) string {
	if code == "" {
		return fmt.Sprintf("status %d", r.Status)
	}
	return fmt.Sprintf("status %d, error %s", r.Status, token(code, r.message))
}
