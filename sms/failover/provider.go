package failover

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/seed-16109ab2/rekey/sms"
)

type provider struct {
	Provider
	breaker *gobreaker.CircuitBreaker[sms.Accepted]
	failed  failed
	tally   tally
}

func newProvider(c Config, p Provider) *provider {
	out := &provider{Provider: p}
	out.breaker = gobreaker.NewCircuitBreaker[sms.Accepted](gobreaker.Settings{
		Name:    p.Name,
		Timeout: c.OpenFor,
		ReadyToTrip: func(n gobreaker.Counts) bool {
			return int64(n.ConsecutiveFailures) >= int64(c.FailuresToOpen)
		},
		IsExcluded:    excluded,
		OnStateChange: func(string, gobreaker.State, gobreaker.State) { out.failed.clear() },
	})
	return out
}

// excluded reports that an error says nothing about the provider.
func excluded(err error) bool {
	if err == nil {
		return false
	}
	failure := sms.ErrorOf(err)
	_, again := errors.AsType[repeatedError](err)
	return again || failure.Outcome == sms.Permanent || failure.NumberOnly || errors.Is(err, context.Canceled)
}

// send makes one attempt. asked is how many providers, this one included, share
// the time that ctx has left.
func (p *provider) send(ctx context.Context, m sms.Message, asked int) (sms.Accepted, error) {
	return p.breaker.Execute(func() (sms.Accepted, error) {
		ctx, cancel := context.WithTimeout(ctx, p.share(ctx, asked))
		defer cancel()
		accepted, err := p.Sender.Send(ctx, m)
		switch {
		case err == nil:
			p.failed.clear()
			p.tally.sent.Add(1)
		case !excluded(err) && p.failed.again(m.ID):
			err = repeatedError{err}
		}
		return accepted, err
	})
}

// share returns how long one attempt may take.
func (p *provider) share(ctx context.Context, asked int) time.Duration {
	deadline, ok := ctx.Deadline()
	switch {
	case !ok && p.Timeout > 0:
		return p.Timeout
	case !ok:
		return DefaultTimeout
	}
	part := time.Until(deadline) / time.Duration(asked)
	if p.Timeout > 0 {
		part = min(part, p.Timeout)
	}
	return part
}

// available counts the providers whose circuit breakers let a message through.
func available(providers []*provider) (n int) {
	for _, p := range providers {
		if p.breaker.State() != gobreaker.StateOpen {
			n++
		}
	}
	return n
}

// repeatedError is the failure of a message that failed at the provider before.
type repeatedError struct{ error }

func (e repeatedError) Unwrap() error { return e.error }

// failed are the messages that failed at a provider since its last success. A
// provider may limit one number without saying that it is only that number; the
// retries of one message must not close the provider for all other people.
type failed struct {
	mu  sync.Mutex
	ids map[string]struct{}
}

// maxFailed bounds the memory of failures that never open the breaker.
const maxFailed = 10_000

// again records a message, and reports whether it was recorded before. Messages
// without an ID are never the same.
func (f *failed) again(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.ids[id]; ok || id == "" {
		return ok
	}
	if f.ids == nil || len(f.ids) >= maxFailed {
		f.ids = map[string]struct{}{}
	}
	f.ids[id] = struct{}{}
	return false
}

func (f *failed) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.ids)
}
