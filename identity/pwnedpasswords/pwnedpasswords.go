// Package pwnedpasswords asks the Pwned Passwords range API, or a mirror of it,
// whether a password leaked, for [identity.Config].Breached.
//
// # Security model
//
// The service learns the first five hexadecimal digits of the password's SHA-1
// (k-anonymity), which about one in a million passwords share. Padded answers hide the
// range from the network. The protocol uses SHA-1 for the look-up; it is never stored. A
// leaked password is refused, even if its count is 1.
package pwnedpasswords

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// DefaultURL is the public service.
const DefaultURL = "https://api.pwnedpasswords.com/range/"

// Config configures the look-ups.
type Config struct {
	// URL is the address to which the five digits are appended: https, or http on a
	// loopback address. Default [DefaultURL].
	URL string
	// Client makes the requests. By default the checker makes its own client.
	Client *http.Client
	// Timeout bounds a look-up. Default 2 s.
	Timeout time.Duration
	// Concurrency is how many look-ups run at the same time. Further look-ups count as
	// failed, so that a flood of resets does not flood the service. Default 32.
	Concurrency int
	// RefuseWhenDown makes a failed look-up an error of the reset. Default off: the
	// password passes, because it fulfils the other rules, and a reset should not depend on
	// another company's server.
	RefuseWhenDown bool
	// OnFailure, if not nil, is called for each failed look-up. The error holds neither the
	// password nor its digits.
	OnFailure func(error)
}

// Checker implements [identity.BreachedPasswords]. It is safe for concurrent use.
type Checker struct {
	cfg   Config
	slots chan struct{}
}

// New checks the configuration and returns a checker.
func New(cfg Config) (*Checker, error) {
	if cfg.URL == "" {
		cfg.URL = DefaultURL
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 2 * time.Second
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 32
	}
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("pwnedpasswords: Config.URL is not an absolute URL")
	case u.Scheme != "https" && !(u.Scheme == "http" && (u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") || u.Hostname() == "::1")):
		return nil, errors.New("pwnedpasswords: Config.URL is neither https nor http on a loopback address")
	case cfg.Timeout < 0 || cfg.Concurrency < 0:
		return nil, errors.New("pwnedpasswords: Config.Timeout or Config.Concurrency is negative")
	}
	return &Checker{cfg: cfg, slots: make(chan struct{}, cfg.Concurrency)}, nil
}

// Breached reports whether the password leaked. It fails only when
// Config.RefuseWhenDown is set or ctx ends.
func (c *Checker) Breached(ctx context.Context, password identity.Secret) (bool, error) {
	known, err := c.lookUp(ctx, password)
	if err == nil {
		return known, nil
	}
	if ctxErr := ctx.Err(); ctxErr != nil {
		return false, ctxErr
	}
	if c.cfg.OnFailure != nil {
		c.cfg.OnFailure(err)
	}
	if c.cfg.RefuseWhenDown {
		return false, err
	}
	return false, nil
}

// The largest padded answer has some 1,000 lines of 40 bytes.
const maxAnswer = 1 << 20

func (c *Checker) lookUp(ctx context.Context, password identity.Secret) (bool, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	default:
		return false, errors.New("pwnedpasswords: too many look-ups at the same time")
	}
	sum := sha1.Sum([]byte(password.Reveal()))
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	prefix, suffix := digits[:5], digits[5:]

	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cfg.URL+prefix, nil)
	if err != nil {
		return false, errors.New("pwnedpasswords: request not made")
	}
	req.Header.Set("Add-Padding", "true")
	req.Header.Set("User-Agent", "rekey-pwnedpasswords")
	resp, err := c.cfg.Client.Do(req)
	if err != nil {
		// Without the URL, which ends in the digits.
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return false, fmt.Errorf("pwnedpasswords: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("pwnedpasswords: status %d", resp.StatusCode)
	}
	return contains(io.LimitReader(resp.Body, maxAnswer+1), suffix)
}

// contains looks for the suffix in lines of the form SUFFIX:COUNT. A count of 0 is padding.
func contains(answer io.Reader, suffix string) (bool, error) {
	lines, read := bufio.NewScanner(answer), 0
	for lines.Scan() {
		read += len(lines.Bytes()) + 1
		if read > maxAnswer {
			return false, errors.New("pwnedpasswords: answer too large")
		}
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		s, count, ok := strings.Cut(line, ":")
		if !ok || len(s) != len(suffix) {
			return false, errors.New("pwnedpasswords: answer malformed")
		}
		if strings.EqualFold(s, suffix) {
			return strings.Trim(count, "0 ") != "", nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("pwnedpasswords: read answer: %w", err)
	}
	return false, nil
}
