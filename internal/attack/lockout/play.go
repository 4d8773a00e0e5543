package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// tally counts the tries and refusals of one thing that an owner does.
type tally struct {
	tries, refused int
	longest        time.Duration
	since          time.Time // the first of consecutive refusals
}

func (t *tally) note(now time.Time, refused bool) {
	t.tries++
	if !refused {
		t.since = time.Time{}
		return
	}
	t.refused++
	if t.since.IsZero() {
		t.since = now
	}
}

// passed records how long the refusals have lasted.
func (t *tally) passed(now time.Time) {
	if !t.since.IsZero() {
		t.longest = max(t.longest, now.Sub(t.since))
	}
}

func (t *tally) String() string {
	if t.tries == 0 {
		return "not tried"
	}
	if t.refused == 0 {
		return "never"
	}
	return fmt.Sprintf("%s, %.0f %%", t.longest, 100*float64(t.refused)/float64(t.tries))
}

// owner wants to sign in, and to reset the password, every six hours, and tries
// again at each step until both are done.
type owner struct {
	sends, resets, logins *tally
	device                func(need int) (device string, network int)
	need                  int
	next                  time.Time // of the next need
	signedIn, wasReset    bool
}

const needs = 6 * time.Hour

// act tries what the owner needs now. It calls between after asking for a code and before
// using it.
func (o *owner) act(ctx context.Context, w *world, between func()) error {
	now := w.clock.Now()
	for _, t := range []*tally{o.sends, o.resets, o.logins} {
		t.passed(now)
	}
	if now.Before(o.next) {
		return nil
	}
	device, network := o.device(o.need)
	c := caller(device, network, ownersLanguage)
	if !o.wasReset {
		if err := o.reset(ctx, w, c, between); err != nil {
			return err
		}
	}
	if !o.signedIn {
		c.Device += "-2" // use a new device, because the reset made this one known
		if device, _ := o.device(o.need + 1); device == c.Device[:len(c.Device)-2] {
			c.Device = device // this owner uses the known device anyway
		}
		err := w.signIn(ctx, c, password)
		if o.logins.note(now, limited(err)); err != nil && !limited(err) {
			return fmt.Errorf("the owner signs in: %w", err)
		}
		o.signedIn = err == nil
	}
	if o.signedIn && o.wasReset {
		o.need, o.next, o.signedIn, o.wasReset = o.need+1, now.Add(needs), false, false
	}
	return nil
}

// reset asks for a code and uses it.
func (o *owner) reset(ctx context.Context, w *world, c identity.Caller, between func()) error {
	now := w.clock.Now()
	err := w.ask(ctx, c, number)
	if o.sends.note(now, limited(err)); limited(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the owner asks for a code: %w", err)
	}
	between()
	code, err := w.code(ctx, ownersLanguage, number)
	if err != nil {
		return err
	}
	if code == "" { // the budget refused it
		o.resets.note(now, true)
		return nil
	}
	err = w.enter(ctx, c, number, code)
	if o.resets.note(now, err != nil); err != nil && !limited(err) && !errors.Is(err, identity.ErrCodeRefused) {
		return fmt.Errorf("the owner resets: %w", err)
	}
	o.wasReset = err == nil
	return nil
}

// result is the outcome of one attack. The counts are those of the worst day.
type result struct {
	owners                [2]*owner // known device, new device
	paid, guesses, logins int
}

// play lets an attacker with that many networks strike again and again.
func play(ctx context.Context, networks int, d, step time.Duration) (r result, err error) {
	w, err := newWorld(ctx, newClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	if _, err := w.CreateUser(ctx, identity.NewUser{Mobile: number, Verified: true, Password: identity.NewSecret(password)}); err != nil {
		return r, err
	}
	start := w.clock.Now()
	// The known device moves between networks. Each need of the new one is another
	// device on another network.
	known := func(need int) (string, int) { return "phone", 1000 + need }
	fresh := func(need int) (string, int) { return fmt.Sprint("new-", need), 1500 + need }
	for i, device := range []func(int) (string, int){known, fresh} {
		r.owners[i] = &owner{
			sends: &tally{}, resets: &tally{}, logins: &tally{}, device: device,
			next: start.Add(time.Hour + time.Duration(i)*needs/2),
		}
	}
	device, network := known(0)
	if err := w.signIn(ctx, caller(device, network, ownersLanguage), password); err != nil {
		return r, err
	}
	for w.clock.Now().Before(start.Add(d)) {
		w.strike(ctx, networks)
		for _, o := range r.owners {
			if err := o.act(ctx, w, func() { w.strike(ctx, networks) }); err != nil {
				return r, err
			}
		}
		if err := w.settle(ctx); err != nil {
			return r, err
		}
		w.clock.Advance(step)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r.paid, r.guesses, r.logins = most(w.paid), most(w.judged["reset.refused/wrong code"]), most(w.judged["login.refused/wrong password"])
	return r, nil
}
