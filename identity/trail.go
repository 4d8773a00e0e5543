package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// ids makes ids. They sort by time.
type ids struct {
	random io.Reader
	uuids  uuidGenerator
}

func newIDs(random io.Reader) *ids {
	return &ids{random: random, uuids: uuidGenerator{random: random}}
}

func (i *ids) next() (string, error) {
	id, err := i.uuids.next(time.Now())
	if err != nil {
		return "", fmt.Errorf("identity: random source: %w", err)
	}
	return id, nil
}

// trail makes audit events, and the messages that report them to Config.OnEvent.
type trail struct {
	ids     *ids
	relay   *relay
	deliver []audit.Type  // types that OnEvent gets; nil for none
	life    time.Duration // for how long OnEvent is tried
	observe func(e audit.Event, provider string)
}

// event is an event of a caller about a number.
func (t *trail) event(at time.Time, typ audit.Type, sc scope, c Caller, p Purpose, number mobile.Number) (audit.Event, error) {
	id, err := t.ids.next()
	if err != nil {
		return audit.Event{}, err
	}
	e := audit.Event{
		ID: id, At: at, Type: typ, Tenant: sc.tenant, ClientID: sc.client.ID, Purpose: string(p), Mobile: number.Masked(),
		ClaimedAddress: claim(c.ClaimedAddress), Device: claim(c.Device), OSVersion: claim(c.OSVersion), Agent: claim(c.Agent),
	}
	if c.Address.IsValid() {
		e.Address = c.Address.String()
	}
	return e, nil
}

// messages are the deliveries that go with an event.
func (t *trail) messages(e audit.Event) ([]outbox.Message, error) {
	if !slices.Contains(t.deliver, e.Type) {
		return nil, nil
	}
	event, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("identity: encode event: %w", err)
	}
	m, err := t.relay.message(outbox.LaneEvent, e.At, e.At.Add(t.life), delivery{Kind: deliverEvent, Event: event})
	if err != nil {
		return nil, err
	}
	return []outbox.Message{m}, nil
}

// record stores an event, with a new id unless it has one. It continues when the
// caller has left, because the trail must report what was charged.
func (t *trail) record(ctx context.Context, in Audit, e audit.Event) error {
	return t.recordBy(ctx, in, e, "")
}

// recordBy is record for an event that a code caused, and the provider that took the code.
// Only the observer is told of the provider.
func (t *trail) recordBy(ctx context.Context, in Audit, e audit.Event, provider string) (err error) {
	if e.ID == "" {
		if e.ID, err = t.ids.next(); err != nil {
			return err
		}
	}
	messages, err := t.messages(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := in.AppendEvent(ctx, e, messages); err != nil {
		return fmt.Errorf("identity: record event: %w", err)
	}
	t.observe(e, provider)
	if len(messages) > 0 {
		t.relay.wake(outbox.LaneEvent)
	}
	return nil
}
