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

// Spend implements [identity.Limits].
func (s *Store) Spend(ctx context.Context, limits []limit.Limit, now time.Time) (spent []limit.Spent, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		spent, err = t.spend(limits, now)
		return err
	})
	if err != nil {
		return nil, wrap("spend limits", err)
	}
	return spent, nil
}

// ChangeLimits implements [identity.Limits].
func (s *Store) ChangeLimits(ctx context.Context, changes []limit.Change, now time.Time) error {
	return wrap("change limits", s.inTx(ctx, func(t *tx) error { return t.change(changes, now) }))
}

// LimitStates implements [identity.Limits].
func (s *Store) LimitStates(ctx context.Context, keys []limit.Key) (map[limit.Key][][]byte, error) {
	states := map[limit.Key][][]byte{}
	if len(keys) == 0 {
		return states, ctx.Err()
	}
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = string(k)
	}
	rows, err := query[limitRow](s.read(ctx), "SELECT "+limitColumns+" FROM rekey_limits WHERE limit_key IN ("+marks(len(args))+")", args...)
	if err != nil {
		return nil, wrap("read limits", err)
	}
	for _, r := range rows {
		if len(r.State) > 0 {
			states[limit.Key(r.Key)] = append(states[limit.Key(r.Key)], r.State)
		}
	}
	return states, nil
}

// byKey sorts limits in the order in which every transaction locks them.
func byKey(limits []limit.Limit) []limit.Limit {
	return slices.SortedFunc(slices.Values(limits), func(a, b limit.Limit) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Shard, b.Shard))
	})
}

// spend charges all limits or none. After a refusal the transaction must roll back the
// rows that spend placed.
func (t *tx) spend(limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
	spent, w, err := t.judge(limits, now)
	if err != nil {
		return nil, err
	}
	return spent, t.together(w)
}

// judge is spend, but returns the write instead of running it.
func (t *tx) judge(limits []limit.Limit, now time.Time) ([]limit.Spent, write, error) {
	if len(limits) == 0 {
		return nil, write{}, nil
	}
	sorted := byKey(limits)
	own, others, err := t.lockLimits(sorted, now)
	if err != nil {
		return nil, write{}, err
	}
	var refused *limit.Error
	spent := make([]limit.Spent, 0, len(limits))
	for _, l := range limits {
		at := shardKey{string(l.Key), l.Shard}
		sp, err := l.Spend(own[at].State, others[at], now)
		if le, ok := errors.AsType[*limit.Error](err); ok {
			refused = refused.Join(le)
		} else if err != nil {
			return nil, write{}, err
		}
		spent = append(spent, sp)
	}
	if refused != nil {
		return nil, write{}, refused
	}
	rows := make([]limitRow, len(spent))
	for i, sp := range spent {
		rows[i] = limitRow{string(sp.Key), sp.Shard, sp.State, millis(sp.ExpiresAt)}
	}
	return spent, limitsWrite(t.engine, rows), nil
}

type shardKey struct {
	key   string
	shard int
}

// lockLimits places and reads the rows until all of them exist. A purge may remove a
// row in between. Without the row, the next transaction would neither wait for this one
// nor see what it spends.
func (t *tx) lockLimits(sorted []limit.Limit, now time.Time) (own map[shardKey]limitRow, others map[shardKey][][]byte, err error) {
	if t.engine.oneTrip {
		return t.lockLimitsAtOnce(sorted, now)
	}
	distinct := map[shardKey]bool{}
	for _, l := range sorted {
		distinct[shardKey{string(l.Key), l.Shard}] = true
	}
	for {
		if err := t.placeLimits(sorted, now); err != nil {
			return nil, nil, err
		}
		own, others, err = t.limitStates(sorted)
		if err != nil || t.engine.oneWriter || len(own) == len(distinct) {
			return own, others, err
		}
	}
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
	_, err := t.exec("INSERT INTO rekey_limits ("+limitColumns+") VALUES "+tuples(len(sorted), 4)+t.engine.ignore("limit_key, shard"), args...)
	return err
}

// limitStates reads the rows to write, locked in key order. For sharded limits it also
// reads the states of the other shards, without a lock.
func (t *tx) limitStates(sorted []limit.Limit) (own map[shardKey]limitRow, others map[shardKey][][]byte, err error) {
	own, others = map[shardKey]limitRow{}, map[shardKey][][]byte{}
	var ownArgs, sharedArgs []any
	writes := map[string]int{} // the shard written, by key
	if t.engine.oneWriter {
		return t.allStates(sorted)
	}
	for _, l := range sorted {
		ownArgs = append(ownArgs, string(l.Key), l.Shard)
		if l.Shards > 1 {
			sharedArgs = append(sharedArgs, string(l.Key))
			writes[string(l.Key)] = l.Shard
		}
	}
	rows, err := query[limitRow](&t.statements, "SELECT "+limitColumns+" FROM rekey_limits WHERE (limit_key, shard) IN ("+
		t.rowValues(len(sorted))+") ORDER BY limit_key, shard"+t.engine.forUpdate, ownArgs...)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		own[shardKey{r.Key, r.Shard}] = r
	}
	if len(sharedArgs) == 0 {
		return own, others, nil
	}
	rows, err = query[limitRow](&t.statements, "SELECT "+limitColumns+" FROM rekey_limits WHERE limit_key IN ("+marks(len(sharedArgs))+")", sharedArgs...)
	for _, r := range rows {
		if mine := writes[r.Key]; r.Shard != mine {
			at := shardKey{r.Key, mine}
			others[at] = append(others[at], r.State)
		}
	}
	return own, others, err
}

// allStates is limitStates in one statement, where there is nothing to lock. It finds the
// other rows of every key, also those from a time when the key had more shards.
func (t *tx) allStates(sorted []limit.Limit) (own map[shardKey]limitRow, others map[shardKey][][]byte, err error) {
	own, others = map[shardKey]limitRow{}, map[shardKey][][]byte{}
	keys, writes := make([]any, len(sorted)), make(map[string]int, len(sorted))
	for i, l := range sorted {
		keys[i], writes[string(l.Key)] = string(l.Key), l.Shard
	}
	rows, err := query[limitRow](&t.statements, "SELECT "+limitColumns+" FROM rekey_limits WHERE limit_key IN ("+marks(len(keys))+")", keys...)
	for _, r := range rows {
		own[shardKey{r.Key, r.Shard}] = r
		if mine := writes[r.Key]; r.Shard != mine {
			at := shardKey{r.Key, mine}
			others[at] = append(others[at], r.State)
		}
	}
	return own, others, err
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
