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
	// pacedShare is the share beyond which codes for resets are sent only as fast as
	// hashes are computed. A reset comes a while after its send: if all sends were let in
	// until the queue is half full, more resets would follow than the queue can take.
	pacedShare = 0.1
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
		if h := s.passwords.hashes; h.Crowded(sendShare) || h.Crowded(pacedShare) && !h.Pace() {
			return turn{}, s.busy(ctx, hashQueue, h.Drain())
		}
	}
	return s.admit(ctx)
}

// place is a use case's place in the queue for hashes, from its beginning, so that no work
// is done for a caller who is refused.
type place struct {
	passwords *passwords
	release   func() // may be called again
}

// reserveHash keeps a place, or returns a [*BusyError]. Call leave when it is needed no
// longer.
func (p *passwords) reserveHash(ctx context.Context) (*place, error) {
	release, err := p.hashes.Reserve()
	if err != nil {
		return nil, p.busy(ctx, hashQueue, p.hashes.Drain())
	}
	return &place{p, sync.OnceFunc(release)}, nil
}

func (l *place) leave() { l.release() }

// lend gives the place away while f runs, which may hang. It returns f's error, or a
// [*BusyError] if no place is free after f.
func (l *place) lend(ctx context.Context, f func() error) error {
	l.leave()
	if err := f(); err != nil {
		return err
	}
	again, err := l.passwords.reserveHash(ctx)
	if err != nil {
		return err
	}
	l.release = again.release
	return nil
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
