package bunstore

import (
	"context"
	"errors"
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
