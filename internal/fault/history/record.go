package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

const (
	goroutines = 8
	callsEach  = 8
)

var (
	now     = time.UnixMilli(1_700_000_000_000).UTC()
	binding = bytes.Repeat([]byte{1}, 32)
	number  = bytes.Repeat([]byte{2}, 32)
	sends   = limit.Limit{Key: "sends", Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: 1000, Per: 24 * time.Hour}}}}}
	perDay  = limit.Limit{Key: "number", Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: budget, Per: 24 * time.Hour}}}}}
)

// recorder makes calls and writes down when each began and ended.
type recorder struct {
	stores []identity.Storage
	start  time.Time
	issued atomic.Int64
	ids    atomic.Int64

	mu    sync.Mutex
	calls []porcupine.Operation
	known []int // codes that a goroutine has seen
}

// record returns the history of many goroutines at work on one number.
func record(ctx context.Context, stores []identity.Storage) ([]porcupine.Operation, error) {
	r := &recorder{stores: stores, start: time.Now()}
	errs := make([]error, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for range callsEach {
				if errs[g] = r.call(ctx, g, r.pick()); errs[g] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return r.calls, errors.Join(errs...)
}

func (r *recorder) pick() input {
	r.mu.Lock()
	known := slices.Clone(r.known)
	r.mu.Unlock()
	switch n := rand.IntN(10); {
	case n < 3 || len(known) == 0:
		return input{issue, int(r.issued.Add(1))}
	case n < 7:
		return input{kind: charge}
	case n < 8:
		return input{release, known[rand.IntN(len(known))]}
	default:
		return input{redeem, known[len(known)-1-rand.IntN(min(3, len(known)))]}
	}
}

func (r *recorder) call(ctx context.Context, g int, in input) error {
	store := r.stores[g%len(r.stores)]
	began := time.Since(r.start)
	codes, err := r.do(ctx, store, in)
	ended := time.Since(r.start)
	_, limited := errors.AsType[*limit.Error](err)
	out := output{refused: limited || errors.Is(err, identity.ErrCodeSpent), codes: display(codes)}
	if err != nil && !out.refused {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, porcupine.Operation{ClientId: g, Input: in, Call: int64(began), Output: out, Return: int64(ended)})
	if in.kind == issue {
		r.known = append(r.known, in.code)
	}
	return nil
}

func (r *recorder) do(ctx context.Context, s identity.Storage, in input) ([]seen, error) {
	id := func(what string) string { return fmt.Sprintf("%s-%d", what, r.ids.Add(1)) }
	switch in.kind {
	case issue:
		created := now.Add(time.Duration(in.code) * time.Millisecond)
		_, err := s.IssueCode(ctx, identity.CodeIssue{
			Now: now, KeepLive: keepLive, Charges: []limit.Limit{sends},
			Code: identity.VerifyCode{ID: strconv.Itoa(in.code), Binding: binding, NumberKey: number, Digest: []byte("digest"), KeyID: "k",
				MaxAttempts: maxAttempts, CreatedAt: created, ExpiresAt: now.Add(time.Hour)},
			Messages: []outbox.Message{{ID: id("message"), Lane: outbox.LaneCode, State: outbox.Pending, CreatedAt: now, NextAt: now, ExpiresAt: now.Add(time.Hour)}},
			Event:    audit.Event{ID: id("event"), At: now},
		})
		return nil, err
	case charge:
		charged, err := s.ChargeAttempt(ctx, identity.Attempt{Now: now, Binding: binding, NumberKey: number, Charges: []limit.Limit{perDay}})
		var codes []seen
		for _, c := range charged.Codes {
			n, err := strconv.Atoi(c.ID)
			if err != nil {
				return nil, err
			}
			codes = append(codes, seen{n, c.Attempts})
		}
		return codes, err
	case release:
		return nil, s.ReleaseAttempt(ctx, identity.Release{Now: now, NumberKey: number, CodeIDs: []string{strconv.Itoa(in.code)},
			Changes: []limit.Change{{Limit: perDay, SpentAt: now}}})
	default:
		return nil, s.RedeemCode(ctx, identity.Redemption{Now: now, CodeID: strconv.Itoa(in.code), NumberKey: number,
			Event: audit.Event{ID: id("event"), At: now}})
	}
}
