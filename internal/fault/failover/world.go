package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

const (
	people   = 4
	ours     = 3 // servers of the service
	recovery = 30 * time.Second
)

// world is our servers, the people who use them, and what must hold.
type world struct {
	stores   []*bunstore.Store
	services []*identity.Service
	people   []*person
	spender  spender

	mu      sync.Mutex
	counts  counts
	notices map[string]map[string]bool // ids of notices that arrived, by number
}

// run loses and replaces servers of the cluster that many times, and removes it.
func run(ctx context.Context, engine string, c cluster, failovers int) (_ counts, err error) {
	w := &world{counts: counts{engine: engine}, notices: map[string]map[string]bool{}}
	defer c.remove()
	defer func() {
		for _, s := range w.stores {
			err = errors.Join(err, s.DB().Close())
		}
	}()
	if err := w.populate(ctx, c); err != nil {
		return w.counts, err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	var wg, delivering sync.WaitGroup
	for _, svc := range w.services {
		delivering.Go(func() { _ = svc.Run(running) })
	}
	working, rest := context.WithCancel(ctx)
	defer rest()
	for _, p := range w.people {
		wg.Go(func() { w.work(working, p) })
	}
	wg.Go(func() { w.spend(working) })
	for range failovers {
		if err = w.failover(ctx, c); err != nil {
			break
		}
	}
	rest()
	wg.Wait()
	if err == nil {
		err = w.end(ctx)
	}
	stop()
	delivering.Wait()
	return w.counts, errors.Join(err, w.counts.err())
}

func (w *world) populate(ctx context.Context, c cluster) error {
	for i := range ours {
		store, err := c.open(ctx, i)
		if err != nil {
			return err
		}
		cfg := identity.Config{
			Store: store, SMS: w, Secret: identity.NewSecret("a secret for losing machines, 40 bytes!!"), HashQueue: 100,
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), AnswerStep: -1, Limits: identity.LimitPolicy{LiveCodes: 10},
		}
		identitytest.Lift(&cfg)
		svc, err := identity.New(cfg)
		if err != nil {
			return err
		}
		w.stores, w.services = append(w.stores, store), append(w.services, svc)
	}
	if err := w.services[0].RegisterClient(ctx, identity.Client{ID: workload.ClientID}); err != nil {
		return err
	}
	for i := range people {
		p := &person{number: workload.Number(i), password: fmt.Sprintf("violet-Harbor-%d-0", i), codes: make(chan string, 1)}
		if _, err := w.services[i%ours].CreateUser(ctx, identity.NewUser{Mobile: p.number, Verified: true, Password: identity.NewSecret(p.password)}); err != nil {
			return err
		}
		w.people = append(w.people, p)
	}
	return nil
}

// failover loses a database server while all people are at work, and waits until each of
// them has done a whole reset that began after that.
func (w *world) failover(ctx context.Context, c cluster) error {
	w.allActed(ctx, time.Now(), recovery)
	gone := time.Now()
	if err := c.lose(ctx); err != nil {
		return err
	}
	whole := w.allActed(ctx, gone, 2*recovery)
	took := time.Since(gone)
	if !whole || took > recovery {
		w.count(&w.counts.late)
	}
	w.mu.Lock()
	w.counts.slowest = max(w.counts.slowest, took)
	w.counts.failovers++
	w.mu.Unlock()
	return c.replace(ctx)
}

// allActed waits until each person, and the spender, has done something whole
// that began after that time.
func (w *world) allActed(ctx context.Context, after time.Time, within time.Duration) bool {
	whole := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, p := range w.people {
			if p.began.Before(after) {
				return false
			}
		}
		return w.spender.began.After(after)
	}
	for deadline := time.Now().Add(within); !whole(); time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil || time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func (w *world) count(n *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*n++
}

// Send implements sms.Sender: it is the telephone of all people.
func (w *world) Send(_ context.Context, m sms.Message) (sms.Accepted, error) {
	for _, p := range w.people {
		if m.To != "+86"+p.number {
			continue
		}
		if code := m.Params["code"]; code != "" {
			select {
			case p.codes <- code:
			default: // an old code that is no longer awaited
			}
			continue
		}
		w.mu.Lock()
		if w.notices[p.number] == nil {
			w.notices[p.number] = map[string]bool{}
		}
		w.notices[p.number][m.ID] = true
		w.mu.Unlock()
	}
	return sms.Accepted{Provider: "failover"}, nil
}
