package bunstore

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// ledger holds the states of limits that a transaction has read, by key and shard. Steps
// of one transaction spend from it one after the other.
type ledger map[string]map[int]*ledgerRow

type ledgerRow struct {
	limitRow
	changed bool
}

// add adds rows. The first row of a key and shard counts: it is the one that was locked.
func (l ledger) add(rows []limitRow) {
	for _, r := range rows {
		if l[r.Key] == nil {
			l[r.Key] = map[int]*ledgerRow{}
		}
		if l[r.Key][r.Shard] == nil {
			l[r.Key][r.Shard] = &ledgerRow{limitRow: r}
		}
	}
}

// has reports whether the ledger has the row of each limit.
func (l ledger) has(limits []limit.Limit) bool {
	return !slices.ContainsFunc(limits, func(m limit.Limit) bool { return l[string(m.Key)][m.Shard] == nil })
}

// spend charges all limits or none.
func (l ledger) spend(limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
	var refused *limit.Error
	spent := make([]limit.Spent, 0, len(limits))
	for _, m := range limits {
		var own []byte
		var others [][]byte
		for shard, row := range l[string(m.Key)] {
			if shard == m.Shard {
				own = row.State
			} else {
				others = append(others, row.State)
			}
		}
		sp, err := m.Spend(own, others, now)
		if le, ok := errors.AsType[*limit.Error](err); ok {
			refused = refused.Join(le)
		} else if err != nil {
			return nil, err
		}
		spent = append(spent, sp)
	}
	if refused != nil {
		return nil, refused
	}
	for _, sp := range spent {
		l.add([]limitRow{{Key: string(sp.Key), Shard: sp.Shard}})
		row := l[string(sp.Key)][sp.Shard]
		row.State, row.ExpiresAt, row.changed = sp.State, millis(sp.ExpiresAt), true
	}
	return spent, nil
}

// changed returns the rows that were spent from, in the order in which every
// transaction writes them.
func (l ledger) changed() []limitRow {
	var rows []limitRow
	for _, shards := range l {
		for _, row := range shards {
			if row.changed {
				rows = append(rows, row.limitRow)
			}
		}
	}
	slices.SortFunc(rows, func(a, b limitRow) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Shard, b.Shard)) })
	return rows
}
