package command

import (
	"context"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// messageLine is an outbox message without its text.
type messageLine struct {
	ID          string           `json:"id"`
	State       outbox.State     `json:"state"`
	CreatedAt   time.Time        `json:"created_at"`
	NextAt      time.Time        `json:"next_at"`
	ExpiresAt   time.Time        `json:"expires_at"`
	Attempts    int              `json:"attempts"`
	FinishedAt  time.Time        `json:"finished_at,omitzero"`
	Provider    string           `json:"provider,omitempty"`
	ProviderRef string           `json:"provider_ref,omitempty"`
	LastError   string           `json:"last_error,omitempty"`
	Receipt     sms.ReceiptState `json:"receipt,omitempty"`
	ReceiptCode string           `json:"receipt_code,omitempty"`
	ReceiptAt   time.Time        `json:"receipt_at,omitzero"`
}

func messagesCommand(f *settings.Set) action {
	var d database.Database
	d.AddressFlag(f)
	return func(ctx context.Context, std Streams) error {
		return onStore(ctx, &d, func(s database.Store) error {
			return eachPage("", func(after string) (lines []messageLine, last string, err error) {
				messages, err := s.MessageStates(ctx, after, page)
				for _, m := range messages {
					last = m.ID
					lines = append(lines, messageLine{
						ID: m.ID, State: m.State, CreatedAt: m.CreatedAt, NextAt: m.NextAt, ExpiresAt: m.ExpiresAt, Attempts: m.Attempts,
						FinishedAt: m.FinishedAt, Provider: m.Provider, ProviderRef: m.ProviderRef, LastError: m.LastError,
						Receipt: m.Receipt, ReceiptCode: m.ReceiptCode, ReceiptAt: m.ReceiptAt,
					})
				}
				return lines, last, err
			}, func(lines []messageLine) error { return printJSON(std.Out, lines) })
		})
	}
}
