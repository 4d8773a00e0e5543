package bunstore

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

const (
	stateColumns   = "id, state, created_at, next_at, expires_at, attempts, claim_token, claim_until, finished_at, provider, provider_ref, last_error, lane, key_id"
	messageColumns = stateColumns + ", sealed"
	receiptColumns = "COALESCE(r.state, '') AS receipt_state, COALESCE(r.code, '') AS receipt_code, COALESCE(r.at, 0) AS receipt_at"
)

type messageRow struct {
	ID          string `bun:"id"`
	State       string `bun:"state"`
	CreatedAt   int64  `bun:"created_at"`
	NextAt      int64  `bun:"next_at"`
	ExpiresAt   int64  `bun:"expires_at"`
	Attempts    int    `bun:"attempts"`
	LeaseToken  string `bun:"claim_token"`
	LeaseUntil  int64  `bun:"claim_until"`
	FinishedAt  int64  `bun:"finished_at"`
	Provider    string `bun:"provider"`
	ProviderRef string `bun:"provider_ref"`
	LastError   string `bun:"last_error"`
	Lane        string `bun:"lane"`
	KeyID       string `bun:"key_id"`
	Sealed      []byte `bun:"sealed"`

	ReceiptState string `bun:"receipt_state"`
	ReceiptCode  string `bun:"receipt_code"`
	ReceiptAt    int64  `bun:"receipt_at"`
}

func (r messageRow) message() outbox.Message {
	return outbox.Message{
		ID: r.ID, Lane: outbox.Lane(r.Lane), KeyID: r.KeyID, Sealed: r.Sealed, State: outbox.State(r.State), CreatedAt: fromMillis(r.CreatedAt), NextAt: fromMillis(r.NextAt),
		ExpiresAt: fromMillis(r.ExpiresAt), Attempts: r.Attempts, LeaseToken: r.LeaseToken, LeaseUntil: fromMillis(r.LeaseUntil),
		FinishedAt: fromMillis(r.FinishedAt), Provider: r.Provider, ProviderRef: r.ProviderRef, LastError: r.LastError,
		Receipt: sms.ReceiptState(r.ReceiptState), ReceiptCode: r.ReceiptCode, ReceiptAt: fromMillis(r.ReceiptAt),
	}
}

func (t *tx) enqueue(messages []outbox.Message) error {
	for some := range slices.Chunk(messages, batch) {
		if err := t.together(messagesWrite(some)); err != nil {
			return err
		}
	}
	return nil
}

// messagesWrite stores at most batch messages.
func messagesWrite(messages []outbox.Message) write {
	if len(messages) == 0 {
		return write{}
	}
	var args []any
	for _, m := range messages {
		args = append(args, m.ID, string(m.State), millis(m.CreatedAt), millis(m.NextAt), millis(m.ExpiresAt), m.Attempts, m.LeaseToken,
			millis(m.LeaseUntil), millis(m.FinishedAt), m.Provider, m.ProviderRef, m.LastError, string(m.Lane), m.KeyID, m.Sealed)
	}
	return write{"INSERT INTO rekey_messages (" + messageColumns + ") VALUES " + tuples(len(messages), 15), args}
}

// mostLeased bounds one lease, for the same reason as batch.
const mostLeased = 10_000

// due selects the messages of a lane that may be leased. Its parameters are the lane,
// now twice, and the ids of secrets. Rows that are older than the column of ids have
// none.
func due(keys int) string {
	return "lane = ? AND state = 'pending' AND next_at <= ? AND claim_until <= ? AND key_id IN ('', " + marks(keys) + ")"
}

// LeaseMessages implements [identity.Outbox]. It leases at most 10,000 messages.
func (s *Store) LeaseMessages(ctx context.Context, l outbox.Lease) (leased []outbox.Message, err error) {
	if l.Max <= 0 || len(l.KeyIDs) == 0 {
		return nil, ctx.Err()
	}
	selected := []any{string(l.Lane), millis(l.Now), millis(l.Now)}
	for _, id := range l.KeyIDs {
		selected = append(selected, id)
	}
	// Most polls find nothing. A read is enough to see that.
	waiting, err := query[idRow](s.read(ctx), "SELECT id FROM rekey_messages WHERE "+due(len(l.KeyIDs))+" LIMIT 1", selected...)
	if err != nil || len(waiting) == 0 {
		return nil, wrap("lease messages", err)
	}
	err = s.inLane(ctx, deliveries, func(t *tx) (err error) {
		leased, err = t.lease(l, selected)
		return err
	})
	if err != nil {
		return nil, wrap("lease messages", err)
	}
	return leased, nil
}

