package bunstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

type limitRow struct {
	Key       string `bun:"limit_key"`
	Shard     int    `bun:"shard"`
	State     []byte `bun:"state"`
	ExpiresAt int64  `bun:"expires_at"`
}

const limitColumns = "limit_key, shard, state, expires_at"

// spending is one call of Spend.
type spending struct {
	limits []limit.Limit
	now    time.Time
}

// Spend implements [identity.Limits].
func (s *Store) Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
	done, err := batched(ctx, s.spends, s.spendAll, spending{limits, now})
	if err == nil {
		err = done.refused
	}
	if err != nil {
		return nil, wrap("spend limits", err)
	}
	return done.spent, nil
}

// spendAll carries out calls of Spend in one transaction, with the results that they would
// have one after the other.
func (s *Store) spendAll(ctx context.Context, calls []spending) (done []spendResult, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		done = make([]spendResult, len(calls))
		var limits []limit.Limit
		for _, c := range calls {
			limits = append(limits, c.limits...)
		}
		states, err := t.lockLimits(limits, calls[0].now)
		if err != nil {
			return err
		}
		refused := 0
		for i, c := range calls {
			if done[i].spent, err = states.spend(c.limits, c.now); err == nil {
				continue
			}
			if _, limited := errors.AsType[*limit.Error](err); !limited {
				return err
			}
			done[i].refused = err
			refused++
		}
		if refused == len(calls) {
			return errAllRefused
		}
		return t.together(limitsWrite(t.engine, states.changed()))
	})
	if errors.Is(err, errAllRefused) {
		err = nil
	}
	return done, err
}

// ChangeLimits implements [identity.Limits].
func (s *Store) ChangeLimits(ctx context.Context, changes []limit.Change, now time.Time) error {
	return wrap("change limits", s.inTx(ctx, func(t *tx) error { return t.change(changes, now) }))
}

// LimitStates implements [identity.Limits].
func (s *Store) LimitStates(ctx context.Context, keys []limit.Key) (map[limit.Key][][]byte, error) {
	if len(keys) == 0 {
		return map[limit.Key][][]byte{}, ctx.Err()
	}
	states, err := batched(ctx, s.looks, s.limitStates, keys)
	return states, wrap("read limits", err)
}

// limitStates reads the states of several lists of keys.
func (s *Store) limitStates(ctx context.Context, lists [][]limit.Key) ([]map[limit.Key][][]byte, error) {
	var args []any
	for _, keys := range lists {
		for _, k := range keys {
			args = append(args, string(k))
		}
	}
	if len(lists) > 1 {
		args = padded(args)
	}
	rows, err := query[limitRow](s.read(ctx), "SELECT "+limitColumns+" FROM rekey_limits WHERE limit_key IN ("+marks(len(args))+")", args...)
	if err != nil {
		return nil, err
	}
	found := map[limit.Key][][]byte{}
	for _, r := range rows {
		if len(r.State) > 0 {
			found[limit.Key(r.Key)] = append(found[limit.Key(r.Key)], r.State)
		}
	}
	all := make([]map[limit.Key][][]byte, len(lists))
	for i, keys := range lists {
		all[i] = map[limit.Key][][]byte{}
		for _, k := range keys {
			if states, ok := found[k]; ok {
				all[i][k] = states
			}
		}
	}
	return all, nil
}

// byKey sorts limits in the order in which every transaction locks them.
func byKey(limits []limit.Limit) []limit.Limit {
	return slices.SortedFunc(slices.Values(limits), func(a, b limit.Limit) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Shard, b.Shard))
	})
}

// judge charges all limits or none, and returns the write of the new states. After a
// refusal the transaction must roll back the rows that judge placed.
func (t *tx) judge(limits []limit.Limit, now time.Time) ([]limit.Spent, write, error) {
	l, err := t.lockLimits(limits, now)
	if err != nil {
		return nil, write{}, err
	}
	spent, err := l.spend(limits, now)
	if err != nil {
		return nil, write{}, err
	}
	return spent, limitsWrite(t.engine, l.changed()), nil
}

// lockLimits places and reads the rows of limits until all of them exist. A purge may
// remove a row in between. Without the row, the next transaction would neither wait for
// this one nor see what it spends.
func (t *tx) lockLimits(limits []limit.Limit, now time.Time) (ledger, error) {
	sorted := distinctRows(limits)
	if len(sorted) == 0 {
		return ledger{}, nil
	}
	if t.engine.oneTrip {
		return t.lockLimitsAtOnce(sorted, now)
	}
	for {
		if err := t.placeLimits(sorted, now); err != nil {
			return nil, err
		}
		l, err := t.limitStates(sorted)
		if err != nil || t.engine.oneWriter || l.has(sorted) {
			return l, err
		}
	}
}

// distinctRows returns the limits in the order in which every transaction locks their
// rows, one limit for each row.
func distinctRows(limits []limit.Limit) []limit.Limit {
	return slices.CompactFunc(byKey(limits), func(a, b limit.Limit) bool { return a.Key == b.Key && a.Shard == b.Shard })
}

