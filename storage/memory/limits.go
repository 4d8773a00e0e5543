package memory

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

type limitRow struct {
	state     []byte
	expiresAt time.Time
}

// limitRows holds the states of limits, by key, then shard.
type limitRows map[limit.Key]map[int]limitRow

func (r limitRows) set(key limit.Key, shard int, row limitRow) {
	if r[key] == nil {
		r[key] = make(map[int]limitRow)
	}
	r[key][shard] = row
}

// LimitShards implements [identity.LimitSharder]: 1, as all calls share one lock.
func (s *Store) LimitShards() int { return 1 }

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

// LimitStates implements [identity.Limits].
func (s *Store) LimitStates(ctx context.Context, keys []limit.Key) (map[limit.Key][][]byte, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	states := make(map[limit.Key][][]byte)
	for _, key := range keys {
		if _, done := states[key]; done {
			continue
		}
		for _, row := range s.limits[key] {
			states[key] = append(states[key], slices.Clone(row.state))
		}
	}
	return states, nil
}

// ChangeLimits implements [identity.Limits].
func (s *Store) ChangeLimits(ctx context.Context, changes []limit.Change, now time.Time) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	writes, err := s.planChanges(changes, now)
	if err != nil {
		return err
	}
	s.writeLimits(writes)
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
		removed += s.messages.remove(p.Max, func(m *outbox.Message) bool {
			over := m.State.Final() && m.FinishedAt.Before(p.MessagesBefore)
			if over && s.byRef[refOf(m)] == m {
				delete(s.byRef, refOf(m))
			}
			return over
		})
	}
	if !p.EventsBefore.IsZero() {
		removed += s.events.remove(p.Max, func(e audit.Event) bool { return e.At.Before(p.EventsBefore) })
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

// planSpend returns what to write, or all refusals joined. Limits of one key are spent
// one after the other.
func (s *Store) planSpend(limits []limit.Limit, now time.Time) ([]limit.Spent, limitRows, error) {
	var refused *limit.Error
	var spent []limit.Spent
	writes := make(limitRows)
	for _, l := range limits {
		rows := s.rowsWith(l.Key, writes)
		var others [][]byte
		for shard, row := range rows {
			if shard != l.Shard {
				others = append(others, row.state)
			}
		}
		sp, err := l.Spend(rows[l.Shard].state, others, now)
		if refusal, ok := errors.AsType[*limit.Error](err); ok {
			refused = refused.Join(refusal)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		sp.ExpiresAt = milli(sp.ExpiresAt)
		spent = append(spent, sp)
		writes.set(l.Key, l.Shard, limitRow{slices.Clone(sp.State), sp.ExpiresAt})
	}
	if refused != nil {
		return nil, nil, refused
	}
	return spent, writes, nil
}

// planChanges returns what to write. Changes of one key are applied one after the
// other.
func (s *Store) planChanges(changes []limit.Change, now time.Time) (limitRows, error) {
	writes := make(limitRows)
	for _, change := range changes {
		l := change.Limit
		rows := s.rowsWith(l.Key, writes)
		shards := []int{l.Shard}
		if change.Clear {
			for shard := range rows {
				if shard != l.Shard {
					shards = append(shards, shard)
				}
			}
		}
		for _, shard := range shards {
			state, expires, err := change.Apply(rows[shard].state, now)
			if err != nil {
				return nil, err
			}
			writes.set(l.Key, shard, limitRow{slices.Clone(state), milli(expires)})
		}
	}
	return writes, nil
}

// rowsWith returns the rows of a key as they will be after the writes.
func (s *Store) rowsWith(key limit.Key, writes limitRows) map[int]limitRow {
	rows := make(map[int]limitRow, len(s.limits[key]))
	maps.Copy(rows, s.limits[key])
	maps.Copy(rows, writes[key])
	return rows
}

func (s *Store) writeLimits(writes limitRows) {
	for key, shards := range writes {
		for shard, row := range shards {
			s.limits.set(key, shard, row)
		}
	}
}
