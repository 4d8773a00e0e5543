package bunstore

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// write is a statement that changes rows, and whose number of rows is not needed.
type write struct {
	query string
	args  []any
}

// together runs writes that concern different rows. On engines that accept them in one
// statement they take one round trip. Its error is that of later.
func (t *tx) together(writes ...write) error {
	writes = slices.DeleteFunc(writes, func(w write) bool { return w.query == "" })
	if len(writes) == 0 {
		return nil
	}
	if !t.engine.oneTrip {
		for _, w := range writes {
			if err := t.insert(w.query, w.args...); err != nil {
				return err
			}
		}
		return nil
	}
	var with []string
	var args []any
	for i, w := range writes[:len(writes)-1] {
		with = append(with, "w"+strconv.Itoa(i)+" AS ("+w.query+")")
		args = append(args, w.args...)
	}
	last := writes[len(writes)-1]
	query := last.query
	if len(with) > 0 {
		query = "WITH " + strings.Join(with, ", ") + " " + query
	}
	return t.later(nil, query, append(args, last.args...)...)
}

// lockLimitsAtOnce is lockLimits in one round trip. It overwrites an existing row with
// the same values, which locks it.
func (t *tx) lockLimitsAtOnce(sorted []limit.Limit, now time.Time) (ledger, error) {
	var args, shared []any
	for i, s := range sorted {
		args = append(args, string(s.Key), s.Shard, []byte{}, millis(now))
		if s.Shards > 1 && (i == 0 || sorted[i-1].Key != s.Key) {
			shared = append(shared, string(s.Key))
		}
	}
	statement := "INSERT INTO rekey_limits (" + limitColumns + ") VALUES " + tuples(len(sorted), 4) +
		" ON CONFLICT (limit_key, shard) DO UPDATE SET expires_at = rekey_limits.expires_at RETURNING " + limitColumns
	if len(shared) > 0 {
		// The other shards are read as they were when the statement began. The rows of the
		// INSERT come first.
		statement = "WITH own AS (" + statement + ") SELECT " + limitColumns + " FROM own UNION ALL SELECT " + limitColumns +
			" FROM rekey_limits WHERE limit_key IN (" + marks(len(shared)) + ")"
	}
	rows, err := query[limitRow](&t.statements, statement, append(args, shared...)...)
	l := ledger{}
	l.add(rows)
	return l, err
}
