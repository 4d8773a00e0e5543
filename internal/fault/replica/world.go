package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
	"github.com/seed-16109ab2/rekey/sms/console"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// workers is how many workers reset passwords at the same time, each for one person.
const workers = 6

// reset is a reset that was acknowledged, or whose answer was lost.
type reset struct {
	at             time.Time // the time of the answer; zero if it was lost
	password, code string
}

// person is a user. The first of the resets is the one that was stored at the last
// check.
type person struct {
	number string
	resets []reset
	used   []string // codes that a restored database knows as used
}

type world struct {
	machine *machine
	within  time.Duration
	people  []*person

	refusal atomic.Int64 // the status of the last reset

	mu     sync.Mutex
	counts counts
}

func (w *world) count(n *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*n++
}

func (w *world) populate(ctx context.Context) (err error) {
	store, err := sqlite.Open(ctx, w.machine.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	svc, err := identity.New(identity.Config{Store: store, SMS: console.New(os.Stdout), Secret: identity.NewSecret(secret)})
	if err != nil {
		return err
	}
	if err := svc.RegisterClient(ctx, identity.Client{ID: workload.ClientID}); err != nil {
		return err
	}
	for i := range workers {
		p := &person{number: workload.Number(i), resets: []reset{{password: fmt.Sprintf("violet-Harbor-%d-0", i)}}}
		if _, err := svc.CreateUser(ctx, identity.NewUser{Mobile: p.number, Verified: true, Password: identity.NewSecret(p.resets[0].password)}); err != nil {
			return err
		}
		w.people = append(w.people, p)
	}
	return nil
}

// round lets all workers run, loses the machine, and restores it.
func (w *world) round(ctx context.Context) error {
	m := w.machine
	before := w.counts.resets
	if err := errors.Join(m.start(ctx), m.copy(ctx)); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	for _, p := range w.people {
		wg.Go(func() { w.work(working, p) })
	}
	pause := func() {
		select {
		case <-ctx.Done():
		case <-time.After(4*time.Second + rand.N(4*time.Second)):
		}
	}
	pause()
	switch w.counts.rounds % 3 {
	case 1: // the server ends regularly while Litestream runs, and starts again
		if err := errors.Join(m.end(syscall.SIGTERM), m.start(ctx)); err != nil {
			return err
		}
		pause()
	case 2: // while Litestream is stopped, the last process to close the database removes the log
		m.endCopy()
		if err := errors.Join(m.end(syscall.SIGTERM), m.start(ctx), m.copy(ctx)); err != nil {
			return err
		}
		pause()
		pause()
	}
	killed := time.Now()
	if log, err := os.Stat(m.db + "-wal"); err == nil {
		w.counts.biggestLog = max(w.counts.biggestLog, log.Size())
	}
	m.endCopy()
	_ = m.end(syscall.SIGKILL)
	stop()
	wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if w.counts.resets == before {
		return fmt.Errorf("no reset was possible; the last refusal was %d", w.refusal.Load())
	}
	if err := errors.Join(os.RemoveAll(m.folder), os.MkdirAll(m.folder, 0o700), m.restore(ctx)); err != nil {
		return err
	}
	return w.check(ctx, killed)
}

// check compares the restored database with what was acknowledged.
func (w *world) check(ctx context.Context, killed time.Time) (err error) {
	leftovers, err := filepath.Glob(w.machine.db + "*")
	if err != nil || len(leftovers) != 1 {
		return fmt.Errorf("the restored folder has %v: %w", leftovers, err)
	}
	store, err := sqlite.Open(ctx, w.machine.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var verdict string
	if err := store.DB().DB.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		w.counts.bad++
	}
	for _, p := range w.people {
		u, err := store.UserByMobile(ctx, "", "+86"+p.number)
		if err != nil {
			return err
		}
		if err := w.settle(p, u.PasswordHash, killed); err != nil {
			return err
		}
	}
	return nil
}

// settle finds the last reset of a person that the restored database holds.
func (w *world) settle(p *person, hash string, killed time.Time) error {
	last := len(p.resets) - 1
	for ; last >= 0; last-- {
		same, err := argon2id.ComparePasswordAndHash(p.resets[last].password, hash)
		if err != nil {
			return err
		}
		if same {
			break
		}
	}
	if last < 0 {
		w.counts.half++
		return nil
	}
	for _, r := range p.resets[last+1:] {
		if r.at.IsZero() {
			continue
		}
		age := killed.Sub(r.at)
		w.counts.oldest = max(w.counts.oldest, age)
		if age > w.within {
			w.counts.lost++
		} else {
			w.counts.recent++
		}
	}
	for _, r := range p.resets[1 : last+1] {
		if !r.at.IsZero() {
			p.used = append(p.used, r.code)
		}
	}
	p.resets = []reset{p.resets[last]}
	return nil
}
