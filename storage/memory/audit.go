package memory

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// AppendEvent implements [identity.Audit].
func (s *Store) AppendEvent(ctx context.Context, e audit.Event, messages []outbox.Message) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	if s.events.has(e.ID) || s.anyMessageTaken(messages) {
		return identity.ErrAlreadyExists
	}
	s.insertEvent(e)
	s.insertMessages(messages)
	return nil
}

// Events implements [identity.Audit].
func (s *Store) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	return s.events.after(q.AfterID, q.Max, func(e audit.Event) bool {
		return (q.UserID == "" || ofUser(e, q.Tenant, q.UserID)) && (q.Before.IsZero() || e.ID < audit.FirstID(q.Before))
	}), nil
}

func ofUser(e audit.Event, tenant, id string) bool { return e.Tenant == tenant && e.UserID == id }

func (s *Store) insertEvent(e audit.Event) {
	e.At = milli(e.At)
	s.events.insert(e.ID, e)
}

// pseudonymise removes from the events of a user what identifies the person.
func (s *Store) pseudonymise(tenant, id string) {
	for eventID, e := range s.events.byID {
		if ofUser(e, tenant, id) {
			e.Mobile, e.Address, e.ClaimedAddress, e.Device, e.OSVersion, e.Agent = "", "", "", "", "", ""
			s.events.byID[eventID] = e
		}
	}
}
