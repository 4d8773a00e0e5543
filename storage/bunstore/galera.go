package bunstore

import (
	"bytes"
	"cmp"
	"context"
	crand "crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"
)

// Galera returns a connector for the nodes of one Galera cluster (MariaDB, or Percona
// XtraDB Cluster), each given by the connector of its driver. It connects to the first
// node that belongs to the cluster's majority, starting with the node that served
// last. Give each of your servers another order of the nodes to spread the load. The
// connector sets wsrep_sync_wait=1 on each connection, so that a transaction sees
// everything that other nodes acknowledged before it began.
//
// Set interpolateParams=true (InterpolateParams) in the configuration of each node. Without
// it the driver prepares statements, and MariaDB 10.11 can lose transactions: if a node
// aborts a transaction while a prepared statement runs, later statements run outside of any
// transaction, and COMMIT answers OK. [Store.Check] and [Store.Migrate] refuse such a pool.
//
//	db := sql.OpenDB(bunstore.Galera(node1, node2, node3))
//
// A server without Galera is accepted as it is.
func Galera(nodes ...driver.Connector) driver.Connector { return &galeraNodes{nodes: nodes} }

type galeraNodes struct {
	nodes []driver.Connector
	last  atomic.Int64
}

func (g *galeraNodes) Driver() driver.Driver {
	if len(g.nodes) == 0 {
		return nil
	}
	return g.nodes[0].Driver()
}

func (g *galeraNodes) Connect(ctx context.Context) (driver.Conn, error) {
	if len(g.nodes) == 1 {
		return connectReady(ctx, g.nodes[0])
	}
	var failed []string
	first := int(g.last.Load())
	for i := range g.nodes {
		n := (first + i) % len(g.nodes)
		// One node gets a third of the time that a silent connection may take, so that
		// time is left for the other nodes.
		once, cancel := context.WithTimeout(ctx, longestSilence/3)
		c, err := connectReady(once, g.nodes[n])
		cancel()
		if err == nil {
			g.last.Store(int64(n))
			return c, nil
		}
		g.last.CompareAndSwap(int64(n), int64((n+1)%len(g.nodes)))
		if failed = append(failed, err.Error()); ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %s", ctx.Err(), strings.Join(failed, "; "))
		}
	}
	return nil, fmt.Errorf("none of %d nodes is usable: %s", len(g.nodes), strings.Join(failed, "; "))
}

