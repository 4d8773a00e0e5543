// Package challenges limits how many CAPTCHA challenges one address asks for. Making one
// is cheap, but not free, and nothing else is charged for it. The routes of package captcha and the
// page count together.
package challenges

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
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

// Admit charges an address for one challenge. Rates are those of an IPv4 address or an
// IPv6 /64. An IPv6 /56 may ask for twice as many, an IPv4 /24 or IPv6 /48 for four times
// as many, so that one customer of a provider is one caller however many networks the
// provider hands out. Errors: [*identity.RateLimitedError], and failures of the counter.
func Admit(ctx context.Context, counter Counter, rates []limit.Rate, address netip.Addr, now time.Time) error {
	a := address.Unmap().WithZone("")
	narrow, middle, wide := 32, 24, 24
	if a.Is6() {
		narrow, middle, wide = 64, 56, 48
	}
	l := limit.Limit{
		Key:  limit.Key("captcha.network:" + base64.RawURLEncoding.EncodeToString(digest(a, wide))),
		Mark: mark(a, narrow), Submark: mark(a, middle),
		Rules: []limit.Rule{
			{Name: "challenges per address", Scope: limit.SameMark, Rates: rates},
			{Name: "challenges per network", Rates: times(rates, 4)},
		},
	}
	if middle != wide {
		l.Rules = append(l.Rules, limit.Rule{Name: "challenges per subnet", Scope: limit.SameSubmark, Rates: times(rates, 2)})
	}
	_, err := counter.Spend(ctx, []limit.Limit{l}, now)
	if e, ok := errors.AsType[*limit.Error](err); ok {
		return &identity.RateLimitedError{RetryAfter: e.RetryAfter}
	}
	if err != nil {
		return fmt.Errorf("count challenge: %w", err)
	}
	return nil
}

func times(rates []limit.Rate, n int) []limit.Rate {
	more := make([]limit.Rate, len(rates))
	for i, r := range rates {
		more[i] = limit.Rate{Limit: n * r.Limit, Per: r.Per}
	}
	return more
}

// digest is of the network of so many bits that holds an address; the zero address is a
// network of its own.
func digest(a netip.Addr, bits int) []byte {
	text := a.String()
	if p, err := a.Prefix(bits); err == nil {
		text = p.String()
	}
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

func mark(a netip.Addr, bits int) uint32 {
	return max(binary.BigEndian.Uint32(digest(a, bits)), 1)
}
