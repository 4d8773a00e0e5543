package bunstore

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity"
)

// batch is how many rows one statement names. Engines bound the parameters of a
// statement (SQLite at 32,766), and short transactions do not hold up other calls.
const batch = 500

// Purge implements [identity.Limits]. It reads ids and then deletes their rows, because
// MySQL has no LIMIT in a subquery. Each batch of a kind is one transaction, so rows
// removed before an error stay removed.
func (s *Store) Purge(ctx context.Context, p identity.Purge) (removed int, err error) {
	if p.Max <= 0 {
		return 0, ctx.Err()
	}
	now := millis(p.Now)
	kinds := []struct {
		table, over string
		args        []any
	}{
		{"rekey_codes", "expires_at <= ?", []any{now}},
		{"rekey_messages", "state <> 'pending' AND finished_at < ?", []any{millis(p.MessagesBefore)}},
		{"rekey_events", "at < ?", []any{millis(p.EventsBefore)}},
	}
	for _, k := range kinds {
		n, err := inBatches(p.Max, func(most int) (int, error) { return s.purgeIDs(ctx, k.table, k.over, k.args, most) })
		removed += n
		if err != nil {
			return removed, wrap("purge "+k.table, err)
		}
	}
	n, err := s.purgeLimits(ctx, now, p.Max)
	return removed + n, wrap("purge rekey_limits", err)
}

// inBatches calls purge until it removes fewer rows than it was allowed to.
func inBatches(most int, purge func(most int) (int, error)) (removed int, err error) {
	for removed < most {
		size := min(batch, most-removed)
		n, err := purge(size)
		removed += n
		if err != nil || n < size {
			return removed, err
		}
	}
	return removed, nil
}

func (s *Store) purgeIDs(ctx context.Context, table, over string, args []any, most int) (n int, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		rows, err := query[idRow](&t.statements, "SELECT id FROM "+table+" WHERE "+over+" LIMIT ?"+t.engine.skipLocked, append(args[:len(args):len(args)], most)...)
		if err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]any, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		ids = padded(ids)
		changed, err := t.exec("DELETE FROM "+table+" WHERE id IN ("+marks(len(ids))+")", ids...)
		n = int(changed)
		if err == nil && table == "rekey_messages" {
			_, err = t.exec("DELETE FROM rekey_receipts WHERE message_id IN ("+marks(len(ids))+")", ids...)
		}
		return err
	})
	return n, err
}
