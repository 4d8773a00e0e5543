package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// codeSet holds the codes that share a binding or a number, by id.
type codeSet map[string]*identity.VerifyCode

// codeIndex finds codes by a digest.
type codeIndex map[string]codeSet

func (x codeIndex) add(key string, c *identity.VerifyCode) {
	if x[key] == nil {
		x[key] = make(codeSet)
	}
	x[key][c.ID] = c
}

func (x codeIndex) remove(key, id string) {
	delete(x[key], id)
	if len(x[key]) == 0 {
		delete(x, key)
	}
}

// oldestFirst returns the codes of the set for which keep returns true, oldest first.
func (set codeSet) oldestFirst(keep func(*identity.VerifyCode) bool) []*identity.VerifyCode {
	codes := slices.Collect(maps.Values(set))
	codes = slices.DeleteFunc(codes, func(c *identity.VerifyCode) bool { return !keep(c) })
	slices.SortFunc(codes, func(a, b *identity.VerifyCode) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return codes
}

// open reports whether RedeemCode could still use a code. It ignores the attempts,
// because the last charged guess may be the right one.
func open(c *identity.VerifyCode) bool { return c.UsedAt.IsZero() && c.EndedAt.IsZero() }

// IssueCode implements [identity.VerifyCodes].
func (s *Store) IssueCode(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	spent, writes, err := s.planSpend(issue.Charges, issue.Now)
	if err != nil {
		return nil, err
	}
	if s.codes[issue.Code.ID] != nil || s.anyMessageTaken(issue.Messages) || s.events.has(issue.Event.ID) {
		return nil, identity.ErrAlreadyExists
	}

	s.writeLimits(writes)
	if issue.Replace {
		for _, c := range s.byBinding[string(issue.Code.Binding)] {
			if open(c) { // also an expired one, in case the clock goes back
				c.EndedAt = milli(issue.Now)
			}
		}
	}
	s.insertCode(issue.Code)
	live := s.byNumber[string(issue.Code.NumberKey)].oldestFirst(func(c *identity.VerifyCode) bool {
		return c.Live(issue.Now) && c.ID != issue.Code.ID
	})
	for _, c := range live[:max(len(live)+1-max(issue.KeepLive, 1), 0)] {
		c.EndedAt = milli(issue.Now)
	}
	s.insertMessages(issue.Messages)
	s.insertEvent(issue.Event)
	return spent, nil
}

// ChargeAttempt implements [identity.VerifyCodes].
func (s *Store) ChargeAttempt(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return identity.ChargedAttempt{}, err
	}
	defer unlock()

	set := s.byBinding[string(attempt.Binding)]
	over := set.oldestFirst(func(c *identity.VerifyCode) bool { return open(c) && !c.ExpiresAt.After(attempt.Now) })
	live := set.oldestFirst(func(c *identity.VerifyCode) bool { return c.Live(attempt.Now) })
	charges := attempt.Charges
	if len(live) > 0 {
		charges = slices.Concat(attempt.Charges, attempt.LiveCharges)
	}
	spent, writes, err := s.planSpend(charges, attempt.Now)
	if err != nil {
		return identity.ChargedAttempt{}, err
	}

	s.writeLimits(writes)
	for _, c := range over {
		c.EndedAt = milli(attempt.Now)
	}
	charged := identity.ChargedAttempt{Spent: spent}
	for _, c := range live {
		c.Attempts++
		code := copyCode(*c)
		if m := s.messages.byID[c.ID]; m != nil && attempt.Providers {
			code.Provider = m.Provider
		}
		charged.Codes = append(charged.Codes, code)
	}
	return charged, nil
}

// ReleaseAttempt implements [identity.VerifyCodes].
func (s *Store) ReleaseAttempt(ctx context.Context, release identity.Release) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	writes, err := s.planChanges(release.Changes, release.Now)
	if err != nil {
		return err
	}
	s.writeLimits(writes)
	for _, id := range release.CodeIDs {
		if c := s.codes[id]; c != nil {
			c.Attempts = max(c.Attempts-1, 0)
		}
	}
	return nil
}

// RedeemCode implements [identity.VerifyCodes].
func (s *Store) RedeemCode(ctx context.Context, r identity.Redemption) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	code := s.codes[r.CodeID]
	if code == nil || !open(code) || !code.ExpiresAt.After(r.Now) {
		return identity.ErrCodeSpent
	}
	if c, ok := s.clients[r.ClientID]; r.ClientID != "" && (!ok || c.Disabled) {
		return identity.ErrConflict
	}
	if r.Password != nil {
		if err := s.checkPassword(*r.Password); err != nil {
			return err
		}
	}
	if r.User != nil {
		if err := s.checkUser(*r.User); err != nil {
			return err
		}
	}
	writes, err := s.planChanges(r.Changes, r.Now)
	if err != nil {
		return err
	}
	if s.anyMessageTaken(r.Messages) || s.events.has(r.Event.ID) {
		return identity.ErrAlreadyExists
	}

	code.UsedAt = milli(r.Now)
	if r.Password != nil {
		s.setPassword(*r.Password)
	}
	if r.User != nil {
		s.setUser(*r.User)
	}
	for _, c := range s.byNumber[string(r.NumberKey)] {
		if open(c) {
			c.EndedAt = milli(r.Now)
		}
	}
	s.writeLimits(writes)
	s.insertEvent(r.Event)
	s.insertMessages(r.Messages)
	return nil
}

func (s *Store) insertCode(c identity.VerifyCode) {
	c = copyCode(c)
	c.Provider = ""
	c.CreatedAt, c.ExpiresAt = milli(c.CreatedAt), milli(c.ExpiresAt)
	c.UsedAt, c.EndedAt = milli(c.UsedAt), milli(c.EndedAt)
	s.codes[c.ID] = &c
	s.byBinding.add(string(c.Binding), &c)
	s.byNumber.add(string(c.NumberKey), &c)
}

func (s *Store) purgeCodes(now time.Time, limit int) (removed int) {
	for id, c := range s.codes {
		if removed >= limit {
			break
		}
		if c.ExpiresAt.After(now) {
			continue
		}
		delete(s.codes, id)
		s.byBinding.remove(string(c.Binding), id)
		s.byNumber.remove(string(c.NumberKey), id)
		removed++
	}
	return removed
}

func copyCode(c identity.VerifyCode) identity.VerifyCode {
	c.Binding, c.NumberKey, c.Digest = slices.Clone(c.Binding), slices.Clone(c.NumberKey), slices.Clone(c.Digest)
	return c
}
