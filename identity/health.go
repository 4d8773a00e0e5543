package identity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity/outbox"
)

const (
	// stalled is how long a lane of Run may go without an answer from storage.
	stalled = 15 * time.Second
	// overdue is how old the oldest due message of a lane may be.
	overdue = time.Minute
	// backlogRead is how long a reading of the backlog is reused.
	backlogRead = time.Second
	// checkRead is how long a successful check of the storage is reused.
	checkRead = 2 * time.Second
)

// Health returns nil if the service can serve: the storage accepts writes and has the right
// schema (see [Checker]), Run of this process gets answers from the storage if it was
// started, and no code or notice has been due for more than a minute. Otherwise the error
// names all faults. Health changes nothing and takes at most [Config.StorageTimeout].
func (s *Service) Health(ctx context.Context) error {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	var faults []error
	if err := s.checkStorage(ctx); err != nil {
		faults = append(faults, err)
	}
	for name, l := range s.relay.lanes {
		if at := l.alive.Load(); at != 0 {
			if quiet := time.Since(time.UnixMilli(at)); quiet > stalled {
				faults = append(faults, fmt.Errorf("identity: delivery of lane %q has had no answer from storage for %s", name, quiet.Truncate(time.Second)))
			}
		}
	}
	backlog, err := s.store.Backlog(ctx)
	if err != nil {
		faults = append(faults, fmt.Errorf("identity: read backlog: %w", err))
	}
	for _, b := range backlog {
		if late := s.now().Sub(b.Earliest); late > overdue && (b.Lane == outbox.LaneCode || b.Lane == outbox.LaneNotice) {
			faults = append(faults, fmt.Errorf("identity: %d messages wait in lane %q, the oldest has been due for %s", b.Pending, b.Lane, late.Truncate(time.Second)))
		}
	}
	return errors.Join(faults...)
}

// checkStorage checks whether the store can serve. A success is reused for checkRead,
// because a thorough check reads the catalogue of the database.
func (s *Service) checkStorage(ctx context.Context) error {
	c, ok := s.cfg.Store.(Checker)
	if last := s.checked.Load(); !ok || last != 0 && time.Since(time.UnixMilli(last)) < checkRead {
		return nil
	}
	if err := c.Check(ctx); err != nil {
		s.checked.Store(0)
		return fmt.Errorf("identity: storage: %w", err)
	}
	s.checked.Store(time.Now().UnixMilli())
	return nil
}

// backlogMemory is the last reading of the backlog.
type backlogMemory struct {
	mu   sync.Mutex
	at   time.Time
	late time.Duration // how long the oldest code has been due
	// since is when readings began to be too late, by the real clock. One reading is not
	// enough, because messages look late when the clock jumps.
	since time.Time
}

// backlogged refuses a send while codes are delivered so late that a new code would have
// expired, or almost, when it arrives.
func (s *Service) backlogged(ctx context.Context) error {
	m := &s.backlog
	m.mu.Lock()
	fresh := !m.at.IsZero() && time.Since(m.at) < backlogRead
	if !fresh {
		m.at = time.Now() // other callers use the old reading meanwhile
	}
	late, since := m.late, m.since
	m.mu.Unlock()
	if !fresh {
		callCtx, cancel := s.deadline(ctx)
		defer cancel()
		backlog, err := s.store.Backlog(callCtx)
		if err != nil {
			return fmt.Errorf("identity: read backlog: %w", err)
		}
		late = 0
		for _, b := range backlog {
			if b.Lane == outbox.LaneCode {
				late = s.now().Sub(b.Earliest)
			}
		}
		m.mu.Lock()
		m.late = late
		if late <= s.cfg.CodeLifetime/2 {
			m.since = time.Time{}
		} else if m.since.IsZero() {
			m.since = time.Now()
		}
		since = m.since
		m.mu.Unlock()
	}
	if late > s.cfg.CodeLifetime/2 && !since.IsZero() && time.Since(since) > backlogRead {
		s.log.once(ctx, "codes leave too late, new ones are refused", "late", late)
		return s.busy(ctx, deliveryQueue, 10*time.Second)
	}
	return nil
}
