package storagetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func auditFaults() []fault {
	return []fault{
		{"page starts at the id", []string{"Events/Pages"}, func(b *broken) {
			b.events = func(ctx context.Context, q audit.Query) ([]audit.Event, error) {
				if q.AfterID != "" {
					q.AfterID = q.AfterID[:len(q.AfterID)-1]
				}
				return b.Store.Events(ctx, q)
			}
		}},
		{"audit field lost", []string{"AppendEvent/RoundTrip", "IssueCode/Stores", "RedeemCode/DoesAll"}, func(b *broken) {
			b.events = func(ctx context.Context, q audit.Query) ([]audit.Event, error) {
				events, err := b.Store.Events(ctx, q)
				for i := range events {
					events[i].OSVersion = ""
				}
				return events, err
			}
		}},
		{"duplicate event accepted", []string{"AppendEvent/Duplicate", "AppendEvent/DuplicateMessage"}, func(b *broken) {
			b.appendEvent = func(ctx context.Context, e audit.Event, messages []outbox.Message) error {
				return unless(identity.ErrAlreadyExists, b.Store.AppendEvent(ctx, e, messages))
			}
		}},
		{"messages stored one by one", []string{"AppendEvent/DuplicateMessage"}, func(b *broken) {
			b.appendEvent = func(ctx context.Context, e audit.Event, messages []outbox.Message) error {
				if err := b.Store.AppendEvent(ctx, e, nil); err != nil {
					return err
				}
				for i, m := range messages {
					if err := b.Store.AppendEvent(ctx, audit.Event{ID: e.ID + string(rune('a'+i))}, []outbox.Message{m}); err != nil {
						return err
					}
				}
				return nil
			}
		}},
		{"messages of events not stored", []string{"AppendEvent/Messages"}, func(b *broken) {
			b.appendEvent = func(ctx context.Context, e audit.Event, _ []outbox.Message) error {
				return b.Store.AppendEvent(ctx, e, nil)
			}
		}},
		{"max below one means all", []string{"Events/Pages", "Events/ByUser"}, func(b *broken) {
			b.events = func(ctx context.Context, q audit.Query) ([]audit.Event, error) {
				if q.Max < 1 {
					q.Max = 1000
				}
				return b.Store.Events(ctx, q)
			}
		}},
		{"tenant of the user ignored", []string{"Events/ByUser"}, func(b *broken) {
			b.events = func(ctx context.Context, q audit.Query) ([]audit.Event, error) {
				user := q.UserID
				q.UserID = ""
				events, err := b.Store.Events(ctx, q)
				return slices.DeleteFunc(events, func(e audit.Event) bool { return user != "" && e.UserID != user }), err
			}
		}},
		{"a page filtered after it was cut", []string{"Events/ByUser"}, func(b *broken) {
			b.events = func(ctx context.Context, q audit.Query) ([]audit.Event, error) {
				events, err := b.Store.Events(ctx, audit.Query{AfterID: q.AfterID, Max: q.Max})
				return slices.DeleteFunc(events, func(e audit.Event) bool {
					return q.UserID != "" && (e.UserID != q.UserID || e.Tenant != q.Tenant) || !q.Before.IsZero() && e.ID >= audit.FirstID(q.Before)
				}), err
			}
		}},
		{"the time of the event, not of its record", []string{"Events/Before"}, func(b *broken) {
			b.events = func(ctx context.Context, q audit.Query) ([]audit.Event, error) {
				all := q
				all.Before, all.Max = time.Time{}, 1000
				events, err := b.Store.Events(ctx, all)
				events = slices.DeleteFunc(events, func(e audit.Event) bool { return !q.Before.IsZero() && !e.At.Before(q.Before) })
				return events[:min(len(events), q.Max)], err
			}
		}},
		{"present events included", []string{"Events/Before"}, func(b *broken) {
			b.events = func(ctx context.Context, q audit.Query) ([]audit.Event, error) {
				if !q.Before.IsZero() {
					q.Before = q.Before.Add(time.Millisecond)
				}
				return b.Store.Events(ctx, q)
			}
		}},
	}
}
