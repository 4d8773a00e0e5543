package smshttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
)

const (
	defaultTimeout = 10 * time.Second
	// maxTimeout is of the order of a delivery lease.
	maxTimeout = time.Minute
	// maxBody is how many bytes of an answer are read. Providers answer with a few
	// hundred.
	maxBody = 64 << 10
)

// Config configures a [Client].
type Config struct {
	// Provider is the name in [sms.Accepted] and at the start of each error. Required.
	Provider string
	// Client makes the requests. It is copied; its CheckRedirect and Jar are not
	// used. If nil, a client with net/http's defaults and its own connections is used.
	Client *http.Client
	// Timeout bounds one exchange, from dialling to the last byte of the answer.
	// Default 10 s, at most 1 min. The context of the request may end it earlier.
	Timeout time.Duration
	// Idempotent says that the provider recognises [sms.Message] ID, so that a
	// repeated request sends no second message.
	Idempotent bool
	// InsecureHTTP permits http to hosts other than loopback. Anyone on the path can
	// then read the codes and use them before the person does.
	InsecureHTTP bool
	// Now tells the time, to read a Retry-After date. Default time.Now.
	Now func() time.Time
}

// Client exchanges requests with one provider. It is safe for concurrent use.
type Client struct {
	c    Config
	http http.Client
}

// New returns a Client, or an error that joins all faults of c.
func New(c Config) (*Client, error) {
	var faults []error
	if c.Provider == "" {
		faults = append(faults, errors.New("smshttp: Provider is required"))
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		faults = append(faults, fmt.Errorf("invalid Timeout %v: it must be within 0 to %v", c.Timeout, maxTimeout))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	out := &Client{c: c}
	if c.Client != nil {
		out.http = *c.Client
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		// Code that closes the idle connections of the shared transport breaks off an
		// exchange that begins at that moment, and the message would be uncertain.
		out.http.Transport = t.Clone()
	}
	out.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	out.http.Jar = nil
	return out, nil
}

// NewPost returns a POST request. Unlike the error of [http.NewRequest], its
// [*sms.Error] does not show the URL.
func (c *Client) NewPost(ctx context.Context, url, contentType string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, c.Fail(sms.Permanent, "request cannot be built")
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req, nil
}

// Do sends the request for m and reads the answer, of which it keeps 64 KiB. The
// time-out and the request's context bound it. An answer of any status is a
// [Response]. Without an answer the error is an [*sms.Error], which wraps the
// context's error if that was the cause.
func (c *Client) Do(req *http.Request, m sms.Message) (*Response, error) {
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, c.Fail(sms.Temporary, "%w", err)
	}
	if err := smsconfig.Scheme("the URL", req.URL, c.c.InsecureHTTP); err != nil {
		return nil, c.Fail(sms.Permanent, "%w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.c.Timeout)
	defer cancel()

	// A provider acts on a request when it has the body, which leaves after the
	// header. A custom RoundTripper may call neither hook; then nothing is known.
	var traced, wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { traced.Store(true) },
		WroteHeaders: func() { wrote.Store(true) },
	})
	req = req.Clone(ctx)
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "rekey")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if traced.Load() && !wrote.Load() || isDialError(err) {
			return nil, c.Fail(sms.Temporary, "%w", redact(ctx, err))
		}
		return nil, c.failUnknown(0, "%w", redact(ctx, err))
	}
	defer func() { _ = resp.Body.Close() }()
	out := &Response{Status: resp.StatusCode, Header: resp.Header, client: c, message: m}
	// The connection is closed rather than drained if there is more: an endless
	// answer must not hold a worker.
	out.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		out.readErr = redact(ctx, err)
	}
	return out, nil
}

// Fail returns a failure that starts with the provider's name, for faults found
// before a request was made. The text must not hold the message or a credential.
func (c *Client) Fail(o sms.Outcome, format string, args ...any) *sms.Error {
	return &sms.Error{Outcome: o, Err: fmt.Errorf(c.c.Provider+": "+format, args...)}
}

// failUnknown is a failure of a message that may have been sent.
func (c *Client) failUnknown(wait time.Duration, format string, args ...any) *sms.Error {
	if !c.c.Idempotent {
		return c.Fail(sms.Uncertain, format, args...)
	}
	e := c.Fail(sms.Repeatable, format, args...)
	e.RetryAfter = wait
	return e
}
