package bunstore

import (
	"context"
	"sync"
)

// purgeRange is how many counters one query of a purge covers.
const purgeRange = 5000

// limitsPurge remembers where the last purge of counters stopped, so that the next
// purge of a backlog does not start at the beginning.
type limitsPurge struct {
	mu   sync.Mutex
	from string
}

func (p *limitsPurge) get() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.from
}

func (p *limitsPurge) set(from string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.from = from
}

// purgeLimits goes through the primary key in ranges. An index on expires_at would make
// the purge cheaper, but each write of a counter more expensive, because every write
// changes the expiry.
func (s *Store) purgeLimits(ctx context.Context, now int64, most int) (removed int, err error) {
	start := s.limitsPurge.get()
	from, wrapped := start, false
	for {
		until, err := s.rangeEnd(ctx, from)
		if err != nil {
			return removed, err
		}
		last := until == "" || wrapped && until > start
		n, err := inBatches(most-removed, func(most int) (int, error) { return s.purgeLimitsBetween(ctx, now, from, until, most) })
		removed += n
		switch {
		case err != nil || removed >= most:
			return removed, err
		case last && (wrapped || start == ""):
			s.limitsPurge.set("")
			return removed, nil
		case last:
			from, wrapped = "", true
		default:
			from = until
		}
		s.limitsPurge.set(from)
	}
}

// rangeEnd returns the first key after a range, or "" at the end of the table.
func (s *Store) rangeEnd(ctx context.Context, from string) (string, error) {
	rows, err := query[limitRow](s.read(ctx), "SELECT limit_key FROM rekey_limits WHERE limit_key >= ? ORDER BY limit_key LIMIT 1 OFFSET ?", from, purgeRange)
	if err != nil || len(rows) == 0 || rows[0].Key == from {
		return "", err
	}
	return rows[0].Key, nil
}

// purgeLimitsBetween reads before it begins a transaction, and checks the expiry again
// while deleting, so that it keeps a counter that was spent in between.
func (s *Store) purgeLimitsBetween(ctx context.Context, now int64, from, until string, most int) (n int, err error) {
	where, args := "limit_key >= ?", []any{from}
	if until != "" {
		where, args = where+" AND limit_key < ?", append(args, until)
	}
	over, err := query[limitRow](s.read(ctx), "SELECT limit_key, shard FROM rekey_limits WHERE "+where+" AND expires_at <= ? ORDER BY limit_key, shard LIMIT ?",
		append(args, now, most)...)
	if err != nil || len(over) == 0 {
		return 0, err
	}
	err = s.inTx(ctx, func(t *tx) error {
		n = 0
		// PostgreSQL compares each row that the index finds with every pair of the list.
		// The additional list of keys keeps these rows few.
		these := func(rows []limitRow) (condition string, args []any) {
			condition = "(limit_key, shard) IN (" + t.rowValues(len(rows)) + ") AND expires_at <= ?"
			if t.engine.oneTrip {
				condition = "limit_key IN (" + marks(len(rows)) + ") AND " + condition
				for _, r := range rows {
					args = append(args, r.Key)
				}
			}
			for _, r := range rows {
				args = append(args, r.Key, r.Shard)
			}
			return condition, append(args, now)
		}
		rows := over
		condition, args := these(rows)
		if t.engine.skipLocked != "" {
			// A locked counter is being spent.
			rows, err = query[limitRow](&t.statements, "SELECT limit_key, shard FROM rekey_limits WHERE "+condition+t.engine.skipLocked, args...)
			if err != nil || len(rows) == 0 {
				return err
			}
			condition, args = these(rows)
		}
		changed, err := t.exec("DELETE FROM rekey_limits WHERE "+condition, args...)
		n = int(changed)
		return err
	})
	return n, err
}
