package failover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/seed-16109ab2/rekey/sms"
)

const (
	// DefaultFailuresToOpen failures in a row open a provider's circuit breaker.
	DefaultFailuresToOpen = 5
	// DefaultOpenFor is how long a circuit breaker stays open: long enough for a
	// provider to recover, short against the life of a code.
	DefaultOpenFor = 30 * time.Second
	// DefaultTimeout bounds one attempt if neither ctx nor [Provider.Timeout] does.
	DefaultTimeout = 10 * time.Second
)

// Provider is one of the providers that a [Sender] uses.
type Provider struct {
	// Name stands in [sms.Accepted], errors and counts. Required, unique.
	Name string
	// Sender hands messages to the provider. Required.
	Sender sms.Sender
	// Prefixes are the beginnings of the numbers that the provider serves, such as
	// "+86" or longer. Without any it serves all numbers.
	Prefixes []string
	// Timeout caps one attempt at the provider. By default only the provider's
	// share of the time caps it; see the package's section Time.
	Timeout time.Duration
}

// Config configures a [Sender].
type Config struct {
	// Providers in order of preference. At least one is required.
	Providers []Provider
	// RetryUncertain asks the next provider also after one that may have sent the
	// message. A person may then get the code twice, and you pay twice. Without it, a
	// person may get none.
	RetryUncertain bool
	// StopAfterRefusal ends with the first permanent refusal. Consider it where a
	// refusal may mean that the person opted out at that provider, and the law
	// forbids going around that.
	StopAfterRefusal bool
	// FailuresToOpen is the number of failures in a row that open a provider's
	// circuit breaker. Default [DefaultFailuresToOpen].
	FailuresToOpen int
	// OpenFor is how long a circuit breaker stays open. Default [DefaultOpenFor].
	OpenFor time.Duration
}

// Sender is an [sms.Sender] that uses several providers. It is safe for concurrent
// use.
type Sender struct {
	c         Config
	providers []*provider
	pins      pins
}

// New returns a Sender, or an error that joins all faults of c.
func New(c Config) (*Sender, error) {
	var faults []error
	if c.FailuresToOpen == 0 {
		c.FailuresToOpen = DefaultFailuresToOpen
	}
	if c.OpenFor == 0 {
		c.OpenFor = DefaultOpenFor
	}
	if c.FailuresToOpen < 0 {
		faults = append(faults, errors.New("FailuresToOpen is negative"))
	}
	if c.OpenFor < 0 {
		faults = append(faults, errors.New("OpenFor is negative"))
	}
	if len(c.Providers) == 0 {
		faults = append(faults, errors.New("no Providers"))
	}
	s := &Sender{c: c}
	names := map[string]bool{}
	for i, p := range c.Providers {
		field := fmt.Sprintf("Providers[%d]", i)
		switch {
		case p.Name == "":
			faults = append(faults, errors.New(field+": Name is required"))
		case names[p.Name]:
			faults = append(faults, fmt.Errorf("%s: Name %q is taken", field, p.Name))
		}
		names[p.Name] = true
		if p.Sender == nil {
			faults = append(faults, errors.New(field+": Sender is required"))
		}
		if p.Timeout < 0 {
			faults = append(faults, errors.New(field+": Timeout is negative"))
		}
		for _, prefix := range p.Prefixes {
			digits, ok := strings.CutPrefix(prefix, "+")
			if !ok || digits == "" || len(digits) > 15 || digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
				faults = append(faults, fmt.Errorf(`%s: prefix %q is not "+" and digits`, field, prefix))
			}
		}
		p.Prefixes = slices.Clone(p.Prefixes)
		s.providers = append(s.providers, newProvider(c, p))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("failover: invalid configuration: %w", err)
	}
	return s, nil
}

// Send sends m with the first provider that takes it; the package's sections say
// which providers are asked. The result names the provider as configured.
//
// Otherwise the error is an [*sms.Error] that wraps the errors of all providers
// asked. It is uncertain if one of them is, permanent if all providers of the
// number refused for good, and temporary otherwise, with the shortest wait that
// they named or, if all were passed over, the time that a circuit breaker stays
// open. It is about the number only if all errors are.
func (s *Sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	candidates := s.candidates(m.To)
	if p := s.pins.of(m.ID); p != nil {
		candidates = []*provider{p}
	}
	if len(candidates) == 0 {
		return sms.Accepted{}, fail(sms.Permanent, 0, errors.New("no provider serves this number"))
	}
	var result verdict
	for i, p := range candidates {
		if err := ctx.Err(); err != nil {
			result.add(&sms.Error{Outcome: sms.Temporary}, err)
			break
		}
		accepted, err := p.send(ctx, m, 1+available(candidates[i+1:]))
		if err == nil {
			s.pins.remove(m.ID)
			accepted.Provider = p.Name
			return accepted, nil
		}
		if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
			p.tally.skipped.Add(1)
			result.skip(p.Name, s.c.OpenFor)
			continue
		}
		failure := sms.ErrorOf(err)
		p.tally.count(failure.Outcome)
		result.add(failure, fmt.Errorf("%s: %w", p.Name, err))
		if failure.Outcome == sms.Repeatable && !s.c.RetryUncertain {
			s.pins.add(m, p)
			break
		}
		if failure.Outcome == sms.Uncertain && !s.c.RetryUncertain || failure.Outcome == sms.Permanent && s.c.StopAfterRefusal {
			break
		}
	}
	return sms.Accepted{}, result.err()
}

// candidates returns the providers that serve a number, best first.
func (s *Sender) candidates(to string) []*provider {
	type candidate struct {
		p   *provider
		fit int // length of the prefix that fits; 0 for a provider of all numbers
	}
	var all []candidate
	for _, p := range s.providers {
		fit := -1
		if len(p.Prefixes) == 0 {
			fit = 0
		}
		for _, prefix := range p.Prefixes {
			if strings.HasPrefix(to, prefix) {
				fit = max(fit, len(prefix))
			}
		}
		if fit >= 0 {
			all = append(all, candidate{p, fit})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return b.fit - a.fit })
	out := make([]*provider, len(all))
	for i, c := range all {
		out[i] = c.p
	}
	return out
}
