// Package challenges limits how many CAPTCHA challenges one address asks for. Making one
// is cheap, but not free, and nothing else is charged for it. The routes of package captcha and the
// page count together.
package challenges

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// Counter is the part of [identity.Limits] that this package needs.
type Counter interface {
	Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error)
}

// Default is more than an office behind one address needs for its codes.
func Default() []limit.Rate { return []limit.Rate{{Limit: 60, Per: 10 * time.Minute}} }

// Check returns an error for the first rate that is out of bounds.
func Check(rates []limit.Rate) error {
	for _, r := range rates {
		if r.Limit < 1 || r.Per < time.Second || r.Per > limit.Longest {
			return fmt.Errorf("%d per %s, must be at least 1 per 1s to %s", r.Limit, r.Per, limit.Longest)
		}
	}
	return nil
}

// Admit charges an address for one challenge. Errors: [*identity.RateLimitedError], and
// failures of the counter.
func Admit(ctx context.Context, counter Counter, rates []limit.Rate, address netip.Addr, now time.Time) error {
	sum := sha256.Sum256([]byte(network(address)))
	key := limit.Key("captcha.address:" + base64.RawURLEncoding.EncodeToString(sum[:]))
	_, err := counter.Spend(ctx, []limit.Limit{{Key: key, Rules: []limit.Rule{{Name: "challenges per address", Rates: rates}}}}, now)
	if e, ok := errors.AsType[*limit.Error](err); ok {
		return &identity.RateLimitedError{RetryAfter: e.RetryAfter}
	}
	if err != nil {
		return fmt.Errorf("count challenge: %w", err)
	}
	return nil
}

// network returns what one customer of an internet provider gets: an IPv4 address, or
// the /64 of an IPv6 address.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
