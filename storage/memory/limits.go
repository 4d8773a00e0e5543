package memory

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

type limitRow struct {
	state     []byte
	expiresAt time.Time
}

// limitWrite is a state worked out and not stored yet.
type limitWrite struct {
	key   limit.Key
	shard int
	row   limitRow
}

// errRepeatedKey: the second of two charges to one key would be worked out from
// the state before the first.
var errRepeatedKey = errors.New("memory: a limit key occurs twice in one call")

// Spend implements [identity.Limits].
func (s *Store) Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	spent, writes, err := s.planSpend(limits, now)
	if err != nil {
		return nil, err
	}
	s.writeLimits(writes)
	return spent, nil
}

// ClearLimits implements [identity.Limits].
func (s *Store) ClearLimits(ctx context.Context, keys []limit.Key) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	s.clearLimits(keys)
	return nil
}

// Purge implements [identity.Limits].
func (s *Store) Purge(ctx context.Context, p identity.Purge) (removed int, err error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()

	removed = s.purgeCodes(p.Now, p.Max) + s.purgeLimits(p.Now, p.Max)
	if !p.MessagesBefore.IsZero() {
		removed += s.messages.remove(p.Max, func(m *identity.OutboxMessage) bool {
			over := m.State.Final() && m.FinishedAt.Before(p.MessagesBefore)
			if over && s.byRef[refOf(m)] == m {
				delete(s.byRef, refOf(m))
			}
			return over
		})
	}
	if !p.EventsBefore.IsZero() {
		removed += s.events.remove(p.Max, func(e identity.Event) bool { return e.At.Before(p.EventsBefore) })
	}
	return removed, nil
}

func (s *Store) purgeLimits(now time.Time, limit int) (removed int) {
	for key, shards := range s.limits {
		for shard, row := range shards {
			if removed >= limit {
				return removed
			}
			if row.expiresAt.After(now) {
				continue
			}
			if delete(shards, shard); len(shards) == 0 {
				delete(s.limits, key)
			}
			removed++
		}
	}
	return removed
}

// planSpend works out what to write, or every refusal joined.
func (s *Store) planSpend(limits []limit.Limit, now time.Time) ([]limit.Spent, []limitWrite, error) {
	var refused *limit.Error
	var spent []limit.Spent
	var writes []limitWrite
	seen := make(map[limit.Key]bool, len(limits))
	for _, l := range limits {
		if seen[l.Key] {
			return nil, nil, errRepeatedKey
		}
		seen[l.Key] = true
		var others [][]byte
		for shard, row := range s.limits[l.Key] {
			if shard != l.Shard {
				others = append(others, row.state)
			}
		}
		sp, err := l.Spend(s.limits[l.Key][l.Shard].state, others, now)
		if refusal, ok := errors.AsType[*limit.Error](err); ok {
			refused = refused.Join(refusal)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		sp.ExpiresAt = milli(sp.ExpiresAt)
		spent = append(spent, sp)
		writes = append(writes, limitWrite{l.Key, l.Shard, limitRow{slices.Clone(sp.State), sp.ExpiresAt}})
	}
	if refused != nil {
		return nil, nil, refused
	}
	return spent, writes, nil
}

// planRefunds works out what to write. A state that is gone has nothing to give back.
func (s *Store) planRefunds(limits []limit.Limit, spentAt time.Time) ([]limitWrite, error) {
	var writes []limitWrite
	seen := make(map[limit.Key]bool, len(limits))
	for _, l := range limits {
		if seen[l.Key] {
			return nil, errRepeatedKey
		}
		seen[l.Key] = true
		row, ok := s.limits[l.Key][l.Shard]
		if !ok {
			continue
		}
		state, err := l.Refund(row.state, spentAt)
		if err != nil {
			return nil, err
		}
		writes = append(writes, limitWrite{l.Key, l.Shard, limitRow{slices.Clone(state), row.expiresAt}})
	}
	return writes, nil
}

func (s *Store) writeLimits(writes []limitWrite) {
	for _, w := range writes {
		shards := s.limits[w.key]
		if shards == nil {
			shards = make(map[int]limitRow)
			s.limits[w.key] = shards
		}
		shards[w.shard] = w.row
	}
}

func (s *Store) clearLimits(keys []limit.Key) {
	for _, key := range keys {
		delete(s.limits, key)
	}
}
