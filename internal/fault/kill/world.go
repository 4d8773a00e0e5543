package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// workers is how many people reset their passwords at the same time.
const workers = 6

// person is the world's knowledge of one user.
type person struct {
	number   string
	password string // the last one known to be stored
	resets   int    // as far as they are known
	spare    string // a code that arrived and was not used
	used     []string
	touched  bool // since the last check
	// unanswered is a reset that may have been done.
	unanswered *pendingReset
}

type pendingReset struct{ password, code string }

// world is the server, its phone, and what must hold between them.
type world struct {
	counts   counts
	phone    *phone
	server   *server
	database *databases.Database
	people   []*person
	mu       sync.Mutex // of counts and checked
	checked  map[string]bool
}

// open looks at the database from outside.
func (w *world) open(ctx context.Context) (*bunstore.Store, error) { return w.database.Open(ctx, 2) }

func (w *world) populate(ctx context.Context) error {
	store, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.DB().Close() }()
	svc, err := identity.New(identity.Config{Store: store, SMS: noSender{}, Secret: identity.NewSecret(secret)})
	if err != nil {
		return err
	}
	if err := svc.RegisterClient(ctx, identity.Client{ID: workload.ClientID}); err != nil {
		return err
	}
	w.checked = map[string]bool{}
	for i := range workers {
		p := &person{number: workload.Number(i), password: fmt.Sprintf("violet-Harbor-%d-0", i)}
		if _, err := svc.CreateUser(ctx, identity.NewUser{Mobile: p.number, Verified: true, Password: identity.NewSecret(p.password)}); err != nil {
			return err
		}
		w.people = append(w.people, p)
	}
	return nil
}

type noSender struct{}

func (noSender) Send(context.Context, sms.Message) (sms.Accepted, error) {
	return sms.Accepted{}, errors.New("this program sends no messages")
}

// round starts the server, lets all people work for a moment, kills the server, and checks
// the database.
func (w *world) round(ctx context.Context) error {
	began := time.Now()
	if err := w.server.start(ctx); err != nil {
		return err
	}
	w.counts.slowestStart = max(w.counts.slowestStart, time.Since(began))
	working, stop := context.WithCancel(ctx)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	var wg sync.WaitGroup
	for i, p := range w.people {
		wg.Go(func() { w.work(working, client, i, p) })
	}
	time.Sleep(50*time.Millisecond + rand.N(400*time.Millisecond))
	err := w.server.kill()
	stop()
	wg.Wait()
	client.CloseIdleConnections()
	return errors.Join(err, w.check(ctx))
}

// work tries a used code again, and then resets until the server is gone.
func (w *world) work(ctx context.Context, client *http.Client, i int, p *person) {
	w.replay(ctx, client, p)
	for ctx.Err() == nil {
		code := p.spare
		p.spare = ""
		if code == "" {
			if code = w.send(ctx, client, p); code == "" {
				return
			}
		}
		p.touched = true
		password := fmt.Sprintf("violet-Harbor-%d-%d-%d", i, p.resets+1, rand.Uint32())
		status, err := workload.Post(ctx, client, w.server.base+workload.ResetPath, map[string]string{"mobile": p.number, "verify_code": code, "password": password})
		switch {
		case err != nil:
			p.unanswered = &pendingReset{password, code}
			w.count(&w.counts.unanswered)
			return
		case status == http.StatusOK:
			p.password, p.used = password, append(p.used, code)
			p.resets++
			w.count(&w.counts.resets)
		}
		// The code was refused because a later send, whose answer was lost, ended it.
	}
}

func (w *world) count(n *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*n++
}

