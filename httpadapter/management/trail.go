package management

import (
	"encoding/hex"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// settled reports whether no row with a smaller id can appear any more. An id is made
// before its transaction commits, so a row may become visible after rows with a greater
// id. The decision uses the time in the id (UUIDv7), as cursors do; the event's own
// time may be earlier by the duration of a check.
func (c *call) settled(id string) bool {
	if c.cfg.Settle < 0 {
		return true
	}
	made, ok := timeOf(id)
	return !ok || made.Before(c.clock().Add(-c.cfg.Settle))
}

// timeOf returns when a UUIDv7 was made (RFC 9562, 5.7).
func timeOf(id string) (time.Time, bool) {
	if len(id) != 36 || id[8] != '-' || id[14] != '7' {
		return time.Time{}, false
	}
	b, err := hex.DecodeString(id[:8] + id[9:13])
	if err != nil {
		return time.Time{}, false
	}
	var ms int64
	for _, v := range b {
		ms = ms<<8 | int64(v)
	}
	return time.UnixMilli(ms), true
}

func listEvents(c *call) (reply, error) {
	after, limit, err := c.page()
	if err != nil {
		return reply{}, err
	}
	q := audit.Query{AfterID: after, Tenant: c.query.Get("tenant"), UserID: c.query.Get("user_id"), Max: limit}
	if c.query.Has("tenant") && q.UserID == "" {
		return reply{}, invalid(detail{Parameter: "tenant", Detail: "selects together with user_id only"})
	}
	events, err := c.service.Events(c.ctx(), q)
	if err != nil {
		return reply{}, err
	}
	answer := struct {
		Events []audit.Event `json:"events"`
		Next   string        `json:"next"`
	}{Events: []audit.Event{}, Next: after}
	for _, e := range events {
		if !c.settled(e.ID) {
			break // the rows after it wait too
		}
		answer.Events = append(answer.Events, e)
		answer.Next = e.ID
	}
	return ok(answer)
}

// message is what the API shows of a message: neither the number nor the text.
type message struct {
	ID          string     `json:"id"`
	Lane        string     `json:"lane"`
	State       string     `json:"state"`
	Attempts    int        `json:"attempts"`
	CreatedAt   *time.Time `json:"created_at"`
	ExpiresAt   *time.Time `json:"expires_at"`
	NextAt      *time.Time `json:"next_at,omitempty"`
	FinishedAt  *time.Time `json:"finished_at,omitempty"`
	Provider    string     `json:"provider,omitempty"`
	ProviderRef string     `json:"provider_ref,omitempty"`
	LastError   string     `json:"last_error,omitempty"`
	Receipt     string     `json:"receipt,omitempty"`
	ReceiptCode string     `json:"receipt_code,omitempty"`
	ReceiptAt   *time.Time `json:"receipt_at,omitempty"`
}

func listMessages(c *call) (reply, error) {
	after, limit, err := c.page()
	if err != nil {
		return reply{}, err
	}
	found, err := c.service.Messages(c.ctx(), after, limit)
	if err != nil {
		return reply{}, err
	}
	answer := struct {
		Messages []message `json:"messages"`
		Next     string    `json:"next"`
	}{Messages: []message{}, Next: after}
	for _, m := range found {
		if !c.settled(m.ID) {
			break
		}
		answer.Next = m.ID
		if m.Lane == outbox.LaneDecoy {
			continue // a decoy: nothing was to be sent
		}
		shown := message{
			ID: m.ID, Lane: string(m.Lane), State: string(m.State), Attempts: m.Attempts, CreatedAt: when(m.CreatedAt), ExpiresAt: when(m.ExpiresAt),
			FinishedAt: when(m.FinishedAt), Provider: m.Provider, ProviderRef: m.ProviderRef, LastError: m.LastError,
			Receipt: string(m.Receipt), ReceiptCode: m.ReceiptCode, ReceiptAt: when(m.ReceiptAt),
		}
		if !m.State.Final() {
			shown.NextAt = when(m.NextAt)
		}
		answer.Messages = append(answer.Messages, shown)
	}
	return ok(answer)
}
