package identity

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// Events returns at most q.Max audit events that q selects, by time. To follow the trail,
// pass the id of the last event as q.AfterID, and a q.Before some seconds in the past,
// because a slow transaction may commit an event with an earlier id later. Errors: failures
// of the storage.
func (s *Service) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	return s.store.Events(callCtx, q)
}

// Messages returns at most max outbox messages after the one with the given id,
// without their texts, by time; an empty id starts at the oldest. Errors: failures
// of storage.
func (s *Service) Messages(ctx context.Context, afterID string, max int) ([]outbox.Message, error) {
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	return s.store.MessageStates(callCtx, afterID, max)
}
