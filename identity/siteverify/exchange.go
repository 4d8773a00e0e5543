package siteverify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
)

// maxAnswer is how much of an answer is read, in bytes. Services answer with some
// hundred.
const maxAnswer = 64 << 10

// answer is what the services answer, each with some of the fields.
type answer struct {
	Success  bool     `json:"success"`
	Hostname string   `json:"hostname"`
	Action   string   `json:"action"`
	Score    *float64 `json:"score"`
	Errors   []string `json:"error-codes"`
}

func (v *Verifier) ask(ctx context.Context, r identity.CaptchaRequest) (answer, error) {
	form := url.Values{"secret": {v.cfg.Secret.Reveal()}, "response": {r.Token}}
	if r.Caller.Address != (netip.Addr{}) && !v.cfg.WithholdAddress {
		form.Set("remoteip", r.Caller.Address.String())
	}
	if v.cfg.Service == HCaptcha && v.cfg.SiteKey != "" {
		form.Set("sitekey", v.cfg.SiteKey)
	}
	ctx, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.cfg.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, errors.New("siteverify: request not made")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "rekey-siteverify")
	// The first request that arrives uses up the token. If the transport repeated the
	// request, the service would answer that the token was used.
	req.GetBody = nil
	resp, err := v.client.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		return answer{}, &outage{err}
	}
	defer func() { _ = resp.Body.Close() }()
	// A longer answer is cut, and then is not valid JSON.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, &outage{fmt.Errorf("read answer: %w", err)}
	}
	var a answer
	// Turnstile sends its refusals with a status of 400.
	switch err := json.Unmarshal(body, &a); {
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return answer{}, &outage{fmt.Errorf("status %d", resp.StatusCode)}
	case err != nil || !a.Success && len(a.Errors) == 0:
		return answer{}, &outage{fmt.Errorf("status %d with an answer in an unexpected form", resp.StatusCode)}
	case a.Success && resp.StatusCode != http.StatusOK:
		return answer{}, &outage{fmt.Errorf("status %d with success", resp.StatusCode)}
	}
	return a, nil
}

// What the services' error codes mean, as their documents say.
var (
	// used or too old
	expiredCodes = []string{
		"timeout-or-duplicate",                            // Turnstile, reCAPTCHA
		"expired-input-response", "already-seen-response", // hCaptcha
		"invalid-or-already-seen-response", // hCaptcha, formerly
	}
	wrongCodes = []string{
		"missing-input-response", "invalid-input-response",
		"browser-error", // reCAPTCHA
	}
	outageCodes = []string{"internal-error"} // Turnstile: "the request can be retried"
)

// judge decides on an answer. An unknown error code, or a code about the request rather
// than the token, is a failure that never lets a send pass.
func (v *Verifier) judge(a answer) error {
	if !a.Success {
		has := func(codes []string) bool {
			return slices.ContainsFunc(a.Errors, func(c string) bool { return slices.Contains(codes, c) })
		}
		all := append(append(slices.Clone(expiredCodes), wrongCodes...), outageCodes...)
		foreign := slices.ContainsFunc(a.Errors, func(c string) bool { return !slices.Contains(all, c) })
		switch {
		case foreign:
			return fmt.Errorf("siteverify: the service refuses our request: %s", printable(a.Errors))
		case has(expiredCodes):
			return fmt.Errorf("siteverify: the token is too old or was used before: %w", identity.ErrCaptchaExpired)
		case has(wrongCodes):
			return wrong("the service refuses the token")
		default:
			return &outage{errors.New("the service reports an internal failure")}
		}
	}
	sameHost := func(h string) bool { return strings.EqualFold(h, a.Hostname) }
	switch {
	case !v.cfg.InsecureAnyHost && !slices.ContainsFunc(v.cfg.Hosts, sameHost):
		return wrong("the token is of another host")
	case v.cfg.Action != "" && a.Action != v.cfg.Action:
		return wrong("the token is of another action")
	case v.cfg.Service == RecaptchaV3 && a.Score == nil:
		return wrong("the token has no score") // of a version 2 key
	case v.cfg.Service == RecaptchaV3 && !(*a.Score >= v.cfg.MinScore):
		return wrong("the score is too low")
	}
	return nil
}

// printable returns the beginning of the service's error codes, for logs.
func printable(codes []string) string {
	const most = 200
	text := fmt.Sprintf("%q", codes)
	return text[:min(len(text), most)]
}