func connectReady(ctx context.Context, node driver.Connector) (driver.Conn, error) {
	c, err := node.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := readyGalera(ctx, c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func readyGalera(ctx context.Context, c driver.Conn) error {
	on, err := showGalera(ctx, c, "SHOW VARIABLES LIKE 'wsrep_on'")
	if err != nil || on != "ON" {
		return err
	}
	ready, err := showGalera(ctx, c, "SHOW STATUS LIKE 'wsrep_ready'")
	if err != nil {
		return err
	}
	if ready != "ON" {
		return errors.New("the node is not part of the cluster's majority")
	}
	exec, ok := c.(driver.ExecerContext)
	if !ok {
		return errors.New("the driver runs no statement without preparing it")
	}
	_, err = exec.ExecContext(ctx, "SET SESSION wsrep_sync_wait = 1", nil)
	return err
}

// showGalera returns the value of a SHOW statement that finds one name, or "".
func showGalera(ctx context.Context, c driver.Conn, show string) (string, error) {
	query, ok := c.(driver.QueryerContext)
	if !ok {
		return "", errors.New("the driver runs no statement without preparing it")
	}
	rows, err := query.QueryContext(ctx, show, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil || len(row) < 2 {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return "", err
	}
	if text, ok := row[1].([]byte); ok {
		return string(text), nil
	}
	return fmt.Sprint(row[1]), nil
}

// probeGalera finds out whether the server is a node of a Galera cluster, and
// refuses connections whose reads may miss what another node has acknowledged.
func (s *Store) probeGalera(ctx context.Context) (bool, error) {
	var name, on string
	err := s.db.DB.QueryRowContext(ctx, "SHOW VARIABLES LIKE 'wsrep_on'").Scan(&name, &on)
	if errors.Is(err, sql.ErrNoRows) || err == nil && on != "ON" {
		return false, nil
	}
	if err == nil {
		err = s.probeText(ctx)
	}
	var wait int
	if err == nil {
		err = s.db.DB.QueryRowContext(ctx, "SELECT @@SESSION.wsrep_sync_wait").Scan(&wait)
	}
	if err == nil && wait&1 == 0 {
		err = fmt.Errorf("%w: it is a node of a Galera cluster, where a read may miss what another node has acknowledged: "+
			"open the pool with bunstore.Galera, or set wsrep_sync_wait=1 for its connections", ErrUnfit)
	}
	return true, err
}

// probeText refuses connections whose driver prepares statements with parameters.
func (s *Store) probeText(ctx context.Context) error {
	c, err := s.db.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	prepared := func() (name string, n int, err error) {
		err = c.QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'").Scan(&name, &n)
		return name, n, err
	}
	_, before, err := prepared()
	if err != nil {
		return err
	}
	var one int
	if err := c.QueryRowContext(ctx, "SELECT ?", 1).Scan(&one); err != nil {
		return err
	}
	if _, after, err := prepared(); err != nil || after == before {
		return err
	}
	return fmt.Errorf("%w: it is a node of a Galera cluster, and the driver prepares statements. MariaDB can then answer a commit with OK "+
		"although nothing was stored: set interpolateParams=true for the connections", ErrUnfit)
}

// isGalera reports what the probe found.
func (s *Store) isGalera() bool {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	return s.server.galera
}

// aDay is how long a row stays, in milliseconds, until a purge may take it.
const aDay = 24 * 60 * 60 * 1000

// lockNumberAcross makes the transactions of one number run one after the other on all
// nodes. Nodes do not share row locks. But of two nodes that write the same row, one
// fails at its commit, and its transaction is run again. The value written differs each
// time, because the engine skips a write that changes nothing.
func (t *tx) lockNumberAcross(numberKey []byte, now int64) error {
	return t.mark(fmt.Sprintf("number/%x", numberKey), fmt.Appendf(nil, "%x", rand.Uint64()), now+aDay)
}

// mark writes a row that is no limit.
func (t *tx) mark(key string, value []byte, expires int64) error {
	_, err := t.exec("INSERT INTO rekey_limits ("+limitColumns+") VALUES ("+marks(4)+")"+t.engine.upsert("limit_key, shard", "state", "expires_at"),
		key, 0, value, expires)
	return err
}

// witness is a row that a transaction writes first and that is read after its commit.
// MariaDB 10.11 can answer a COMMIT with OK although it has aborted the transaction for
// the sake of one from another node. The row is then missing, also if later statements
// took effect outside of the transaction. Transactions that are under way at the same
// time have different rows.
type witness struct {
	key   string
	value []byte // what the transaction wrote
}

// write is the first statement of the transaction.
func (w *witness) write(t *tx) error {
	w.value = []byte(crand.Text())
	return t.mark(w.key, w.value, time.Now().UnixMilli()+aDay)
}

// witness returns a row that no other transaction uses until it is given back.
func (s *server) witness() *witness {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.witnesses); n > 0 {
		w := s.witnesses[n-1]
		s.witnesses = s.witnesses[:n-1]
		return &witness{key: w}
	}
	return &witness{key: "commit/" + crand.Text()}
}

func (s *server) giveBack(w *witness) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.witnesses = append(s.witnesses, w.key)
}

// saw returns nil if the transaction is stored, whatever COMMIT answered, and otherwise an
// error after which the transaction can be run again: answered, or errLost.
func (w *witness) saw(ctx context.Context, c *sql.Conn, answered error) error {
	// It goes on when the caller's context ends, as the commit does.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestSilence)
	defer cancel()
	var value []byte
	err := c.QueryRowContext(ctx, "SELECT state FROM rekey_limits WHERE limit_key = ? AND shard = 0", w.key).Scan(&value)
	switch {
	case err == nil && bytes.Equal(value, w.value):
		return nil
	case err == nil, errors.Is(err, sql.ErrNoRows):
		return cmp.Or(answered, errLost)
	}
	return &commitError{err}
}