// lease leases messages, the ones that are due longest first.
func (t *tx) lease(l outbox.Lease, selected []any) (leased []outbox.Message, err error) {
	most := min(l.Max, mostLeased)
	from := " FROM rekey_messages WHERE " + due(len(l.KeyIDs)) + " ORDER BY next_at, id LIMIT ?" + t.engine.skipLocked
	change := "UPDATE rekey_messages SET attempts = attempts + 1, claim_token = ?, claim_until = ? WHERE id IN ("
	selected, token := append(slices.Clip(selected), most), []any{l.Token, millis(l.Until)}
	var rows []messageRow
	if t.engine.returning {
		rows, err = query[messageRow](&t.statements, "WITH picked AS MATERIALIZED (SELECT id"+from+") "+change+"SELECT id FROM picked) RETURNING "+messageColumns,
			append(selected, token...)...)
		slices.SortFunc(rows, func(a, b messageRow) int { return cmp.Or(cmp.Compare(a.NextAt, b.NextAt), cmp.Compare(a.ID, b.ID)) })
	} else if rows, err = query[messageRow](&t.statements, "SELECT "+messageColumns+from, selected...); len(rows) > 0 {
		ids := make([]any, len(rows))
		for i := range rows {
			rows[i].Attempts++
			rows[i].LeaseToken, rows[i].LeaseUntil = l.Token, millis(l.Until)
			ids[i] = rows[i].ID
		}
		ids = padded(ids)
		_, err = t.exec(change+marks(len(ids))+")", append(token, ids...)...)
	}
	for _, r := range rows {
		leased = append(leased, r.message())
	}
	return leased, err
}

// FinishMessages implements [identity.Outbox].
func (s *Store) FinishMessages(ctx context.Context, results []outbox.Result) (lost []string, err error) {
	if len(results) == 0 {
		return nil, ctx.Err()
	}
	sorted := slices.SortedFunc(slices.Values(results), func(a, b outbox.Result) int { return cmp.Compare(a.ID, b.ID) })
	err = s.inLane(ctx, deliveries, func(t *tx) (err error) {
		lost, err = t.finishAll(sorted)
		return err
	})
	if err != nil {
		return nil, wrap("finish messages", err)
	}
	return lost, nil
}

// finishAll records results in the order of their messages, and returns the messages whose
// lease has ended.
func (t *tx) finishAll(sorted []outbox.Result) (lost []string, err error) {
	for rest := sorted; len(rest) > 0; {
		n := 1
		if t.engine.returning {
			n = alike(rest[:min(len(rest), mostFinished)])
		}
		var ids []idRow
		if n == 1 {
			ids, err = t.finish(rest[0])
		} else {
			ids, err = t.finishTogether(rest[:n])
		}
		if err != nil {
			return nil, err
		}
		for _, r := range rest[:n] {
			if !slices.Contains(ids, idRow{r.ID}) {
				lost = append(lost, r.ID)
			}
		}
		rest = rest[n:]
	}
	return lost, nil
}

// mostFinished bounds the results of one statement.
const mostFinished = 64

// alike returns how many results from the first on one statement can record: those of
// different messages that all end them, or all do not. It is a power of two, so that there
// are few different statements to prepare.
func alike(results []outbox.Result) int {
	n := 1
	for n < len(results) && results[n].State.Final() == results[0].State.Final() && results[n].ID != results[n-1].ID {
		n++
	}
	return 1 << (bits.Len(uint(n)) - 1)
}