func (w *world) send(ctx context.Context, client *http.Client, p *person) (code string) {
	inbox := w.phone.inbox(p.number)
	for len(inbox) > 0 {
		<-inbox // codes of earlier sends, some of whose answers were lost
	}
	status, err := workload.Post(ctx, client, w.server.base+workload.SendPath, map[string]string{"mobile": p.number, "type": string(identity.PurposeForgotPassword)})
	if err != nil || status != http.StatusOK {
		return ""
	}
	w.count(&w.counts.sends)
	select {
	case code := <-inbox:
		return code
	case <-ctx.Done():
	case <-time.After(20 * time.Second):
		w.count(&w.counts.stalledSends)
	}
	return ""
}

// replay tries the codes used in the round before.
func (w *world) replay(ctx context.Context, client *http.Client, p *person) {
	for len(p.used) > 0 {
		status, err := workload.Post(ctx, client, w.server.base+workload.ResetPath,
			map[string]string{"mobile": p.number, "verify_code": p.used[0], "password": "granite-Willow-58"})
		if err != nil {
			return // at the next start
		}
		p.used = p.used[1:]
		p.touched = true
		w.count(&w.counts.replays)
		if status == http.StatusOK {
			w.count(&w.counts.revived)
		}
	}
}

// check looks at the database between a kill and the next start.
func (w *world) check(ctx context.Context) error {
	store, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.DB().Close() }()
	resets, err := workload.RecordedResets(ctx, store)
	if err != nil {
		return err
	}
	for _, p := range w.people {
		if !p.touched {
			continue
		}
		p.touched = false
		u, err := store.UserByMobile(ctx, "", "+86"+p.number)
		if err != nil {
			return err
		}
		if err := w.settle(p, u, resets[u.ID]); err != nil {
			return err
		}
	}
	return w.arrivals(ctx, store)
}

// settle decides what became of a reset without an answer, and compares.
func (w *world) settle(p *person, u identity.User, events int) error {
	is := func(password string) (bool, error) { return argon2id.ComparePasswordAndHash(password, u.PasswordHash) }
	old, err := is(p.password)
	if err != nil {
		return err
	}
	done := false
	if pending := p.unanswered; pending != nil {
		p.unanswered = nil
		if done, err = is(pending.password); err != nil {
			return err
		}
		if done {
			p.password, p.used = pending.password, append(p.used, pending.code)
			p.resets++
			w.counts.unansweredDone++
		} else {
			p.spare = pending.code // not used: it may still work
		}
	}
	if !old && !done {
		w.counts.lost++
	}
	if events != p.resets {
		w.counts.half++
		p.resets = events
	}
	return nil
}

// arrivals compares the messages on the phones with the outbox.
func (w *world) arrivals(ctx context.Context, store identity.Outbox) error {
	committed := map[string]bool{}
	for after := ""; ; {
		messages, err := store.MessageStates(ctx, after, 10_000)
		if err != nil {
			return err
		}
		if len(messages) == 0 {
			break
		}
		for _, m := range messages {
			after, committed[m.ID] = m.ID, true
		}
	}
	w.phone.mu.Lock()
	defer w.phone.mu.Unlock()
	w.counts.arrived, w.counts.repeats = len(w.phone.seen), 0
	for id, times := range w.phone.seen {
		w.counts.repeats += times - 1
		if !committed[id] && !w.checked[id] {
			w.counts.unknown++
			w.checked[id] = true
		}
	}
	return nil
}

// end lets the server deliver what is queued, and counts the notices: one for
// each reset, each at least once.
func (w *world) end(ctx context.Context) error {
	if err := w.server.start(ctx); err != nil {
		return err
	}
	complete := func() bool {
		w.phone.mu.Lock()
		defer w.phone.mu.Unlock()
		for _, p := range w.people {
			if len(w.phone.notices[p.number]) != p.resets {
				return false
			}
		}
		return true
	}
	// Longer than a lease that a killed server has left.
	for deadline := time.Now().Add(2 * time.Minute); !complete() && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
	}
	if !complete() {
		w.counts.half++
	}
	if err := w.server.kill(); err != nil {
		return err
	}
	return w.check(ctx)
}
