package memory

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity"
)

// AppendEvent implements [identity.Audit].
func (s *Store) AppendEvent(ctx context.Context, e identity.Event) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	if s.events.has(e.ID) {
		return identity.ErrAlreadyExists
	}
	s.insertEvent(e)
	return nil
}

// Events implements [identity.Audit].
func (s *Store) Events(ctx context.Context, afterID string, limit int) ([]identity.Event, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	return s.events.after(afterID, limit), nil
}

func (s *Store) insertEvent(e identity.Event) {
	e.At = milli(e.At)
	s.events.insert(e.ID, e)
}
