package bunstore

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// charge is the result of one attempt.
type charge struct {
	charged identity.ChargedAttempt
	refused error // by a limit
}

// ChargeAttempt implements [identity.VerifyCodes].
func (s *Store) ChargeAttempt(ctx context.Context, a identity.Attempt) (identity.ChargedAttempt, error) {
	c, err := batched(ctx, s.charges, s.chargeAttempts, a)
	if err == nil {
		err = c.refused
	}
	if err != nil {
		return identity.ChargedAttempt{}, wrap("charge attempt", err)
	}
	return c.charged, nil
}

// errAllRefused rolls a transaction back in which nothing is to be kept.
var errAllRefused = errors.New("all calls refused")

// chargeAttempts charges attempts in one transaction, with the results that they would
// have one after the other.
func (s *Store) chargeAttempts(ctx context.Context, attempts []identity.Attempt) (charges []charge, err error) {
	err = s.inTx(ctx, func(t *tx) (err error) {
		if charges, err = t.chargeAttempts(attempts); err != nil {
			return err
		}
		if !slices.ContainsFunc(charges, func(c charge) bool { return c.refused == nil }) {
			return errAllRefused
		}
		return nil
	})
	if errors.Is(err, errAllRefused) {
		err = nil
	}
	return charges, err
}

func (t *tx) chargeAttempts(attempts []identity.Attempt) ([]charge, error) {
	numbers, now := make([][]byte, len(attempts)), attempts[0].Now
	for i, a := range attempts {
		if numbers[i] = a.NumberKey; a.Now.After(now) {
			now = a.Now
		}
	}
	if err := t.lockNumbers(numbers, now); err != nil {
		return nil, err
	}
	codes, err := t.openCodes(attempts)
	if err != nil {
		return nil, err
	}
	var limits []limit.Limit
	for _, a := range attempts {
		limits = append(limits, codes.charges(a)...)
	}
	states, err := t.lockLimits(limits, now)
	if err != nil {
		return nil, err
	}
	charges := make([]charge, len(attempts))
	for i, a := range attempts {
		spent, err := states.spend(codes.charges(a), a.Now)
		if _, refused := errors.AsType[*limit.Error](err); refused {
			charges[i].refused = err
			continue
		} else if err != nil {
			return nil, err
		}
		charges[i].charged = identity.ChargedAttempt{Codes: codes.guess(a), Spent: spent}
	}
	return charges, t.together(append(codes.writes(now), limitsWrite(t.engine, states.changed()))...)
}

// openCodes are the codes that are neither used nor ended, by binding, as attempts at them
// change them.
type openCodes map[string][]*openCode

type openCode struct {
	codeRow
	ended   bool
	guesses int // in this transaction
}

// openCodes finds and locks the open codes of the attempts' bindings, oldest first.
func (t *tx) openCodes(attempts []identity.Attempt) (openCodes, error) {
	var bindings []any
	columns := codeColumns
	for _, a := range attempts {
		bindings = append(bindings, a.Binding)
		if a.Providers {
			columns = codeColumns + ", " + providerColumn
		}
	}
	rows, err := query[codeRow](&t.statements, "SELECT "+columns+" FROM rekey_codes WHERE binding IN ("+marks(len(padded(bindings)))+
		") AND used_at = 0 AND ended_at = 0 ORDER BY created_at, id"+t.engine.forUpdate, padded(bindings)...)
	codes := openCodes{}
	for _, r := range rows {
		codes[string(r.Binding)] = append(codes[string(r.Binding)], &openCode{codeRow: r})
	}
	return codes, err
}

// live returns the live codes of a binding. It ends those that have expired.
func (o openCodes) live(binding []byte, now time.Time) (live []*openCode) {
	for _, c := range o[string(binding)] {
		if c.ExpiresAt <= millis(now) {
			c.ended = true
		}
		if !c.ended && c.Attempts < c.MaxAttempts {
			live = append(live, c)
		}
	}
	return live
}

// charges returns the limits that an attempt spends.
func (o openCodes) charges(a identity.Attempt) []limit.Limit {
	if len(o.live(a.Binding, a.Now)) == 0 {
		return a.Charges
	}
	return slices.Concat(a.Charges, a.LiveCharges)
}

// guess counts an attempt at the live codes, and returns them.
func (o openCodes) guess(a identity.Attempt) (codes []identity.VerifyCode) {
	for _, c := range o.live(a.Binding, a.Now) {
		c.Attempts++
		c.guesses++
		codes = append(codes, c.code())
	}
	return codes
}

// writes returns what stores the changes. A binding without codes causes as many
// statements as one with live codes.
func (o openCodes) writes(now time.Time) []write {
	ended, guessed := []any{millis(now)}, map[int][]any{1: {""}} // no row has this id
	for _, codes := range o {
		for _, c := range codes {
			if c.ended {
				ended = append(ended, c.ID)
			}
			if c.guesses > 0 {
				guessed[c.guesses] = append(guessed[c.guesses], c.ID)
			}
		}
	}
	var writes []write
	if n := len(ended) - 1; n > 0 {
		writes = append(writes, write{"UPDATE rekey_codes SET ended_at = ? WHERE id IN (" + marks(n) + ")", ended})
	}
	for _, guesses := range slices.SortedFunc(maps.Keys(guessed), cmp.Compare) {
		ids := padded(guessed[guesses])
		writes = append(writes, write{"UPDATE rekey_codes SET attempts = attempts + ? WHERE id IN (" + marks(len(ids)) + ")", append([]any{guesses}, ids...)})
	}
	return writes
}
