package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
)

// Enqueue implements [identity.Outbox].
func (s *Store) Enqueue(ctx context.Context, messages []identity.OutboxMessage) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	if s.anyMessageTaken(messages) {
		return identity.ErrAlreadyExists
	}
	for _, m := range messages {
		s.insertMessage(m)
	}
	return nil
}

// LeaseMessages implements [identity.Outbox].
func (s *Store) LeaseMessages(ctx context.Context, claim identity.Lease) ([]identity.OutboxMessage, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	var due []*identity.OutboxMessage
	for _, m := range s.pending {
		leased := m.LeaseToken != "" && m.LeaseUntil.After(claim.Now)
		if !leased && !m.NextAt.After(claim.Now) {
			due = append(due, m)
		}
	}
	slices.SortFunc(due, func(a, b *identity.OutboxMessage) int {
		return cmp.Or(a.NextAt.Compare(b.NextAt), cmp.Compare(a.ID, b.ID))
	})
	due = due[:min(max(claim.Max, 0), len(due))]
	claimed := make([]identity.OutboxMessage, 0, len(due))
	for _, m := range due {
		m.Attempts++
		m.LeaseToken, m.LeaseUntil = claim.Token, milli(claim.Until)
		claimed = append(claimed, copyMessage(*m))
	}
	return claimed, nil
}

// FinishMessage implements [identity.Outbox].
func (s *Store) FinishMessage(ctx context.Context, result identity.MessageResult) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	m := s.pending[result.ID]
	if m == nil || m.LeaseToken == "" || m.LeaseToken != result.LeaseToken {
		return identity.ErrConflict
	}
	m.State = result.State
	m.LeaseToken, m.LeaseUntil = "", time.Time{}
	m.Provider, m.ProviderRef, m.LastError = result.Provider, result.ProviderRef, result.LastError
	if result.State.Final() {
		m.Sealed = nil
		m.FinishedAt = milli(result.Now)
		delete(s.pending, m.ID)
	} else {
		m.NextAt = milli(result.NextAt)
	}
	if ref := refOf(m); ref.usable() && s.byRef[ref] == nil {
		s.byRef[ref] = m
	}
	return nil
}

// refKey is what a provider calls a message.
type refKey struct{ provider, ref string }

func refOf(m *identity.OutboxMessage) refKey { return refKey{m.Provider, m.ProviderRef} }

func (k refKey) usable() bool { return k.provider != "" && k.ref != "" }

// RecordReceipt implements [identity.Outbox].
func (s *Store) RecordReceipt(ctx context.Context, r sms.DeliveryReceipt) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	m := s.byRef[refKey{r.Provider, r.Ref}]
	if m == nil {
		return identity.ErrNotFound
	}
	if m.Receipt == "" {
		m.Receipt, m.ReceiptCode, m.ReceiptAt = r.State, r.Code, milli(r.At)
	}
	return nil
}

// MessageStates implements [identity.Outbox].
func (s *Store) MessageStates(ctx context.Context, afterID string, limit int) ([]identity.OutboxMessage, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	stored := s.messages.after(afterID, limit)
	states := make([]identity.OutboxMessage, 0, len(stored))
	for _, m := range stored {
		state := *m
		state.Sealed = nil
		states = append(states, state)
	}
	return states, nil
}

// anyMessageTaken reports whether an id is stored already or occurs twice.
func (s *Store) anyMessageTaken(messages []identity.OutboxMessage) bool {
	seen := make(map[string]bool, len(messages))
	for _, m := range messages {
		if seen[m.ID] || s.messages.has(m.ID) {
			return true
		}
		seen[m.ID] = true
	}
	return false
}

func (s *Store) insertMessage(m identity.OutboxMessage) {
	m = copyMessage(m)
	m.CreatedAt, m.NextAt, m.ExpiresAt = milli(m.CreatedAt), milli(m.NextAt), milli(m.ExpiresAt)
	m.LeaseUntil, m.FinishedAt = milli(m.LeaseUntil), milli(m.FinishedAt)
	s.messages.insert(m.ID, &m)
	if !m.State.Final() {
		s.pending[m.ID] = &m
	}
}

func copyMessage(m identity.OutboxMessage) identity.OutboxMessage {
	m.Sealed = slices.Clone(m.Sealed)
	return m
}
