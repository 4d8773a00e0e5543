package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// Store is an [identity.Storage] in memory. Make one with [New]; the zero Store
// is not usable. It is safe for concurrent use.
type Store struct {
	mu sync.Mutex // held from beginning to end of every method

	users    map[string]identity.User // by id
	byMobile map[mobileKey]string     // user id
	history  map[string][]string      // by user id, newest first

	clients map[string]identity.Client // by id

	codes     map[string]*identity.VerifyCode // by id
	byBinding codeIndex
	byNumber  codeIndex

	limits limitRows

	messages ordered[*outbox.Message]
	pending  map[outbox.Lane]map[string]*outbox.Message // messages that are not in a final state, by lane, then id
	byRef    map[refKey]*outbox.Message                 // messages that a provider accepted
	events   ordered[audit.Event]
}

var (
	_ identity.Storage = (*Store)(nil)
	_ identity.Checker = (*Store)(nil)
)

// New returns an empty store.
func New() *Store {
	return &Store{
		users:     make(map[string]identity.User),
		byMobile:  make(map[mobileKey]string),
		history:   make(map[string][]string),
		clients:   make(map[string]identity.Client),
		codes:     make(map[string]*identity.VerifyCode),
		byBinding: make(codeIndex),
		byNumber:  make(codeIndex),
		limits:    make(limitRows),
		messages:  newOrdered[*outbox.Message](),
		pending:   make(map[outbox.Lane]map[string]*outbox.Message),
		byRef:     make(map[refKey]*outbox.Message),
		events:    newOrdered[audit.Event](),
	}
}

// Check implements [identity.Checker].
func (s *Store) Check(ctx context.Context) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	unlock()
	return nil
}

// lock takes the mutex, unless ctx has ended. It checks ctx with the mutex held, so that
// a caller who gave up while waiting changes nothing.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	s.mu.Lock()
	if err := ctx.Err(); err != nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("memory: %w", err)
	}
	return s.mu.Unlock, nil
}

// milli rounds a time to milliseconds in UTC, as identity.Storage requires.
func milli(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}
