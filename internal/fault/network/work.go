package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

const people = 4

// person resets a password again and again.
type person struct {
	number, password string
	possible         string // of a reset whose answer was lost
	resets           int
	codes            chan string
}

// world is a service at work while something breaks.
type world struct {
	mu     sync.Mutex
	counts counts
	people []*person
	svc    *identity.Service
}

// Send implements sms.Sender.
func (w *world) Send(_ context.Context, m sms.Message) (sms.Accepted, error) {
	for _, p := range w.people {
		if code := m.Params["code"]; code != "" && m.To == "+86"+p.number {
			select {
			case p.codes <- code:
			default: // an old code that is no longer awaited
			}
		}
	}
	return sms.Accepted{Provider: "network"}, nil
}

// run breaks things for a while, and then looks: directly, without the proxy.
func run(ctx context.Context, c counts, d time.Duration, direct, through *databases.Database, breakIt func() error) (_ counts, err error) {
	w := &world{counts: c}
	store, err := through.Open(ctx, 8)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, store.DB().Close()) }()
	if err := w.prepare(ctx, store); err != nil {
		return c, err
	}
	running, stop := context.WithCancel(ctx)
	delivered := make(chan error, 1)
	go func() { delivered <- w.svc.Run(running) }()
	working, rest := context.WithTimeout(ctx, d)
	defer rest()
	var wg sync.WaitGroup
	for _, p := range w.people {
		wg.Go(func() {
			for n := 1; working.Err() == nil; n++ {
				w.reset(working, p, n)
			}
		})
	}
	for working.Err() == nil && err == nil {
		err = breakIt()
		w.counts.faults++
	}
	rest()
	wg.Wait()
	if err == nil {
		err = w.recover(ctx)
	}
	stop()
	err = errors.Join(err, <-delivered)
	if err == nil {
		err = w.check(ctx, direct)
	}
	return w.counts, errors.Join(err, w.counts.err())
}

func (w *world) prepare(ctx context.Context, store *bunstore.Store) (err error) {
	cfg := identity.Config{
		Store: store, SMS: w, Secret: identity.NewSecret("a secret for cutting networks, 40 bytes!"), HashQueue: 100,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), AnswerStep: -1, Limits: identity.LimitPolicy{LiveCodes: 10},
	}
	identitytest.Lift(&cfg)
	w.svc, err = identity.New(cfg)
	if err != nil {
		return err
	}
	if err := w.svc.RegisterClient(ctx, identity.Client{ID: workload.ClientID}); err != nil {
		return err
	}
	for i := range people {
		p := &person{number: workload.Number(i), password: fmt.Sprintf("violet-Harbor-%d-0", i), codes: make(chan string, 1)}
		if _, err := w.svc.CreateUser(ctx, identity.NewUser{Mobile: p.number, Verified: true, Password: identity.NewSecret(p.password)}); err != nil {
			return err
		}
		w.people = append(w.people, p)
	}
	return nil
}

func (w *world) count(n *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*n++
}

// reset is one whole reset, as far as it gets.
func (w *world) reset(ctx context.Context, p *person, n int) bool {
	if p.possible != "" && !w.resolve(ctx, p) {
		w.count(&w.counts.failed)
		return false
	}
	select {
	case <-p.codes: // of a send before
	default:
	}
	call, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := w.svc.SendVerifyCode(call, identity.SendRequest{Caller: workload.Caller(), Mobile: p.number, Purpose: identity.PurposeForgotPassword}); err != nil {
		w.count(&w.counts.failed)
		return false
	}
	w.count(&w.counts.sends)
	var code string
	select {
	case code = <-p.codes:
	case <-call.Done():
		return false
	case <-time.After(5 * time.Second):
		return false // delivery waits for a lease that a fault has left
	}
	password := fmt.Sprintf("violet-Harbor-%s-%d", p.number[len(p.number)-1:], n)
	err := w.svc.ResetByMobile(call, identity.ResetRequest{Caller: workload.Caller(), Mobile: p.number,
		Code: identity.NewSecret(code), Password: identity.NewSecret(password)})
	switch {
	case err == nil:
		p.password = password
		p.resets++
		w.count(&w.counts.resets)
		return true
	case errors.Is(err, identity.ErrCodeRefused):
		w.count(&w.counts.failed)
	default:
		p.possible = password
		w.count(&w.counts.unanswered)
	}
	return false
}

// resolve finds out which of two passwords is the stored one.
func (w *world) resolve(ctx context.Context, p *person) bool {
	u, err := w.svc.UserByMobile(ctx, "", p.number)
	if err != nil {
		return false
	}
	w.settle(p, u)
	return true
}

func (w *world) settle(p *person, u identity.User) {
	is := func(password string) bool {
		ok, err := argon2id.ComparePasswordAndHash(password, u.PasswordHash)
		return err == nil && ok
	}
	switch {
	case p.possible != "" && is(p.possible):
		p.password, p.possible = p.possible, ""
		p.resets++
		w.count(&w.counts.done)
	case is(p.password):
		p.possible = ""
	default:
		w.count(&w.counts.lost)
		p.possible = ""
	}
}

// recover waits until each person has done a whole reset after the last fault.
func (w *world) recover(ctx context.Context) error {
	for _, p := range w.people {
		deadline := time.Now().Add(time.Minute)
		for n := 1_000_000; !w.reset(ctx, p, n); n++ {
			if time.Now().After(deadline) {
				w.counts.unrecovered++
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	return nil
}

// check compares what the people know with what is stored.
func (w *world) check(ctx context.Context, direct *databases.Database) error {
	store, err := direct.Open(ctx, 2)
	if err != nil {
		return err
	}
	defer func() { _ = store.DB().Close() }()
	of, total := map[string]int{}, 0
	for after := ""; ; {
		events, err := store.Events(ctx, audit.Query{AfterID: after, Max: 10_000})
		if err != nil {
			return err
		}
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			after = e.ID
			if e.Type == audit.PasswordReset {
				of[e.UserID]++
				total++
			}
		}
	}
	for _, p := range w.people {
		u, err := store.UserByMobile(ctx, "", "+86"+p.number)
		if err != nil {
			return err
		}
		w.settle(p, u)
		if of[u.ID] != p.resets {
			w.counts.half++
		}
	}
	var used int
	if err := store.DB().DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM rekey_codes WHERE used_at > 0").Scan(&used); err != nil {
		return err
	}
	if used != total {
		w.counts.half++ // codes live for five minutes: none was purged in a run shorter than that
	}
	return nil
}