// placeLimits inserts a row to lock for each limit, so that even the first two
// transactions of a key wait for each other.
func (t *tx) placeLimits(sorted []limit.Limit, now time.Time) error {
	if t.engine.oneWriter {
		return nil
	}
	args := make([]any, 0, 4*len(sorted))
	for _, l := range sorted {
		args = append(args, string(l.Key), l.Shard, []byte{}, millis(now))
	}
	return t.later(nil, "INSERT INTO rekey_limits ("+limitColumns+") VALUES "+tuples(len(sorted), 4)+t.engine.ignore("limit_key, shard"), args...)
}

// limitStates reads the rows to write, locked in key order. For sharded limits it also
// reads the states of the other shards, without a lock. Where there is nothing to lock,
// one statement reads all rows of every key, also those from a time when the key had
// more shards.
func (t *tx) limitStates(sorted []limit.Limit) (ledger, error) {
	l := ledger{}
	var own, shared []any
	for _, s := range sorted {
		own = append(own, string(s.Key), s.Shard)
		if s.Shards > 1 || t.engine.oneWriter {
			shared = append(shared, string(s.Key))
		}
	}
	if !t.engine.oneWriter {
		rows, err := query[limitRow](&t.statements, "SELECT "+limitColumns+" FROM rekey_limits WHERE (limit_key, shard) IN ("+
			tuples(len(sorted), 2)+") ORDER BY limit_key, shard"+t.engine.forUpdate, own...)
		if err != nil {
			return nil, err
		}
		l.add(rows)
	}
	if len(shared) == 0 {
		return l, nil
	}
	rows, err := query[limitRow](&t.statements, "SELECT "+limitColumns+" FROM rekey_limits WHERE limit_key IN ("+marks(len(shared))+")", shared...)
	l.add(rows)
	return l, err
}

// rowValues returns a list of n pairs of placeholders, after VALUES on SQLite.
func (t *tx) rowValues(n int) string {
	if t.engine.name == dialect.SQLite {
		return "VALUES " + tuples(n, 2)
	}
	return tuples(n, 2)
}

func limitsWrite(e engine, rows []limitRow) write {
	if len(rows) == 0 {
		return write{}
	}
	args := make([]any, 0, 4*len(rows))
	for _, r := range rows {
		args = append(args, r.Key, r.Shard, r.State, r.ExpiresAt)
	}
	return write{"INSERT INTO rekey_limits (" + limitColumns + ") VALUES " + tuples(len(rows), 4) + e.upsert("limit_key, shard", "state", "expires_at"), args}
}

// change applies changes.
func (t *tx) change(changes []limit.Change, now time.Time) error {
	w, err := t.changed(changes, now)
	if err != nil {
		return err
	}
	return t.together(w)
}

// changed locks the states that the changes concern, in key order as all transactions
// do, and returns the write of the new states.
func (t *tx) changed(changes []limit.Change, now time.Time) (write, error) {
	if len(changes) == 0 {
		return write{}, nil
	}
	sorted := slices.SortedStableFunc(slices.Values(changes), func(a, b limit.Change) int {
		return cmp.Or(cmp.Compare(a.Limit.Key, b.Limit.Key), cmp.Compare(a.Limit.Shard, b.Limit.Shard))
	})
	rows, err := t.rowsToChange(sorted, now)
	if err != nil {
		return write{}, err
	}
	for i, row := range rows {
		changed := false
		for _, c := range sorted {
			if string(c.Limit.Key) != row.Key || c.Limit.Shard != row.Shard && !c.Clear {
				continue
			}
			var expires time.Time
			if row.State, expires, err = c.Apply(row.State, now); err != nil {
				return write{}, err
			}
			row.ExpiresAt, changed = millis(expires), true
		}
		if changed {
			rows[i] = row
		}
	}
	return limitsWrite(t.engine, rows), nil
}

// rowsToChange locks the rows that the changes concern. It inserts a missing row only
// for a change that remembers a device; a change that only removes needs no row.
func (t *tx) rowsToChange(sorted []limit.Change, now time.Time) ([]limitRow, error) {
	var args []any
	var make []limit.Limit
	var clear []any
	for _, c := range sorted {
		args = append(args, string(c.Limit.Key), c.Limit.Shard)
		if c.Remember {
			make = append(make, c.Limit)
		}
		if c.Clear {
			clear = append(clear, string(c.Limit.Key))
		}
	}
	if len(make) > 0 {
		if err := t.placeLimits(make, now); err != nil {
			return nil, err
		}
	}
	where := "(limit_key, shard) IN (" + t.rowValues(len(sorted)) + ")"
	if len(clear) > 0 {
		where += " OR limit_key IN (" + marks(len(clear)) + ")"
		args = append(args, clear...)
	}
	rows, err := query[limitRow](&t.statements, "SELECT "+limitColumns+" FROM rekey_limits WHERE "+where+" ORDER BY limit_key, shard"+t.engine.forUpdate, args...)
	if err != nil {
		return nil, err
	}
	for _, l := range make {
		if !slices.ContainsFunc(rows, func(r limitRow) bool { return r.Key == string(l.Key) && r.Shard == l.Shard }) {
			rows = append(rows, limitRow{Key: string(l.Key), Shard: l.Shard})
		}
	}
	return rows, nil
}
