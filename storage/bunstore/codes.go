package bunstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

const codeColumns = "id, binding, number_key, digest, key_id, attempts, max_attempts, created_at, expires_at, used_at, ended_at"

// providerColumn is the provider that took a code's message, by the message's primary
// key. FOR UPDATE does not lock the rows of such a subquery.
const providerColumn = "COALESCE((SELECT m.provider FROM rekey_messages m WHERE m.id = rekey_codes.id), '') AS provider"

// live is the condition of identity.VerifyCode.Live; its parameter is now.
const live = "used_at = 0 AND ended_at = 0 AND expires_at > ? AND attempts < max_attempts"

type codeRow struct {
	ID          string `bun:"id"`
	Binding     []byte `bun:"binding"`
	NumberKey   []byte `bun:"number_key"`
	Digest      []byte `bun:"digest"`
	KeyID       string `bun:"key_id"`
	Attempts    int    `bun:"attempts"`
	MaxAttempts int    `bun:"max_attempts"`
	CreatedAt   int64  `bun:"created_at"`
	ExpiresAt   int64  `bun:"expires_at"`
	UsedAt      int64  `bun:"used_at"`
	EndedAt     int64  `bun:"ended_at"`
	Provider    string `bun:"provider"` // of the message, only where it is selected
}

func (r codeRow) code() identity.VerifyCode {
	return identity.VerifyCode{
		ID: r.ID, Binding: r.Binding, NumberKey: r.NumberKey, Digest: r.Digest, KeyID: r.KeyID, Attempts: r.Attempts,
		MaxAttempts: r.MaxAttempts, CreatedAt: fromMillis(r.CreatedAt), ExpiresAt: fromMillis(r.ExpiresAt),
		UsedAt: fromMillis(r.UsedAt), EndedAt: fromMillis(r.EndedAt), Provider: r.Provider,
	}
}

type idRow struct {
	ID string `bun:"id"`
}

// lockNumber makes the transactions of one number run one after the other. On
// PostgreSQL a SELECT FOR UPDATE is not enough: the transaction that it waited for
// may have ended the code in its snapshot and added one that the snapshot lacks.
func (t *tx) lockNumber(numberKey []byte, now time.Time) error {
	return t.lockNumbers([][]byte{numberKey}, now)
}

// lockNumbers locks several numbers, in the order of their locks.
func (t *tx) lockNumbers(numberKeys [][]byte, now time.Time) error {
	if t.engine.galera {
		for _, key := range slices.SortedFunc(slices.Values(numberKeys), bytes.Compare) {
			if err := t.lockNumberAcross(key, millis(now)); err != nil {
				return err
			}
		}
		return nil
	}
	if t.engine.lockNumber == "" {
		return nil
	}
	locks := make([]int64, len(numberKeys))
	for i, numberKey := range numberKeys {
		key := sha256.Sum256(numberKey) // part of the statement; two numbers with one key only wait for each other
		locks[i] = int64(binary.BigEndian.Uint64(key[:8]))
	}
	slices.Sort(locks)
	locks = slices.Compact(locks)
	if own, ok := t.conn.(locker); ok {
		return own.lock(t.ctx, locks...)
	}
	for _, lock := range locks {
		if _, err := t.exec(t.engine.lockNumber, lock); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseAttempt implements [identity.VerifyCodes].
func (s *Store) ReleaseAttempt(ctx context.Context, r identity.Release) error {
	err := s.inTx(ctx, func(t *tx) error {
		if len(r.CodeIDs) > 0 {
			if err := t.lockNumber(r.NumberKey, r.Now); err != nil {
				return err
			}
			ids := make([]any, len(r.CodeIDs))
			for i, id := range r.CodeIDs {
				ids[i] = id
			}
			if err := t.later(nil, "UPDATE rekey_codes SET attempts = attempts - 1 WHERE attempts > 0 AND id IN ("+marks(len(ids))+")", ids...); err != nil {
				return err
			}
		}
		return t.change(r.Changes, r.Now)
	})
	return wrap("release attempt", err)
}

// clientServes checks that a client exists and is enabled, and locks it in this state
// until the transaction ends.
func (t *tx) clientServes(id string) error {
	if id == "" {
		return nil
	}
	if t.pipelined() != nil { // that there is a row says enough, so it can wait
		return t.later(unlessOne(identity.ErrConflict), "SELECT id FROM rekey_clients WHERE id = ? AND disabled = 0"+t.engine.forShare, id)
	}
	c, err := one[clientRow](&t.statements, "SELECT "+clientColumns+" FROM rekey_clients WHERE id = ?"+t.engine.forShare, id)
	if errors.Is(err, identity.ErrNotFound) || err == nil && c.Disabled != 0 {
		return identity.ErrConflict
	}
	return err
}

// RedeemCode implements [identity.VerifyCodes].
func (s *Store) RedeemCode(ctx context.Context, r identity.Redemption) error {
	err := s.inTx(ctx, func(t *tx) error {
		if err := t.lockNumber(r.NumberKey, r.Now); err != nil {
			return err
		}
		now := millis(r.Now)
		if err := t.later(unlessOne(identity.ErrCodeSpent),
			"UPDATE rekey_codes SET used_at = ? WHERE id = ? AND used_at = 0 AND ended_at = 0 AND expires_at > ?", now, r.CodeID, now); err != nil {
			return err
		}
		if err := t.clientServes(r.ClientID); err != nil {
			return err
		}
		if r.Password != nil {
			if err := t.replacePassword(s.people(), *r.Password); err != nil {
				return err
			}
		}
		if r.User != nil {
			if err := t.changeUser(s.people(), *r.User); err != nil {
				return err
			}
		}
		others := write{"UPDATE rekey_codes SET ended_at = ? WHERE number_key = ? AND used_at = 0 AND ended_at = 0", []any{now, r.NumberKey}}
		if !t.engine.oneTrip { // codes are locked before counters
			if err := t.together(others); err != nil {
				return err
			}
			others = write{}
		}
		changes, err := t.changed(r.Changes, r.Now)
		if err != nil {
			return err
		}
		writes := []write{others, changes, eventsWrite(r.Event)}
		for some := range slices.Chunk(r.Messages, batch) {
			writes = append(writes, messagesWrite(some))
		}
		return t.together(writes...)
	})
	if errors.Is(err, identity.ErrCodeSpent) {
		return identity.ErrCodeSpent
	}
	return wrap("redeem code", err)
}
