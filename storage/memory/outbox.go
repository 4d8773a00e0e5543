package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// LeaseMessages implements [identity.Outbox].
func (s *Store) LeaseMessages(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	var due []*outbox.Message
	for _, m := range s.pending[lease.Lane] {
		held := m.LeaseToken != "" && m.LeaseUntil.After(lease.Now)
		if !held && !m.NextAt.After(lease.Now) && slices.Contains(lease.KeyIDs, m.KeyID) {
			due = append(due, m)
		}
	}
	slices.SortFunc(due, func(a, b *outbox.Message) int {
		return cmp.Or(a.NextAt.Compare(b.NextAt), cmp.Compare(a.ID, b.ID))
	})
	due = due[:min(max(lease.Max, 0), len(due))]
	leased := make([]outbox.Message, 0, len(due))
	for _, m := range due {
		m.Attempts++
		m.LeaseToken, m.LeaseUntil = lease.Token, milli(lease.Until)
		leased = append(leased, copyMessage(*m))
	}
	return leased, nil
}

// FinishMessages implements [identity.Outbox].
func (s *Store) FinishMessages(ctx context.Context, results []outbox.Result) (lost []string, err error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	for _, result := range results {
		if !s.finish(result) {
			lost = append(lost, result.ID)
		}
	}
	return lost, nil
}

// finish reports whether the result's lease still held.
func (s *Store) finish(result outbox.Result) bool {
	m := s.messages.byID[result.ID]
	if m == nil || m.State.Final() || m.LeaseToken == "" || m.LeaseToken != result.LeaseToken {
		return false
	}
	m.State = result.State
	m.LeaseToken, m.LeaseUntil = "", time.Time{}
	m.Provider, m.ProviderRef, m.LastError = result.Provider, result.ProviderRef, result.LastError
	if result.State.Final() {
		m.Sealed = nil
		m.FinishedAt = milli(result.Now)
		s.removePending(m)
	} else {
		m.NextAt = milli(result.NextAt)
	}
	if ref := refOf(m); ref.usable() && s.byRef[ref] == nil {
		s.byRef[ref] = m
	}
	return true
}

// refKey is a provider and its id of a message.
type refKey struct{ provider, ref string }

func refOf(m *outbox.Message) refKey { return refKey{m.Provider, m.ProviderRef} }

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
func (s *Store) MessageStates(ctx context.Context, afterID string, max int) ([]outbox.Message, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	stored := s.messages.after(afterID, max, func(*outbox.Message) bool { return true })
	states := make([]outbox.Message, 0, len(stored))
	for _, m := range stored {
		state := *m
		state.Sealed = nil
		states = append(states, state)
	}
	return states, nil
}

// Backlog implements [identity.Outbox].
func (s *Store) Backlog(ctx context.Context) ([]outbox.Backlog, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	var lanes []outbox.Backlog
	for lane, pending := range s.pending {
		b := outbox.Backlog{Lane: lane, Pending: len(pending)}
		first := true
		for _, m := range pending {
			if first || m.NextAt.Before(b.Earliest) {
				b.Earliest, first = m.NextAt, false
			}
		}
		lanes = append(lanes, b)
	}
	return lanes, nil
}

// anyMessageTaken reports whether the id of a message is stored already or occurs
// twice.
func (s *Store) anyMessageTaken(messages []outbox.Message) bool {
	seen := make(map[string]bool, len(messages))
	for _, m := range messages {
		if seen[m.ID] || s.messages.has(m.ID) {
			return true
		}
		seen[m.ID] = true
	}
	return false
}

func (s *Store) insertMessages(messages []outbox.Message) {
	for _, m := range messages {
		m = copyMessage(m)
		m.CreatedAt, m.NextAt, m.ExpiresAt = milli(m.CreatedAt), milli(m.NextAt), milli(m.ExpiresAt)
		m.LeaseUntil, m.FinishedAt = milli(m.LeaseUntil), milli(m.FinishedAt)
		s.messages.insert(m.ID, &m)
		if !m.State.Final() {
			s.addPending(&m)
		}
	}
}

func (s *Store) addPending(m *outbox.Message) {
	if s.pending[m.Lane] == nil {
		s.pending[m.Lane] = make(map[string]*outbox.Message)
	}
	s.pending[m.Lane][m.ID] = m
}

func (s *Store) removePending(m *outbox.Message) {
	delete(s.pending[m.Lane], m.ID)
	if len(s.pending[m.Lane]) == 0 {
		delete(s.pending, m.Lane)
	}
}

func copyMessage(m outbox.Message) outbox.Message {
	m.Sealed = slices.Clone(m.Sealed)
	return m
}
