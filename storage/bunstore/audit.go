package bunstore

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

const eventColumns = "id, at, type, outcome, tenant, client_id, user_id, purpose, mobile, address, claimed_address, device, os_version, agent"

type eventRow struct {
	ID             string `bun:"id"`
	At             int64  `bun:"at"`
	Type           string `bun:"type"`
	Outcome        string `bun:"outcome"`
	Tenant         string `bun:"tenant"`
	ClientID       string `bun:"client_id"`
	UserID         string `bun:"user_id"`
	Purpose        string `bun:"purpose"`
	Mobile         string `bun:"mobile"`
	Address        string `bun:"address"`
	ClaimedAddress string `bun:"claimed_address"`
	Device         string `bun:"device"`
	OSVersion      string `bun:"os_version"`
	Agent          string `bun:"agent"`
}

// appended is an event to append, with its messages.
type appended struct {
	event    audit.Event
	messages []outbox.Message
}

// AppendEvent implements [identity.Audit].
func (s *Store) AppendEvent(ctx context.Context, e audit.Event, messages []outbox.Message) error {
	_, err := batched(ctx, s.appends, s.appendEvents, appended{e, messages})
	return wrap("append event", err)
}

// appendEvents appends events in one transaction.
func (s *Store) appendEvents(ctx context.Context, all []appended) ([]struct{}, error) {
	var events []audit.Event
	var messages []outbox.Message
	for _, a := range all {
		events, messages = append(events, a.event), append(messages, a.messages...)
	}
	return make([]struct{}, len(all)), s.inTx(ctx, func(t *tx) error {
		if err := t.together(eventsWrite(events...)); err != nil {
			return err
		}
		return t.enqueue(messages)
	})
}

func eventsWrite(events ...audit.Event) write {
	args := make([]any, 0, 14*len(events))
	for _, e := range events {
		args = append(args, e.ID, millis(e.At), string(e.Type), e.Outcome, e.Tenant, e.ClientID, e.UserID, e.Purpose, e.Mobile,
			e.Address, e.ClaimedAddress, e.Device, e.OSVersion, e.Agent)
	}
	return write{"INSERT INTO rekey_events (" + eventColumns + ") VALUES " + tuples(len(events), 14), args}
}

// Events implements [identity.Audit].
func (s *Store) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	if q.Max <= 0 {
		return nil, ctx.Err()
	}
	where, args := "id > ?", []any{q.AfterID}
	if q.UserID != "" {
		where, args = where+" AND tenant = ? AND user_id = ?", append(args, q.Tenant, q.UserID)
	}
	if !q.Before.IsZero() {
		where, args = where+" AND id < ?", append(args, audit.FirstID(q.Before))
	}
	rows, err := query[eventRow](s.read(ctx), "SELECT "+eventColumns+" FROM rekey_events WHERE "+where+" ORDER BY id LIMIT ?", append(args, q.Max)...)
	if err != nil {
		return nil, wrap("list events", err)
	}
	events := make([]audit.Event, len(rows))
	for i, r := range rows {
		events[i] = audit.Event{
			ID: r.ID, At: fromMillis(r.At), Type: audit.Type(r.Type), Outcome: r.Outcome, Tenant: r.Tenant, ClientID: r.ClientID,
			UserID: r.UserID, Purpose: r.Purpose, Mobile: r.Mobile, Address: r.Address,
			ClaimedAddress: r.ClaimedAddress, Device: r.Device, OSVersion: r.OSVersion, Agent: r.Agent,
		}
	}
	return events, nil
}
