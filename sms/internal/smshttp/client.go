package smshttp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

const (
	// DefaultTimeout bounds one exchange when the configuration says nothing.
	DefaultTimeout = 10 * time.Second
	// MaxTimeout is the longest configurable one: a delivery lease is of that order.
	MaxTimeout = time.Minute
	// MaxBody is how much of an answer is read, in bytes. Providers answer with
	// a few hundred.
	MaxBody = 64 << 10
)

// Client exchanges requests with one provider. It is safe for concurrent use.
type Client struct {
	provider   string
	http       http.Client
	timeout    time.Duration
	idempotent bool
}

// NewClient returns a Client for the named provider. A nil c stands for one with
// a transport of its own and net/http's defaults; a given one is copied, and its redirect policy and cookie
// jar are dropped. A timeout of 0 stands for [DefaultTimeout]; it must be within
// 0 to [MaxTimeout]. idempotent says that a repeated request sends no second
// message.
func NewClient(provider string, c *http.Client, timeout time.Duration, idempotent bool) (*Client, error) {
	if timeout < 0 || timeout > MaxTimeout {
		return nil, fmt.Errorf("invalid Timeout %v: it must be within 0 to %v", timeout, MaxTimeout)
	}
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	out := &Client{provider: provider, timeout: timeout, idempotent: idempotent}
	if c != nil {
		out.http = *c
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		// Whoever closes the shared transport's idle connections breaks off an
		// exchange that begins at that moment: the message would be uncertain.
		out.http.Transport = t.Clone()
	}
	out.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	out.http.Jar = nil
	return out, nil
}

// Response is an answer that arrived at least as far as its header.
type Response struct {
	Status int
	Header http.Header
	// Body holds at most [MaxBody] bytes; a longer or broken off answer is cut.
	Body []byte

	readErr error
}

// OK reports a status of 200 to 299.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status < 300 }

// Do makes one exchange, within the client's time-out and ctx. Its error is a
// [*sms.Error] which wraps the context's error where that was the cause.
func (c *Client) Do(ctx context.Context, req *http.Request) (*Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, c.Fail(sms.Temporary, 0, "%w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	// A server acts on a request once it has the body, which leaves after the
	// header. A custom RoundTripper may call neither hook: then nothing is known.
	var traced, wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { traced.Store(true) },
		WroteHeaders: func() { wrote.Store(true) },
	})
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "rekey")
	}
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		if traced.Load() && !wrote.Load() || isDialError(err) {
			return nil, c.Fail(sms.Temporary, 0, "%w", redact(ctx, err))
		}
		return nil, c.failUnknown(0, "%w", redact(ctx, err))
	}
	defer func() { _ = resp.Body.Close() }()
	out := &Response{Status: resp.StatusCode, Header: resp.Header}
	// The connection is given up rather than drained when there is more: an
	// endless answer must not hold a worker.
	out.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxBody))
	if err != nil {
		out.readErr = redact(ctx, err)
	}
	return out, nil
}

// Fail builds a SendError that starts with the provider's name.
func (c *Client) Fail(o sms.Outcome, retryAfter time.Duration, format string, args ...any) error {
	return &sms.Error{Outcome: o, RetryAfter: retryAfter, Err: fmt.Errorf(c.provider+": "+format, args...)}
}

// FailStatus is what an unsuccessful status means by itself: 408, 425, 429 and
// 503 say that nothing was done, other 5xx leave that open, the rest refuses.
// token is the provider's own error, already passed through [Token], or empty.
func (c *Client) FailStatus(r *Response, token string, now time.Time) error {
	switch {
	case r.Status == http.StatusRequestTimeout, r.Status == http.StatusTooEarly,
		r.Status == http.StatusTooManyRequests, r.Status == http.StatusServiceUnavailable:
		return c.FailAs(sms.Temporary, r, token, now)
	case r.Status >= 500:
		return c.failUnknown(RetryAfter(r.Header, now), "%s", describe(r, token))
	default:
		return c.FailAs(sms.Permanent, r, token, now)
	}
}

// FailAs is a refusal whose outcome the provider's own error decides.
func (c *Client) FailAs(o sms.Outcome, r *Response, token string, now time.Time) error {
	var wait time.Duration
	if o == sms.Temporary {
		wait = RetryAfter(r.Header, now)
	}
	return c.Fail(o, wait, "%s", describe(r, token))
}

func describe(r *Response, token string) string {
	if token == "" {
		return fmt.Sprintf("status %d", r.Status)
	}
	return fmt.Sprintf("status %d, error %s", r.Status, token)
}

// FailUnreadable is a successful status with a body that says nothing known.
func (c *Client) FailUnreadable(r *Response) error {
	if r.readErr != nil {
		return c.failUnknown(0, "status %d, answer broken off: %w", r.Status, r.readErr)
	}
	return c.failUnknown(0, "status %d with an unreadable answer", r.Status)
}

// failUnknown is a message that may have been sent: uncertain, or repeatable where
// the idempotency key makes a repetition harmless.
func (c *Client) failUnknown(wait time.Duration, format string, args ...any) error {
	err := fmt.Errorf(c.provider+": "+format, args...)
	if !c.idempotent {
		return &sms.Error{Outcome: sms.Uncertain, Err: err}
	}
	return &sms.Error{Outcome: sms.Repeatable, RetryAfter: wait, Err: err}
}

// Receipt returns a receipt with the provider's reference, bounded by [Token].
func (c *Client) Receipt(ref string, m sms.Message) sms.Accepted {
	return sms.Accepted{Provider: c.provider, Ref: Token(ref, m)}
}
