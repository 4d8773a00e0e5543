package identity

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/gate"
	"github.com/seed-16109ab2/rekey/identity/observe"
)

// Under overload, a caller who cannot be served in time gets a [*BusyError] before any
// call of storage. A request that has begun is finished: its later steps wait for their
// turn, and are not refused.

const (
	// storageTogether is how many use cases of one process work on storage at the same
	// time, unless it is a [Concurrent].
	storageTogether = 64
	// storageQueue bounds the memory of callers that wait for their turn. In practice
	// StorageWait bounds their number.
	storageQueue = 4096
	// sendShare is the share of the queue for hashes beyond which no code is sent for
	// a reset: the rest is for people who have their code already.
	sendShare = 0.5
)

// Estimates of durations until one has been measured.
const (
	usualSteps = 5 * time.Millisecond
	usualCheck = time.Millisecond
	usualPass  = time.Microsecond // of argon2id, over one KiB
)

// newStorageGate bounds how many use cases work on storage at the same time. More would
// only wait for a connection, until their calls time out.
func newStorageGate(c *Config) *gate.Gate {
	together := 0
	if store, ok := c.Store.(Concurrent); ok {
		together = store.Concurrency()
	}
	if together < 1 {
		together = storageTogether
	}
	return gate.New(gate.Config{Concurrency: together, Queue: storageQueue, Longest: c.StorageWait, Usual: usualSteps})
}

func newHashGate(c *Config) *gate.Gate {
	return gate.New(gate.Config{
		Concurrency: c.HashConcurrency, Queue: c.HashQueue, Longest: c.HashWait,
		Usual: time.Duration(c.Hash.MemoryKiB) * time.Duration(c.Hash.Iterations) * usualPass,
	})
}

func newCheckGate(c *Config) *gate.Gate {
	return gate.New(gate.Config{Concurrency: c.HashConcurrency, Queue: c.HashQueue, Longest: c.HashWait, Usual: usualCheck})
}

// turn is a use case's place among those that work on storage.
type turn struct {
	gate  *gate.Gate
	leave func() // may be called again
}

// admit gives a use case its place, or returns a [*BusyError].
func (s *Service) admit(ctx context.Context) (turn, error) {
	leave, err := s.steps.Reserve()
	if err != nil {
		return turn{}, s.busy(ctx, stepsQueue, s.steps.Drain())
	}
	return turn{s.steps, sync.OnceFunc(leave)}, nil
}

// do runs steps on storage.
func (t turn) do(ctx context.Context, steps func() error) error {
	var err error
	if waitErr := t.gate.Wait(ctx, func() { err = steps() }); waitErr != nil {
		return fmt.Errorf("identity: wait for storage: %w", waitErr)
	}
	return err
}

// admitSend is admit for a send. It refuses a code for a reset that would be refused
// afterwards, so that its message is not paid for.
func (s *Service) admitSend(ctx context.Context, p Purpose) (turn, error) {
	if p == PurposeForgotPassword {
		if err := s.admitHash(ctx, sendShare); err != nil {
			return turn{}, err
		}
	}
	return s.admit(ctx)
}

// admitHash returns a [*BusyError] if more than a share of the queue for hashes is taken.
// It reserves no place, because steps that may hang come before the hash.
func (s *Service) admitHash(ctx context.Context, share float64) error {
	if s.passwords.hashes.Crowded(share) {
		return s.busy(ctx, hashQueue, s.passwords.hashes.Drain())
	}
	return nil
}

// reserveHash keeps a place in the queue for a hash, or returns a [*BusyError]. Call
// leave when the place is needed no longer.
func (s *Service) reserveHash(ctx context.Context) (leave func(), err error) {
	if leave, err = s.passwords.hashes.Reserve(); err != nil {
		return nil, s.busy(ctx, hashQueue, s.passwords.hashes.Drain())
	}
	return leave, nil
}

// The queues whose refusals are observed.
const (
	hashQueue     = "hash queue"
	checkQueue    = "password check queue"
	stepsQueue    = "storage queue"
	deliveryQueue = "delivery"
)

// busy reports a refusal to the observer, and returns the error for the caller.
func (s *Service) busy(ctx context.Context, queue string, retryAfter time.Duration) error {
	s.observe(ctx, observe.Observation{Kind: observe.KindBusy, Outcome: queue})
	return &BusyError{RetryAfter: cmp.Or(retryAfter, time.Second)}
}
