package bunstore

import (
	"context"
	"sync"
)

// purgeRange is how many counters one look of a purge covers.
const purgeRange = 5000

// limitsPurge remembers where the last purge of counters stopped, so that a
// backlog is not looked through from its beginning each time.
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

// purgeLimits looks through ranges of the primary key. An index on expires_at
// would make it cheaper, and each write of a counter dearer, since every write
// moves the expiry.
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

// purgeLimitsBetween looks before it begins a transaction, and checks the expiry
// again while deleting: a counter that was spent meanwhile stays.
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
		// PostgreSQL compares a list of pairs one by one with every row that its index
		// finds; the list of keys makes them few.
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
			// One that is locked is being spent.
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