// finishTogether is finish for several results that are alike. It returns the messages that
// it changed.
func (t *tx) finishTogether(results []outbox.Result) ([]idRow, error) {
	row, then := "(CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT))", "next_at = v.at"
	if results[0].State.Final() {
		then = "sealed = NULL, finished_at = v.at"
	}
	var args []any
	for _, r := range results {
		at := r.NextAt
		if r.State.Final() {
			at = r.Now
		}
		args = append(args, r.ID, r.LeaseToken, string(r.State), r.Provider, r.ProviderRef, r.LastError, millis(at))
	}
	// COALESCE keeps PostgreSQL from reading the index of all pending messages, which it
	// prefers to the primary key before the table has statistics.
	return query[idRow](&t.statements, "WITH v(message, token, state, provider, ref, error, at) AS (VALUES "+strings.TrimSuffix(strings.Repeat(row+", ", len(results)), ", ")+
		") UPDATE rekey_messages SET state = v.state, claim_token = '', claim_until = 0, provider = v.provider, provider_ref = v.ref, last_error = v.error, "+then+
		" FROM v WHERE rekey_messages.id = v.message AND claim_token = v.token AND claim_token <> '' AND COALESCE(rekey_messages.state, '') = 'pending' RETURNING rekey_messages.id", args...)
}

func (t *tx) finish(r outbox.Result) (finished []idRow, err error) {
	columns := []string{"state = ?", "claim_token = ''", "claim_until = 0", "provider = ?", "provider_ref = ?", "last_error = ?"}
	args := []any{string(r.State), r.Provider, r.ProviderRef, r.LastError}
	if r.State.Final() {
		columns, args = append(columns, "sealed = NULL", "finished_at = ?"), append(args, millis(r.Now))
	} else {
		columns, args = append(columns, "next_at = ?"), append(args, millis(r.NextAt))
	}
	n, err := t.exec("UPDATE rekey_messages SET "+strings.Join(columns, ", ")+
		" WHERE id = ? AND claim_token = ? AND claim_token <> '' AND state = 'pending'", append(args, r.ID, r.LeaseToken)...)
	if n == 1 {
		finished = []idRow{{r.ID}}
	}
	return finished, err
}

// Backlog implements [identity.Outbox].
func (s *Store) Backlog(ctx context.Context) ([]outbox.Backlog, error) {
	rows, err := query[backlogRow](s.read(ctx), "SELECT lane, COUNT(*) AS pending, MIN(next_at) AS earliest FROM rekey_messages WHERE state = 'pending' GROUP BY lane")
	if err != nil {
		return nil, wrap("read backlog", err)
	}
	backlog := make([]outbox.Backlog, len(rows))
	for i, r := range rows {
		backlog[i] = outbox.Backlog{Lane: outbox.Lane(r.Lane), Pending: r.Pending, Earliest: fromMillis(r.Earliest)}
	}
	return backlog, nil
}

type backlogRow struct {
	Lane     string `bun:"lane"`
	Pending  int    `bun:"pending"`
	Earliest int64  `bun:"earliest"`
}

// RecordReceipt implements [identity.Outbox].
func (s *Store) RecordReceipt(ctx context.Context, r sms.DeliveryReceipt) error {
	if r.Provider == "" || r.Ref == "" {
		return wrap("record receipt", identity.ErrNotFound)
	}
	err := s.inTx(ctx, func(t *tx) error {
		// The lock keeps a purge from removing the message before its receipt is stored.
		message, err := one[idRow](&t.statements, "SELECT id FROM rekey_messages WHERE provider = ? AND provider_ref = ? ORDER BY id LIMIT 1"+t.engine.forUpdate,
			r.Provider, r.Ref)
		if err != nil {
			return err
		}
		_, err = t.exec("INSERT INTO rekey_receipts (message_id, state, code, at) VALUES ("+marks(4)+")"+t.engine.ignore("message_id"),
			message.ID, string(r.State), r.Code, millis(r.At))
		return err
	})
	return wrap("record receipt", err)
}

// qualified puts the alias of a table before each column.
func qualified(alias, columns string) string {
	return alias + "." + strings.ReplaceAll(columns, ", ", ", "+alias+".")
}

// MessageStates implements [identity.Outbox].
func (s *Store) MessageStates(ctx context.Context, afterID string, most int) ([]outbox.Message, error) {
	if most <= 0 {
		return nil, ctx.Err()
	}
	rows, err := query[messageRow](s.read(ctx), "SELECT "+qualified("m", stateColumns)+", "+receiptColumns+
		" FROM rekey_messages m LEFT JOIN rekey_receipts r ON r.message_id = m.id WHERE m.id > ? ORDER BY m.id LIMIT ?", afterID, most)
	if err != nil {
		return nil, wrap("list messages", err)
	}
	messages := make([]outbox.Message, len(rows))
	for i, r := range rows {
		messages[i] = r.message()
	}
	return messages, nil
}
