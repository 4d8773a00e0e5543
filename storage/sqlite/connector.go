package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	driversqlite "modernc.org/sqlite"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// connector makes [sql.DB.Close] leave one file that holds everything. SQLite moves the
// write-ahead log into the file and removes it when the last connection closes, but only
// if no other connection is open at that moment. sql.DB.Close does not ensure that: it
// returns while connections are in use. They close later, at the same time, or never
// because the process ends first.
type connector struct {
	driver.Connector
	path string
	db   *sql.DB
}

// openPool opens a pool of connections to the file.
func openPool(path string) (*sql.DB, error) {
	to, err := driversqlite.NewConnector(dsn(path))
	if err != nil {
		return nil, err
	}
	c := &connector{Connector: to, path: path}
	c.db = sql.OpenDB(c)
	c.db.SetMaxOpenConns(connections)
	c.db.SetMaxIdleConns(connections)
	return c.db, nil
}

// Close is called by sql.DB.Close, once the idle connections are closed and no new
// ones are opened.
func (c *connector) Close() error {
	const patience = bunstore.DefaultCallTimeout // by then, every call of a store has ended
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		n := c.db.Stats().OpenConnections
		if n == 0 {
			break
		}
		if time.Since(start) > patience {
			return fmt.Errorf("sqlite: close %s: %d connections are still in use after %s: close their rows and transactions first", c.path, n, patience)
		}
	}
	c.emptyLog()
	return nil
}

// emptyLog handles connections that closed at the same time, in this process or in
// others: each of them found another one open, and left the log. emptyLog opens and
// closes one more connection, a few times because other processes may do the same.
// Afterwards the log exists only if the file is still in use or cannot be written.
// Nothing is lost then: the next connection reads the log.
func (c *connector) emptyLog() {
	file, err := filepath.EvalSymlinks(c.path)
	if err != nil {
		return
	}
	for pause := time.Millisecond; pause < 50*time.Millisecond; pause *= 4 {
		if _, err := os.Stat(file + "-wal"); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if last(c.path) != nil {
			return
		}
		time.Sleep(rand.N(pause))
	}
}

// last opens a connection and closes it. It makes no file if the database was moved
// away.
func last(path string) error {
	db, err := sql.Open("sqlite", dsn(path)+"&mode=rw")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(context.Background(), "SELECT 1 FROM sqlite_schema LIMIT 1") // reading opens the log
	return errors.Join(err, db.Close())
}
