package bunstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
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

// IssueCode implements [identity.VerifyCodes].
func (s *Store) IssueCode(ctx context.Context, issue identity.CodeIssue) (spent []limit.Spent, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		if err := t.lockNumber(issue.Code.NumberKey, issue.Now); err != nil {
			return err
		}
		var charges, ends write
		if spent, charges, err = t.judge(issue.Charges, issue.Now); err != nil {
			return err
		}
		c := issue.Code
		if issue.Replace && !t.engine.oneTrip {
			if _, err := t.exec("UPDATE rekey_codes SET ended_at = ? WHERE binding = ? AND used_at = 0 AND ended_at = 0", millis(issue.Now), c.Binding); err != nil {
				return err
			}
		}
		if t.engine.oneTrip {
			if ends, err = t.endBeyond(&c, issue); err != nil {
				return err
			}
		}
		if err := t.together(charges, codeWrite(c), ends, messagesWrite(issue.Messages), eventWrite(issue.Event)); err != nil {
			return err
		}
		if t.engine.oneTrip {
			return nil
		}
		return t.endOldest(c.NumberKey, issue.KeepLive, issue.Now)
	})
	if err != nil {
		return nil, wrap("issue code", err)
	}
	return spent, nil
}

func codeWrite(c identity.VerifyCode) write {
	return write{"INSERT INTO rekey_codes (" + codeColumns + ") VALUES (" + marks(11) + ")", []any{
		c.ID, c.Binding, c.NumberKey, c.Digest, c.KeyID, c.Attempts, c.MaxAttempts,
		millis(c.CreatedAt), millis(c.ExpiresAt), millis(c.UsedAt), millis(c.EndedAt)}}
}

// lockNumber makes the transactions of one number run one after the other. On
// PostgreSQL a SELECT FOR UPDATE is not enough: the transaction that it waited for
// may have ended the code in its snapshot and added one that the snapshot lacks.
func (t *tx) lockNumber(numberKey []byte, now time.Time) error {
	if t.engine.galera {
		return t.lockNumberAcross(numberKey, millis(now))
	}
	if t.engine.lockNumber == "" {
		return nil
	}
	key := sha256.Sum256(numberKey) // part of the statement; two numbers with one key only wait for each other
	number := int64(binary.BigEndian.Uint64(key[:8]))
	if own, ok := t.conn.(*pgTx); ok {
		return own.lock(t.ctx, number)
	}
	_, err := t.exec(t.engine.lockNumber, number)
	return err
}

// endOldest ends the live codes of a number beyond the newest keep.
func (t *tx) endOldest(numberKey []byte, keep int, now time.Time) error {
	rows, err := query[idRow](&t.statements,
		"SELECT id FROM rekey_codes WHERE number_key = ? AND "+live+" ORDER BY created_at DESC, id DESC"+t.engine.forUpdate, numberKey, millis(now))
	if err != nil || len(rows) <= keep {
		return err
	}
	args := []any{millis(now)}
	for _, r := range rows[keep:] {
		args = append(args, r.ID)
	}
	_, err = t.exec("UPDATE rekey_codes SET ended_at = ? WHERE id IN ("+marks(len(args)-1)+")", args...)
	return err
}

// ChargeAttempt implements [identity.VerifyCodes].
func (s *Store) ChargeAttempt(ctx context.Context, a identity.Attempt) (charged identity.ChargedAttempt, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		charged = identity.ChargedAttempt{}
		if err := t.lockNumber(a.NumberKey, a.Now); err != nil {
			return err
		}
		now := millis(a.Now)
		end := write{"UPDATE rekey_codes SET ended_at = ? WHERE binding = ? AND used_at = 0 AND ended_at = 0 AND expires_at <= ?", []any{now, a.Binding, now}}
		columns := codeColumns
		if a.Providers {
			columns += ", " + providerColumn
		}
		find := write{"SELECT " + columns + " FROM rekey_codes WHERE binding = ? AND " + live + " ORDER BY created_at, id" + t.engine.forUpdate, []any{a.Binding, now}}
		if t.engine.oneTrip { // the two parts concern different codes
			find = write{"WITH ended AS (" + end.query + ") " + find.query, append(end.args, find.args...)}
		} else if err := t.together(end); err != nil {
			return err
		}
		rows, err := query[codeRow](&t.statements, find.query, find.args...)
		if err != nil {
			return err
		}
		charges := a.Charges
		if len(rows) > 0 {
			charges = append(charges[:len(charges):len(charges)], a.LiveCharges...)
		}
		var spend write
		if charged.Spent, spend, err = t.judge(charges, a.Now); err != nil {
			return err
		}
		ids := []any{""} // no row has this id
		for _, r := range rows {
			r.Attempts++
			charged.Codes = append(charged.Codes, r.code())
			ids = append(ids, r.ID)
		}
		return t.together(spend, write{"UPDATE rekey_codes SET attempts = attempts + 1 WHERE id IN (" + marks(len(ids)) + ")", ids})
	})
	if err != nil {
		return identity.ChargedAttempt{}, wrap("charge attempt", err)
	}
	return charged, nil
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
			if _, err := t.exec("UPDATE rekey_codes SET attempts = attempts - 1 WHERE attempts > 0 AND id IN ("+marks(len(ids))+")", ids...); err != nil {
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
		n, err := t.exec("UPDATE rekey_codes SET used_at = ? WHERE id = ? AND used_at = 0 AND ended_at = 0 AND expires_at > ?", now, r.CodeID, now)
		if err != nil {
			return err
		}
		if n != 1 {
			return identity.ErrCodeSpent
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
		writes := []write{others, changes, eventWrite(r.Event)}
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
