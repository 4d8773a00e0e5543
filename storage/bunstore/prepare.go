package bunstore

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// mostPrepared bounds the statements that are kept. Each connection has its own copy
// of each of them.
const mostPrepared = 100

// prepared keeps prepared statements by their text. database/sql remembers which
// connections have each of them, and closes them with the connection.
//
// A text is prepared after it has run twice, and never while the caller holds a
// connection. Preparing needs a connection too, so with the pool's last connection the
// caller would wait for itself. Until then the statement runs unprepared.
//
// A nil *prepared prepares nothing.
type prepared struct {
	db *sql.DB

	mu     sync.Mutex
	texts  map[string]*text
	wanted []string
	uses   int64
	busy   bool
}

type text struct {
	stmt *sql.Stmt
	used int64 // when it was last used, counted in uses of the cache
	// asked says that it is being prepared, or cannot be.
	asked bool
}

func newPrepared(db *sql.DB) *prepared { return &prepared{db: db, texts: map[string]*text{}} }

// get returns the prepared statement or nil, and notes texts to prepare.
func (p *prepared) get(query string) *sql.Stmt {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uses++
	t := p.texts[query]
	switch {
	case t == nil:
		p.texts[query] = &text{used: p.uses}
		p.shrink()
	case !t.asked:
		t.asked = true
		p.wanted = append(p.wanted, query)
		fallthrough
	default:
		t.used = p.uses
		return t.stmt
	}
	return nil
}

// shrink drops the least recently used text if there are too many.
func (p *prepared) shrink() {
	if len(p.texts) <= mostPrepared {
		return
	}
	var oldest string
	for query, t := range p.texts {
		if o := p.texts[oldest]; o == nil || t.used < o.used {
			oldest = query
		}
	}
	drop(p.texts[oldest].stmt)
	delete(p.texts, oldest)
}

// drop closes a statement in the background, because closing waits for the work of all
// connections that have it.
func drop(stmt *sql.Stmt) {
	if stmt != nil {
		go func() { _ = stmt.Close() }()
	}
}

// prepare prepares the noted texts. The caller must hold no connection. A statement
// that cannot be prepared keeps running unprepared.
func (p *prepared) prepare() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy || len(p.wanted) == 0 {
		return
	}
	p.busy = true
	defer func() { p.busy = false }()
	wanted := p.wanted
	p.wanted = nil
	p.mu.Unlock()
	made := make(map[string]*sql.Stmt, len(wanted))
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, query := range wanted {
		if stmt, err := p.db.PrepareContext(ctx, query); err == nil { //nolint:sqlclosecheck // kept; the database closes it
			made[query] = stmt
		}
	}
	p.mu.Lock()
	for query, stmt := range made {
		if t := p.texts[query]; t != nil && t.stmt == nil {
			t.stmt = stmt
		} else {
			drop(stmt)
		}
	}
}

// on returns the transaction, which uses the prepared statements.
func (p *prepared) on(tx *sql.Tx) conn {
	if p == nil {
		return tx
	}
	return &preparedTx{tx: tx, cache: p, bound: map[string]*sql.Stmt{}}
}

type preparedTx struct {
	tx    *sql.Tx
	cache *prepared
	bound map[string]*sql.Stmt
}

func (t *preparedTx) bind(ctx context.Context, query string) *sql.Stmt {
	stmt := t.bound[query]
	if stmt == nil {
		if stmt = t.cache.get(query); stmt != nil {
			stmt = t.tx.StmtContext(ctx, stmt)
			t.bound[query] = stmt
		}
	}
	return stmt
}

func (t *preparedTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := t.bind(ctx, query); stmt != nil {
		if res, err := stmt.ExecContext(ctx, args...); !dropped(err) {
			return res, err
		}
	}
	return t.tx.ExecContext(ctx, query, args...)
}

func (t *preparedTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := t.bind(ctx, query); stmt != nil {
		if rows, err := stmt.QueryContext(ctx, args...); !dropped(err) { //nolint:sqlclosecheck,rowserrcheck // the caller's
			return rows, err
		}
	}
	return t.tx.QueryContext(ctx, query, args...)
}

// preparedDB runs statements outside of transactions.
type preparedDB struct {
	*sql.DB
	cache *prepared
}

func (d preparedDB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	d.cache.prepare()
	if stmt := d.cache.get(query); stmt != nil {
		if res, err := stmt.ExecContext(ctx, args...); !dropped(err) {
			return res, err
		}
	}
	return d.DB.ExecContext(ctx, query, args...)
}

func (d preparedDB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	d.cache.prepare()
	if stmt := d.cache.get(query); stmt != nil {
		if rows, err := stmt.QueryContext(ctx, args...); !dropped(err) { //nolint:sqlclosecheck,rowserrcheck // the caller's
			return rows, err
		}
	}
	return d.DB.QueryContext(ctx, query, args...)
}

// dropped reports whether a statement did not run because the cache had closed it, or
// because the server holds too many (MySQL's max_prepared_stmt_count).
func dropped(err error) bool {
	if err == nil {
		return false
	}
	_, _, mysql := errorCode(err)
	return mysql == "1461" || err.Error() == "sql: statement is closed"
}
