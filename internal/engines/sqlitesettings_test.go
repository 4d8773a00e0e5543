package engines_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// New finds settings that would fail under load or after a power loss.
func TestSQLiteSettingsAreFoundAtNew(t *testing.T) {
	t.Parallel()
	const good = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
	for name, test := range map[string]struct {
		dsn   string // after the file's name
		after func(*sql.DB) error
		says  string // if empty, New accepts
	}{
		"as needed":          {dsn: good},
		"one connection":     {dsn: good, after: func(db *sql.DB) error { db.SetMaxOpenConns(1); return nil }},
		"no _txlock":         {dsn: strings.Replace(good, "&_txlock=immediate", "", 1), says: "_txlock=immediate"},
		"deferred":           {dsn: strings.Replace(good, "immediate", "deferred", 1), says: "_txlock=immediate"},
		"rollback journal":   {dsn: strings.Replace(good, "WAL", "DELETE", 1), says: "journal_mode"},
		"synchronous normal": {dsn: strings.Replace(good, "FULL", "NORMAL", 1), says: "synchronous"},
		"no busy_timeout":    {dsn: strings.Replace(good, "busy_timeout(5000)", "busy_timeout(0)", 1), says: "busy_timeout"},
		"PRAGMA on one connection": {dsn: "_pragma=journal_mode(WAL)&_txlock=immediate", says: "busy_timeout", after: func(db *sql.DB) error {
			_, err := db.ExecContext(context.Background(), "PRAGMA busy_timeout = 5000")
			return err
		}},
		"in memory": {dsn: "mode=memory&" + good, says: "memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "app.db")+"?"+test.dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			if test.after != nil {
				if err := test.after(db); err != nil {
					t.Fatal(err)
				}
			}
			s, err := bunstore.New(bun.NewDB(db, sqlitedialect.New()))
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("New: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// This is another driver of SQLite, whose errors have another form.
func TestForeignSQLiteDriver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	db := sql.OpenDB(foreignDriver{"file:" + path + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_txlock=immediate"})
	t.Cleanup(func() { _ = db.Close() })
	if _, err := bunstore.New(bun.NewDB(db, sqlitedialect.New())); err == nil || !strings.Contains(err.Error(), "modernc.org/sqlite") {
		t.Errorf("New: %v", err)
	}
}

// foreignDriver hides the codes of errors.
type foreignDriver struct{ dsn string }

func (d foreignDriver) Driver() driver.Driver { return &sqlite.Driver{} }

func (d foreignDriver) Connect(context.Context) (driver.Conn, error) {
	c, err := (&sqlite.Driver{}).Open(d.dsn)
	return foreignConn{c}, err
}

type foreignConn struct{ driver.Conn }

func (c foreignConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o) //nolint:forcetypeassert // modernc's driver
}

func (c foreignConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args) //nolint:forcetypeassert // modernc's driver
}

func (c foreignConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	r, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args) //nolint:forcetypeassert // modernc's driver
	if err != nil {
		err = errors.New(fmt.Sprint(err)) // only the text
	}
	return r, err
}
