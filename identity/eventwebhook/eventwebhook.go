package eventwebhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
)

// Config says where events are posted and how they are signed. URL and Secrets are
// mandatory.
type Config struct {
	// URL is the address to which events are posted: https, or http on a loopback
	// address, without user and password.
	URL string
	// Secrets sign each request, one signature each. At least one, at most 8.
	Secrets []identity.Secret
	// Client makes the requests; its CheckRedirect is not used. By default the hook makes
	// its own client, which uses the proxy that the environment names, as net/http does.
	Client *http.Client
	// Timeout bounds a request. Default 10 s. [identity.Config].SendTimeout bounds it
	// too.
	Timeout time.Duration
	// Now is the clock of webhook-timestamp. Default time.Now.
	Now func() time.Time
}

// Hook posts events. It is safe for concurrent use.
type Hook struct {
	url     string
	keys    [][]byte
	client  *http.Client
	timeout time.Duration
	now     func() time.Time
}

// New returns a hook, or an error that joins all faults of cfg. It makes no request.
func New(cfg Config) (*Hook, error) {
	var faults []error
	if err := checkURL(cfg.URL); err != nil {
		faults = append(faults, err)
	}
	if n := len(cfg.Secrets); n == 0 || n > 8 {
		faults = append(faults, fmt.Errorf("eventwebhook: Config.Secrets has %d secrets, must have 1 to 8", n))
	}
	if cfg.Timeout < 0 {
		faults = append(faults, errors.New("eventwebhook: Config.Timeout is negative"))
	}
	h := &Hook{url: cfg.URL, timeout: cfg.Timeout, now: cfg.Now}
	for i, s := range cfg.Secrets {
		key, err := decodeSecret(s)
		if err != nil {
			faults = append(faults, fmt.Errorf("eventwebhook: Config.Secrets[%d] %w", i, err))
		}
		h.keys = append(h.keys, key)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if h.timeout == 0 {
		h.timeout = 10 * time.Second
	}
	if h.now == nil {
		h.now = time.Now
	}
	client := http.Client{}
	if cfg.Client != nil {
		client = *cfg.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	h.client = &client
	return h, nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return errors.New("eventwebhook: Config.URL is not an absolute URL")
	}
	if u.User != nil {
		return errors.New("eventwebhook: Config.URL has a user or password: requests are signed instead")
	}
	address, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && !address.IsLoopback()) {
		return errors.New("eventwebhook: Config.URL is neither https nor http on a loopback address")
	}
	return nil
}

// payload is the body of a request.
type payload struct {
	Type      audit.Type  `json:"type"`
	Timestamp time.Time   `json:"timestamp"`
	Data      audit.Event `json:"data"`
}

// maxAnswer bounds how much of an answer is read, so that its connection can be reused.
const maxAnswer = 64 << 10

// Deliver posts one event. Use it as [identity.Config].OnEvent. A nil error means that the
// backend accepted the event. Otherwise the error is an [*identity.EventError]; it holds
// neither the URL nor the event.
func (h *Hook) Deliver(ctx context.Context, e audit.Event) error {
	body, err := json.Marshal(payload{Type: e.Type, Timestamp: e.At.UTC(), Data: e})
	if err != nil {
		return &identity.EventError{GiveUp: true, Err: fmt.Errorf("encode event: %w", err)}
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return &identity.EventError{Err: errors.New("request not made")}
	}
	at := strconv.FormatInt(h.now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "rekey-eventwebhook")
	r.Header.Set("webhook-id", e.ID)
	r.Header.Set("webhook-timestamp", at)
	r.Header.Set("webhook-signature", signatures(h.keys, e.ID, at, body))
	response, err := h.client.Do(r)
	if err != nil {
		return &identity.EventError{Err: describe(ctx, err)}
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer)) // the status decides
	if response.StatusCode/100 == 2 {
		return nil
	}
	return &identity.EventError{
		GiveUp:     response.StatusCode == http.StatusGone,
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), h.now()),
		Err:        fmt.Errorf("the receiver answered %d", response.StatusCode),
	}
}

// longestRetry is the longest pause that a receiver can ask for.
const longestRetry = 24 * time.Hour

func retryAfter(text string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.Atoi(text); err == nil {
		d = time.Duration(min(n, int(longestRetry/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), longestRetry)
}

// describe returns what failed, without net/http's text, which contains the URL.
func describe(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	if failed, ok := errors.AsType[*net.DNSError](err); ok && failed.IsNotFound {
		return errors.New("the receiver's host name was not found")
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("network failure (%s)", failed.Op)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok && failed.Timeout() {
		return context.DeadlineExceeded
	}
	return errors.New("HTTP exchange failed")
}
