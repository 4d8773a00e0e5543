package bunstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// spendResult is the result of one call that spends limits.
type spendResult struct {
	spent   []limit.Spent
	refused error // by a limit
}

// IssueCode implements [identity.VerifyCodes].
func (s *Store) IssueCode(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
	run := s.issueCode
	if s.engine.oneTrip {
		run = s.issueCodes
	}
	i, err := batched(ctx, s.issues, run, issue)
	if err == nil {
		err = i.refused
	}
	if err != nil {
		return nil, wrap("issue code", err)
	}
	return i.spent, nil
}

// issueCode issues one code, on engines that need more than one statement for the writes
// of a step.
func (s *Store) issueCode(ctx context.Context, issues []identity.CodeIssue) ([]spendResult, error) {
	issue := issues[0]
	var done spendResult
	err := s.inTx(ctx, func(t *tx) error {
		if err := t.lockNumber(issue.Code.NumberKey, issue.Now); err != nil {
			return err
		}
		spent, charges, err := t.judge(issue.Charges, issue.Now)
		if err != nil {
			return err
		}
		done.spent = spent
		if c := issue.Code; issue.Replace {
			if _, err := t.exec("UPDATE rekey_codes SET ended_at = ? WHERE binding = ? AND used_at = 0 AND ended_at = 0", millis(issue.Now), c.Binding); err != nil {
				return err
			}
		}
		if err := t.together(charges, codesWrite(issue.Code), messagesWrite(issue.Messages), eventsWrite(issue.Event)); err != nil {
			return err
		}
		return t.endOldest(issue.Code, issue.KeepLive, issue.Now)
	})
	return []spendResult{done}, err
}

// endOldest ends the oldest live codes of a number, so that the new one and the newest
// keep-1 others stay. The new one stays also if the clock of its server is behind.
func (t *tx) endOldest(c identity.VerifyCode, keep int, now time.Time) error {
	rows, err := query[idRow](&t.statements,
		"SELECT id FROM rekey_codes WHERE number_key = ? AND "+live+" AND id <> ? ORDER BY created_at DESC, id DESC"+t.engine.forUpdate, c.NumberKey, millis(now), c.ID)
	if err != nil || len(rows) < keep {
		return err
	}
	args := []any{millis(now)}
	for _, r := range rows[max(keep-1, 0):] {
		args = append(args, r.ID)
	}
	if len(args) == 1 {
		return nil
	}
	_, err = t.exec("UPDATE rekey_codes SET ended_at = ? WHERE id IN ("+marks(len(args)-1)+")", args...)
	return err
}

// issueCodes issues codes in one transaction, with the results that they would have one
// after the other.
func (s *Store) issueCodes(ctx context.Context, issues []identity.CodeIssue) (done []spendResult, err error) {
	err = s.inTx(ctx, func(t *tx) (err error) {
		done, err = t.issueCodes(issues)
		return err
	})
	if errors.Is(err, errAllRefused) {
		err = nil
	}
	return done, err
}

func (t *tx) issueCodes(issues []identity.CodeIssue) ([]spendResult, error) {
	numbers, now := make([][]byte, len(issues)), issues[0].Now
	var limits []limit.Limit
	for i, issue := range issues {
		numbers[i], limits = issue.Code.NumberKey, append(limits, issue.Charges...)
		if issue.Now.After(now) {
			now = issue.Now
		}
	}
	if err := t.lockNumbers(numbers, now); err != nil {
		return nil, err
	}
	states, err := t.lockLimits(limits, now)
	if err != nil {
		return nil, err
	}
	open, err := t.openOf(numbers)
	if err != nil {
		return nil, err
	}
	done := make([]spendResult, len(issues))
	var codes []*numberCode
	var events []audit.Event
	var messages []write
	for i, issue := range issues {
		if done[i].spent, err = states.spend(issue.Charges, issue.Now); err != nil {
			if _, refused := errors.AsType[*limit.Error](err); !refused {
				return nil, err
			}
			done[i].refused = err
			continue
		}
		codes = append(codes, open.issue(issue))
		events, messages = append(events, issue.Event), append(messages, messagesWrite(issue.Messages))
	}
	if len(codes) == 0 {
		return done, errAllRefused
	}
	fresh, ended := make([]identity.VerifyCode, len(codes)), []any{millis(now)}
	for i, c := range codes {
		fresh[i] = c.code
	}
	for _, of := range open {
		for _, c := range of {
			if c.stored && !c.code.EndedAt.IsZero() {
				ended = append(ended, c.code.ID)
			}
		}
	}
	writes := append([]write{limitsWrite(t.engine, states.changed()), codesWrite(fresh...), eventsWrite(events...)}, messages...)
	if n := len(ended) - 1; n > 0 {
		writes = append(writes, write{"UPDATE rekey_codes SET ended_at = ? WHERE id IN (" + marks(n) + ")", ended})
	}
	return done, t.together(writes...)
}

// numberCodes are the codes of numbers that are neither used nor ended, as sends change
// them.
type numberCodes map[string][]*numberCode

type numberCode struct {
	code   identity.VerifyCode
	stored bool // before this transaction
}

// openOf finds the open codes of numbers, which must be locked.
func (t *tx) openOf(numbers [][]byte) (numberCodes, error) {
	keys := make([]any, len(numbers))
	for i, n := range numbers {
		keys[i] = n
	}
	rows, err := query[codeRow](&t.statements, "SELECT "+codeColumns+" FROM rekey_codes WHERE number_key IN ("+marks(len(padded(keys)))+
		") AND used_at = 0 AND ended_at = 0", padded(keys)...)
	open := numberCodes{}
	for _, r := range rows {
		open[string(r.NumberKey)] = append(open[string(r.NumberKey)], &numberCode{r.code(), true})
	}
	return open, err
}

// issue adds a code. It ends the open codes that the code replaces, and the oldest live
// codes of the number, as endOldest does.
func (o numberCodes) issue(issue identity.CodeIssue) *numberCode {
	added := &numberCode{code: issue.Code}
	of := o[string(issue.Code.NumberKey)]
	if issue.Replace {
		for _, c := range of {
			if c.code.EndedAt.IsZero() && bytes.Equal(c.code.Binding, issue.Code.Binding) {
				c.code.EndedAt = issue.Now
			}
		}
	}
	o[string(issue.Code.NumberKey)] = append(of, added)
	var live []*numberCode
	for _, c := range of {
		if c.code.Live(issue.Now) {
			live = append(live, c)
		}
	}
	slices.SortFunc(live, func(a, b *numberCode) int {
		return cmp.Or(b.code.CreatedAt.Compare(a.code.CreatedAt), cmp.Compare(b.code.ID, a.code.ID))
	})
	for _, c := range live[min(max(issue.KeepLive-1, 0), len(live)):] {
		c.code.EndedAt = issue.Now
	}
	return added
}

func codesWrite(codes ...identity.VerifyCode) write {
	args := make([]any, 0, 11*len(codes))
	for _, c := range codes {
		args = append(args, c.ID, c.Binding, c.NumberKey, c.Digest, c.KeyID, c.Attempts, c.MaxAttempts,
			millis(c.CreatedAt), millis(c.ExpiresAt), millis(c.UsedAt), millis(c.EndedAt))
	}
	return write{"INSERT INTO rekey_codes (" + codeColumns + ") VALUES " + tuples(len(codes), 11), args}
}
