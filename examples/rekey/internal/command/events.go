package command

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity/audit"
)

const (
	// followEvery is how often -follow looks for new events.
	followEvery = time.Second
	// settledAfter is the longest time between an event's id and its commit: no call of a
	// store lasts longer.
	settledAfter = 15 * time.Second
	// disagreement is how far the servers' clocks may differ.
	disagreement = time.Minute
)

// eventFilter selects events.
type eventFilter struct {
	user, tenant string
	types        []audit.Type
	since        string
}

func (e *eventFilter) flags(f *settings.Set) {
	f.Text(&e.user, "user", "`ID` of the user whose events are printed; default: all events")
	f.Text(&e.tenant, "tenant", "`TENANT` of -user; default none")
	settings.List(f, &e.types, "type", settings.ParseEventType, "`TYPES` of events that are printed, such as password.reset, comma-separated; default all")
	f.Text(&e.since, "since", "`TIME` of the first event: a duration back from now such as 24h, or a time such as 2026-12-31T08:00:00Z; default: the oldest event")
}

func (e *eventFilter) start(now time.Time) (time.Time, error) {
	if e.tenant != "" && e.user == "" {
		return time.Time{}, settings.Usagef("-tenant is for -user")
	}
	if e.since == "" {
		return time.Time{}, nil
	}
	if back, err := time.ParseDuration(e.since); err == nil && back >= 0 {
		return now.Add(-back), nil
	}
	start, err := time.Parse(time.RFC3339, e.since)
	if err != nil {
		return start, settings.Usagef(`-since is %q, which is neither a duration such as "24h" nor a time such as "2026-12-31T08:00:00Z"`, e.since)
	}
	return start, nil
}

// firstID is less than the ids of all events from a time on, as far as the clocks
// agree.
func firstID(start time.Time) string {
	if start.IsZero() {
		return ""
	}
	return audit.FirstID(start.Add(-disagreement))
}

func eventsCommand(f *settings.Set) action {
	var d database.Database
	var filter eventFilter
	var follow bool
	d.AddressFlag(f)
	filter.flags(f)
	f.Bool(&follow, "follow", "go on and print new events as they come, until SIGTERM or SIGINT")
	return func(ctx context.Context, std Streams) error {
		start, err := filter.start(time.Now())
		if err != nil {
			return err
		}
		print := func(events []audit.Event) error {
			return printJSON(std.Out, slices.DeleteFunc(events, func(e audit.Event) bool {
				return e.At.Before(start) || len(filter.types) > 0 && !slices.Contains(filter.types, e.Type)
			}))
		}
		return onStore(ctx, &d, func(s database.Store) error {
			read := func(after string) (events []audit.Event, last string, err error) {
				events, err = s.Events(ctx, audit.Query{AfterID: max(after, firstID(start)), Tenant: filter.tenant, UserID: filter.user, Max: page})
				if n := len(events); n > 0 {
					last = events[n-1].ID
				}
				return events, last, err
			}
			if !follow {
				return eachPage("", read, print)
			}
			err := followEvents(ctx, read, print)
			if errors.Is(err, context.Canceled) && ctx.Err() != nil {
				return nil
			}
			return err
		})
	}
}

// follower remembers printed events while events with smaller ids may still appear: ids
// are made before their events are committed.
type follower struct {
	settled string // all events up to this id are complete and printed
	seen    []seenEvent
	ids     map[string]bool // the ids of seen
}

type seenEvent struct {
	id string
	at time.Time // when it was seen
}

// unseen returns the events that are new, and remembers them.
func (l *follower) unseen(events []audit.Event, now time.Time) []audit.Event {
	return slices.DeleteFunc(events, func(e audit.Event) bool {
		switch {
		case l.ids[e.ID]:
			return true
		case now.Sub(e.At) > settledAfter+disagreement:
			l.settled = max(l.settled, e.ID)
			return false
		}
		l.ids[e.ID] = true
		l.seen = append(l.seen, seenEvent{e.ID, now})
		return false
	})
}

// settle forgets events before which no other event can appear any more.
func (l *follower) settle(now time.Time) {
	for _, e := range l.seen {
		if now.Sub(e.at) >= settledAfter {
			l.settled = max(l.settled, e.id)
		}
	}
	l.seen = slices.DeleteFunc(l.seen, func(e seenEvent) bool {
		over := e.id <= l.settled
		if over {
			delete(l.ids, e.id)
		}
		return over
	})
}

// followEvents prints new events until ctx ends.
func followEvents(ctx context.Context, read func(after string) ([]audit.Event, string, error), print func([]audit.Event) error) error {
	l := follower{ids: map[string]bool{}}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		now := time.Now()
		err := eachPage(l.settled, read, func(events []audit.Event) error { return print(l.unseen(events, now)) })
		if err != nil {
			return err
		}
		l.settle(now)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
