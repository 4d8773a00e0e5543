package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// trail simulates an hour of an attack from that many networks, with an owner on a known
// device, and prints what an operator sees: the log, and the audit trail. Events that
// differ only in time and address are counted together.
func trail(ctx context.Context, out io.Writer, networks int) (err error) {
	_, _ = fmt.Fprintln(out, "log:")
	clock := newClock()
	w, err := newWorld(ctx, clock, slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: byClock(clock)})))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	if _, err := w.CreateUser(ctx, identity.NewUser{Mobile: number, Verified: true, Password: identity.NewSecret(password)}); err != nil {
		return err
	}
	known := caller("phone", 1000, ownersLanguage)
	if err := w.signIn(ctx, known, password); err != nil {
		return err
	}
	o := &owner{sends: &tally{}, resets: &tally{}, logins: &tally{}, next: w.clock.Now().Add(30 * time.Minute),
		device: func(int) (string, int) { return "phone", 1000 }}
	for range 12 {
		w.strike(ctx, networks)
		if err := o.act(ctx, w, func() {}); err != nil {
			return err
		}
		if err := w.settle(ctx); err != nil {
			return err
		}
		w.clock.Advance(5 * time.Minute)
	}
	return w.printTrail(ctx, out)
}

// byClock has each line show the time of the clock that is set, and as much of a key
// as tells two keys apart.
func byClock(clock *identitytest.Clock) func([]string, slog.Attr) slog.Attr {
	return func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey:
			return slog.String(slog.TimeKey, clock.Now().Format(time.TimeOnly))
		case "key":
			if scope, digest, found := strings.Cut(a.Value.String(), ":"); found {
				return slog.String("key", scope+":"+digest[:6]+"…")
			}
		}
		return a
	}
}

func (w *world) printTrail(ctx context.Context, out io.Writer) error {
	type kind struct {
		typ             audit.Type
		outcome, mobile string
	}
	type group struct {
		n     int
		first audit.Event
	}
	groups, order := map[kind]*group{}, []kind{}
	for after := ""; ; {
		page, err := w.Events(ctx, audit.Query{AfterID: after, Max: 1000})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			k := kind{e.Type, e.Outcome, e.Mobile}
			if groups[k] == nil {
				groups[k] = &group{first: e}
				order = append(order, k)
			}
			groups[k].n++
		}
		after = page[len(page)-1].ID
	}
	_, _ = fmt.Fprintln(out, "\naudit trail:")
	for _, k := range order {
		g := groups[k]
		_, _ = fmt.Fprintf(out, "%s  %4d x  %-15s  %-40s  %-15s  first from %s\n",
			g.first.At.Format("15:04:05"), g.n, k.typ, k.outcome, k.mobile, cmp.Or(g.first.Address, "-"))
	}
	return nil
}
