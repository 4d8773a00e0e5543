package bunstore

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// write is a statement that changes rows, and whose number of rows is not needed.
type write struct {
	query string
	args  []any
}

// together runs writes that concern different rows. On engines that accept them in one
// statement they take one round trip. The error is ErrAlreadyExists if a unique key
// refuses a row.
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
	return t.insert(query, append(args, last.args...)...)
}

// lockLimitsAtOnce is lockLimits in one round trip. It overwrites an existing row with
// the same values, which locks it.
func (t *tx) lockLimitsAtOnce(sorted []limit.Limit, now time.Time) (own map[shardKey]limitRow, others map[shardKey][][]byte, err error) {
	own, others = map[shardKey]limitRow{}, map[shardKey][][]byte{}
	var args, shared []any
	writes := map[string]int{} // the shard written, by key
	n := 0
	for i, l := range sorted {
		if i > 0 && l.Key == sorted[i-1].Key && l.Shard == sorted[i-1].Shard {
			continue
		}
		n++
		args = append(args, string(l.Key), l.Shard, []byte{}, millis(now))
		if l.Shards > 1 {
			shared = append(shared, string(l.Key))
			writes[string(l.Key)] = l.Shard
		}
	}
	statement := "INSERT INTO rekey_limits (" + limitColumns + ") VALUES " + tuples(n, 4) +
		" ON CONFLICT (limit_key, shard) DO UPDATE SET expires_at = rekey_limits.expires_at RETURNING " + limitColumns
	if len(shared) > 0 {
		// The other shards are read as they were when the statement began.
		statement = "WITH own AS (" + statement + ") SELECT " + limitColumns + " FROM own UNION ALL SELECT " + limitColumns +
			" FROM rekey_limits WHERE limit_key IN (" + marks(len(shared)) + ")"
	}
	rows, err := query[limitRow](&t.statements, statement, append(args, shared...)...)
	for _, r := range rows {
		at := shardKey{r.Key, r.Shard}
		mine, sharded := writes[r.Key]
		switch {
		case sharded && r.Shard != mine:
			others[shardKey{r.Key, mine}] = append(others[shardKey{r.Key, mine}], r.State)
		case sharded && own[at].Key != "":
			// This is the row again, as it was before it was locked. Rows of the INSERT come first.
		default:
			own[at] = r
		}
	}
	return own, others, err
}

// endBeyond returns a write that ends the live codes that a new code replaces, and the
// live codes of its number beyond the newest issue.KeepLive, the new code included. The
// number must be locked.
func (t *tx) endBeyond(c *identity.VerifyCode, issue identity.CodeIssue) (write, error) {
	now := millis(issue.Now)
	rows, err := query[codeRow](&t.statements,
		"SELECT id, binding, created_at FROM rekey_codes WHERE number_key = ? AND "+live+" ORDER BY created_at DESC, id DESC", c.NumberKey, now)
	if err != nil {
		return write{}, err
	}
	var ids []any
	if issue.Replace {
		rows = slices.DeleteFunc(rows, func(r codeRow) bool {
			same := bytes.Equal(r.Binding, c.Binding)
			if same {
				ids = append(ids, r.ID)
			}
			return same
		})
	}
	if c.Live(issue.Now) {
		rows = append(rows, codeRow{ID: c.ID, CreatedAt: millis(c.CreatedAt)})
		slices.SortFunc(rows, func(a, b codeRow) int { return cmp.Or(cmp.Compare(b.CreatedAt, a.CreatedAt), cmp.Compare(b.ID, a.ID)) })
	}
	for _, r := range rows[min(issue.KeepLive, len(rows)):] {
		if r.ID == c.ID {
			c.EndedAt = issue.Now
		} else {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return write{}, nil
	}
	return write{"UPDATE rekey_codes SET ended_at = ? WHERE id IN (" + marks(len(ids)) + ")", append([]any{now}, ids...)}, nil
}
