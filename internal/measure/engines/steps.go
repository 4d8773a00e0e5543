package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// work is the storage's part of each step, for another number each time, with
// the limits that all callers share among them.
type work struct{}

func (work) bare(ctx context.Context, s *bunstore.Store) error {
	mark := "?"
	if s.DB().Dialect().Name() == dialect.PG {
		mark = "$1"
	}
	_, err := s.DB().DB.ExecContext(ctx, "INSERT INTO bare (id) VALUES ("+mark+")", id())
	return err
}

// shards are as many as the service spreads a shared counter over.
const shards = 8

// limits are as many as the service charges for a send or a guess: the number's
// own, the network's, and for a guess the one that all share, spread over shards.
func limits(what, number string, shared bool) []limit.Limit {
	rules := []limit.Rule{{Name: what, Rates: []limit.Rate{{Limit: 1 << 20, Per: time.Minute}}}}
	limits := []limit.Limit{
		{Key: limit.Key(what + "." + number), Rules: rules},
		{Key: limit.Key(what + ".network." + number), Rules: rules},
	}
	if shared {
		limits = append(limits, limit.Limit{Key: limit.Key(what + ".total"), Rules: rules, Shards: shards, Shard: int(number[0]) % shards})
	}
	return limits
}

func issue(now time.Time, number string) identity.CodeIssue {
	key := sha256.Sum256([]byte(number))
	return identity.CodeIssue{
		Now: now, Charges: limits("send", number, false), Replace: true, KeepLive: 3,
		Code:     identity.VerifyCode{ID: id(), Binding: key[:], NumberKey: key[:], Digest: key[:], KeyID: "k", MaxAttempts: 5, CreatedAt: now, ExpiresAt: now.Add(5 * time.Minute)},
		Messages: []outbox.Message{message(outbox.LaneCode, now, 5*time.Minute)},
		Event:    audit.Event{ID: id(), At: now, Type: audit.CodeSent, Agent: "engines"},
	}
}

func message(lane outbox.Lane, now time.Time, life time.Duration) outbox.Message {
	return outbox.Message{ID: id(), Lane: lane, KeyID: "k", Sealed: make([]byte, 400), State: outbox.Pending,
		CreatedAt: now, NextAt: now, ExpiresAt: now.Add(life)}
}

func (work) send(ctx context.Context, s *bunstore.Store) error {
	_, err := s.IssueCode(ctx, issue(time.Now(), id()))
	return err
}

func (work) guess(ctx context.Context, s *bunstore.Store) error {
	number := id()
	key := sha256.Sum256([]byte(number))
	_, err := s.ChargeAttempt(ctx, identity.Attempt{Now: time.Now(), Binding: key[:], NumberKey: key[:], Charges: limits("guess", number, true)})
	return err
}

// reset is all of it: the user, the code, the guess and the redemption.
func (work) reset(ctx context.Context, s *bunstore.Store) error {
	now, number := time.Now(), id()
	user := identity.User{ID: number, Mobile: "+86" + number[:12], PasswordHash: "old", CreatedAt: now}
	send := issue(now, number)
	guesses := limits("guess", number, true)
	var changes []limit.Change
	for _, l := range guesses {
		changes = append(changes, limit.Change{Limit: l, SpentAt: now})
	}
	_, sendErr := s.IssueCode(ctx, send)
	charged, chargeErr := s.ChargeAttempt(ctx, identity.Attempt{Now: now, Binding: send.Code.Binding, NumberKey: send.Code.NumberKey, Charges: guesses})
	if err := errors.Join(s.CreateUser(ctx, user), sendErr, chargeErr); err != nil {
		return err
	}
	if len(charged.Codes) != 1 {
		return fmt.Errorf("%d codes, want 1", len(charged.Codes))
	}
	return s.RedeemCode(ctx, identity.Redemption{
		Now: now, CodeID: send.Code.ID, NumberKey: send.Code.NumberKey, Changes: changes,
		Password: &identity.PasswordChange{UserID: user.ID, OldHash: "old", NewHash: "new", ChangedAt: now},
		Event:    audit.Event{ID: id(), At: now, Type: audit.PasswordReset},
		Messages: []outbox.Message{message(outbox.LaneNotice, now, time.Hour)},
	})
}
