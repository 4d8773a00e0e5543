package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

// person resets a password again and again.
type person struct {
	number, password string
	possible         *attempt // a reset whose answer was lost
	resets           int
	used             []string // codes that were used, and not tried again yet
	codes            chan string
	began            time.Time // of the last whole reset; guarded by the world's mutex
}

type attempt struct{ password, code string }

// work resets, each step at any of our servers, and now and then tries a used
// code again.
func (w *world) work(ctx context.Context, p *person) {
	for n := 1; ctx.Err() == nil; n++ {
		began := time.Now()
		w.replay(ctx, p, 2) // so that some are from before a failover
		if w.reset(ctx, p, n) {
			w.mu.Lock()
			p.began = began
			w.mu.Unlock()
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (w *world) any() *identity.Service { return w.services[rand.IntN(ours)] }

// reset is one whole reset, as far as it gets.
func (w *world) reset(ctx context.Context, p *person, n int) bool {
	if p.possible != nil {
		u, err := w.any().UserByMobile(ctx, "", p.number)
		if err != nil {
			w.count(&w.counts.failed)
			return false
		}
		w.settle(p, u)
	}
	select {
	case <-p.codes: // of a send before
	default:
	}
	call, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := w.any().SendVerifyCode(call, identity.SendRequest{Caller: workload.Caller(), Mobile: p.number, Purpose: identity.PurposeForgotPassword}); err != nil {
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
		return false // it waits for a lease that a failure has left
	}
	password := fmt.Sprintf("violet-Harbor-%s-%d", p.number[len(p.number)-1:], n)
	switch err := w.redeem(call, p, code, password); {
	case err == nil:
		p.password, p.used = password, append(p.used, code)
		p.resets++
		w.count(&w.counts.resets)
		return true
	case errors.Is(err, identity.ErrCodeRefused): // of a send before
		w.count(&w.counts.failed)
	default:
		p.possible = &attempt{password, code}
		w.count(&w.counts.unanswered)
	}
	return false
}

func (w *world) redeem(ctx context.Context, p *person, code, password string) error {
	err := w.any().ResetByMobile(ctx, identity.ResetRequest{Caller: workload.Caller(), Mobile: p.number,
		Code: identity.NewSecret(code), Password: identity.NewSecret(password)})
	return err
}

// replay tries used codes again, except for the newest.
func (w *world) replay(ctx context.Context, p *person, keep int) {
	for len(p.used) > keep {
		password := "granite-Willow-58"
		err := w.redeem(ctx, p, p.used[0], password)
		switch {
		case err == nil:
			w.count(&w.counts.revived)
			p.password = password
			p.resets++
		case !errors.Is(err, identity.ErrCodeRefused):
			return // not now
		}
		p.used = p.used[1:]
		w.count(&w.counts.replays)
	}
}

// settle finds out which of two passwords is the stored one.
func (w *world) settle(p *person, u identity.User) {
	is := func(password string) bool {
		ok, err := argon2id.ComparePasswordAndHash(password, u.PasswordHash)
		return err == nil && ok
	}
	possible := p.possible
	p.possible = nil
	switch {
	case possible != nil && is(possible.password):
		p.password, p.used = possible.password, append(p.used, possible.code)
		p.resets++
		w.count(&w.counts.done)
	case !is(p.password):
		w.count(&w.counts.lost)
	}
}
