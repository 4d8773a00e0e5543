package bunstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Retry is why a store runs a transaction or a query again.
type Retry string

// The kinds of retries.
const (
	// RetryAborted: the engine gave the transaction up for the sake of another one, as
	// after a deadlock.
	RetryAborted Retry = "aborted"
	// RetryConnection: the connection was lost or silent, or its server takes no writes
	// any more.
	RetryConnection Retry = "connection"
)

// WithOnRetry calls f each time the store is about to run a transaction or a query
// again, such as to count retries: observe.KindRetry of package identity/observe is the
// kind of observation for them. f is called by many goroutines at the same time, with
// the context of the call, and returns soon. It does not get the error that led to the
// retry, because the error may hold values. A nil f is an error.
func WithOnRetry(f func(context.Context, Retry)) Option {
	return func(s *Store) error {
		if f == nil {
			return errors.New("bunstore: the function of WithOnRetry is nil")
		}
		s.onRetry = f
		return nil
	}
}

func (s *Store) retries(ctx context.Context, why Retry) {
	if s.onRetry != nil {
		s.onRetry(ctx, why)
	}
}

// maxTries is how often a transaction or a query runs if the engine aborts it.
const maxTries = 10

// unaborted runs f, and runs it again each time the engine aborts it for the sake of
// another transaction.
func (s *Store) unaborted(ctx context.Context, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		if err == nil || !s.engine.aborted(err) || try == maxTries || s.joined != nil {
			return err
		}
		if err := s.pause(ctx, try); err != nil {
			return err
		}
	}
}

// pause counts an aborted try and waits before the next one, each time longer: from
// 1 to 3 ms after the first try, up to 0.8 s after the ninth. It returns the
// error of ctx if that ends first.
func (s *Store) pause(ctx context.Context, try int) error {
	s.retries(ctx, RetryAborted)
	select {
	case <-time.After(time.Millisecond<<try/2 + rand.N(time.Millisecond<<try)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
