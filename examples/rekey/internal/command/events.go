package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
)

const page = 500

func eventsCommand(f *settings.Set) action {
	return printAll(f, func(ctx context.Context, s identity.Storage, after string) (events []identity.Event, last string, err error) {
		events, err = s.Events(ctx, identity.EventQuery{AfterID: after, Max: page})
		if n := len(events); n > 0 {
			last = events[n-1].ID
		}
		return events, last, err
	})
}

// messageLine is an outbox message without what it says.
type messageLine struct {
	ID          string                `json:"id"`
	State       identity.MessageState `json:"state"`
	CreatedAt   time.Time             `json:"created_at"`
	NextAt      time.Time             `json:"next_at"`
	ExpiresAt   time.Time             `json:"expires_at"`
	Attempts    int                   `json:"attempts"`
	FinishedAt  time.Time             `json:"finished_at,omitzero"`
	Provider    string                `json:"provider,omitempty"`
	ProviderRef string                `json:"provider_ref,omitempty"`
	LastError   string                `json:"last_error,omitempty"`
	Receipt     sms.ReceiptState      `json:"receipt,omitempty"`
	ReceiptCode string                `json:"receipt_code,omitempty"`
	ReceiptAt   time.Time             `json:"receipt_at,omitzero"`
}

func messagesCommand(f *settings.Set) action {
	return printAll(f, func(ctx context.Context, s identity.Storage, after string) (lines []messageLine, last string, err error) {
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
	})
}

// printAll prints every page as JSON lines. It needs no secret: whoever reads
// the trail need not be able to read codes.
func printAll[T any](f *settings.Set, next func(ctx context.Context, s identity.Storage, after string) ([]T, string, error)) action {
	var d database.Database
	d.AddressFlag(f)
	return func(ctx context.Context, std Streams) (err error) {
		store, err := d.OpenExisting(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.DB().Close()) }()
		out := bufio.NewWriter(std.Out)
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		for after := ""; ; {
			rows, last, err := next(ctx, store, after)
			if err != nil {
				return err
			}
			for _, row := range rows {
				if err := encoder.Encode(row); err != nil {
					return err
				}
			}
			if len(rows) < page {
				return out.Flush()
			}
			after = last
		}
	}
}
