// Package guard asks a service of the operator over HTTP whether a user may recover
// by SMS right now.
//
// It posts JSON:
//
//	{"action":"send","purpose":"FORGET_PWD_SMS","tenant":"","user_id":"…","client_id":"…","address":"192.0.2.1"}
//
// The action is "send" before a code goes out to the user, and "reset" after the
// code proved right and before the password is changed. The answer is 200 and
// {"allow":true}, or {"allow":false,"reason":"…"}, whose reason goes into the audit
// trail. Everything else is a failure: another status, a redirect, no answer in time, or
// other JSON. After a failure nothing is sent or reset.
package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// Config says which service is asked.
type Config struct {
	// URL is where the questions are posted: https, or http on a loopback address.
	// Mandatory.
	URL string
	// Token, if not empty, is sent with each question as "Authorization: Bearer …", by
	// which the service knows who asks.
	Token identity.Secret
	// Timeout bounds one question. Default 2 s.
	Timeout time.Duration
	// Client makes the requests. Its redirect policy and time-out are not used. Default
	// a client of its own.
	Client *http.Client
}

// Guard implements [identity.Guard]. It is safe for concurrent use.
type Guard struct {
	cfg    Config
	client http.Client
}

var _ identity.Guard = (*Guard)(nil)

// maxAnswer is the longest answer, in bytes.
const maxAnswer = 16 << 10

// New checks the configuration and returns a guard. It makes no request. Its errors
// do not repeat the URL, which may hold a token.
func New(cfg Config) (*Guard, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("guard: the URL is neither https nor http on a loopback address")
	}
	if strings.ContainsFunc(cfg.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("guard: the token has characters that a header cannot hold")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 2 * time.Second
	}
	g := &Guard{cfg: cfg}
	if cfg.Client != nil {
		g.client = *cfg.Client
	}
	g.client.Timeout = cfg.Timeout
	g.client.Jar = nil
	// A redirect is not followed: an answer from another address is not the operator's.
	g.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return g, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// AllowSend implements [identity.Guard].
func (g *Guard) AllowSend(ctx context.Context, r identity.GuardRequest) error {
	return g.ask(ctx, "send", r)
}

// AllowReset implements [identity.Guard].
func (g *Guard) AllowReset(ctx context.Context, r identity.GuardRequest) error {
	return g.ask(ctx, "reset", r)
}

type question struct {
	Action   string           `json:"action"`
	Purpose  identity.Purpose `json:"purpose"`
	Tenant   string           `json:"tenant"`
	UserID   string           `json:"user_id"`
	ClientID string           `json:"client_id"`
	Address  netip.Addr       `json:"address"` // empty if not known
}

type answer struct {
	Allow  *bool  `json:"allow"`
	Reason string `json:"reason"`
}

func (g *Guard) ask(ctx context.Context, action string, r identity.GuardRequest) error {
	a, err := g.exchange(ctx, question{action, r.Purpose, r.User.Tenant, r.User.ID, r.Caller.ClientID, r.Caller.Address})
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	if !*a.Allow {
		return &identity.GuardRefusal{Reason: a.Reason}
	}
	return nil
}

func (g *Guard) exchange(ctx context.Context, q question) (a answer, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return a, withoutURL(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	if token := g.cfg.Token.Reveal(); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := g.client.Do(request)
	if err != nil {
		return a, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return a, withoutURL(err)
	case response.StatusCode != http.StatusOK:
		return a, fmt.Errorf("the service answered status %d, not 200", response.StatusCode)
	case len(text) > maxAnswer:
		return a, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(text, &a); err != nil || a.Allow == nil {
		return a, errors.New(`the answer is not JSON with "allow" true or false`)
	}
	return a, nil
}

// withoutURL removes the URL from an error, so that the log does not get it.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
