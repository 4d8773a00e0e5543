package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/servers"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// This is a small run. CONTRIBUTING.md describes the large run.
func TestHistories(t *testing.T) {
	t.Parallel()
	for _, engine := range append([]string{"memory", "galera"}, databases.Engines...) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			counts, err := run(t.Context(), engine, 10)
			if errors.Is(err, databases.ErrNoServer) || errors.Is(err, servers.ErrNoProgram) {
				t.Skip(err)
			}
			if err != nil || counts.redeemed == 0 || counts.spent == 0 {
				t.Errorf("%v: %v", counts, err)
			}
			t.Log(counts)
		})
	}
}

// checkThenAct checks whether a code is used, and then marks it used. Two callers may
// pass the check.
type checkThenAct struct {
	*memory.Store
	mu   sync.Mutex
	used map[string]bool
}

func (s *checkThenAct) RedeemCode(ctx context.Context, r identity.Redemption) error {
	s.mu.Lock()
	used := s.used[r.CodeID]
	s.mu.Unlock()
	if used {
		return identity.ErrCodeSpent
	}
	time.Sleep(time.Millisecond)
	_ = s.Store.RedeemCode(ctx, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[r.CodeID] = true
	return nil
}

// lostUpdates counts an attempt, and another call overwrites the count with an old
// value.
type lostUpdates struct{ *memory.Store }

func (s lostUpdates) ChargeAttempt(ctx context.Context, a identity.Attempt) (identity.ChargedAttempt, error) {
	charged, err := s.Store.ChargeAttempt(ctx, a)
	if len(charged.Codes) > 1 {
		_ = s.Store.ReleaseAttempt(ctx, identity.Release{CodeIDs: []string{charged.Codes[0].ID}})
	}
	return charged, err
}

// The checker finds stores that have one of these faults.
func TestBrokenStoresAreFound(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func() identity.Storage{
		"check, then act": func() identity.Storage { return &checkThenAct{Store: memory.New(), used: map[string]bool{}} },
		"lost updates":    func() identity.Storage { return lostUpdates{memory.New()} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := counts{engine: name}
			for c.illegal == 0 && c.histories < 200 {
				s := open()
				calls, err := record(t.Context(), []identity.Storage{s, s})
				if err != nil {
					t.Fatal(err)
				}
				c.add(calls)
			}
			if c.illegal == 0 {
				t.Errorf("not found: %v", c)
			}
		})
	}
}
