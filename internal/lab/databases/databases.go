// Package databases makes empty databases on each engine, for the programs under
// fault and measure.
package databases

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/pgxpipeline"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// Engines are the names of the engines for Fresh.
var Engines = []string{"sqlite", "postgres", "mysql"}

// Database is a new database for one test or program.
type Database struct {
	Engine string
	// Address is the database's address for examples/rekey: a path, or a URL with a
	// password.
	Address string
	drop    func(context.Context) error
}

// variables are the environment variables that name a server.
var variables = map[string]string{"postgres": "REKEY_TEST_POSTGRES", "mysql": "REKEY_TEST_MYSQL"}

// ErrNoServer says that the environment names no server of the engine.
var ErrNoServer = errors.New("no server")

// Fresh makes an empty database: a file in the folder, or a database on the server that
// the environment names, which Drop removes. Without a server, the error wraps
// [ErrNoServer] and names the variable to set.
func Fresh(ctx context.Context, engine, dir string) (*Database, error) {
	if engine == "sqlite" {
		return &Database{Engine: engine, Address: filepath.Join(dir, "rekey.db"), drop: func(context.Context) error { return nil }}, nil
	}
	variable, known := variables[engine]
	if !known {
		return nil, fmt.Errorf("engine %q is not one of %s", engine, strings.Join(Engines, ", "))
	}
	dsn := os.Getenv(variable)
	if dsn == "" {
		return nil, fmt.Errorf("%w: to run it, set %s to a server that may create databases", ErrNoServer, variable)
	}
	return On(ctx, engine, dsn)
}

// On makes an empty database on a server. The server is a URL for "postgres", and a DSN
// of the driver for "mysql".
func On(ctx context.Context, engine, dsn string) (*Database, error) {
	driverName, address, err := "pgx", "", error(nil)
	name := "rekey_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if engine == "mysql" {
		driverName = "mysql"
		address, err = mysqlURL(dsn, name)
	} else {
		address, err = postgresURL(dsn, name)
	}
	if err != nil {
		return nil, err
	}
	admin := func(ctx context.Context, statement string) error {
		db, err := sql.Open(driverName, dsn)
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, statement)
		return errors.Join(err, db.Close())
	}
	if err := admin(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, err
	}
	drop := "DROP DATABASE " + name
	if engine == "postgres" {
		drop += " WITH (FORCE)" // despite connections that a killed process has left
	}
	return &Database{Engine: engine, Address: address, drop: func(ctx context.Context) error { return admin(ctx, drop) }}, nil
}

func postgresURL(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

func mysqlURL(dsn, name string) (string, error) {
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", err
	}
	u := url.URL{Scheme: "mysql", User: url.UserPassword(c.User, c.Passwd), Host: c.Addr, Path: "/" + name}
	return u.String(), nil
}

// Drop removes the database from its server.
func (d *Database) Drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return d.drop(ctx)
}

// Via returns the same database at another host and port, or at several, separated by
// commas.
func (d *Database) Via(addr string) (*Database, error) {
	u, err := url.Parse(d.Address)
	if err != nil {
		return nil, err
	}
	u.Host = addr
	return &Database{Engine: d.Engine, Address: u.String(), drop: d.drop}, nil
}

// Pool opens the database with a new pool of at most that many connections.
func (d *Database) Pool(connections int) (*bun.DB, error) {
	if d.Engine == "sqlite" {
		store, err := sqlite.Connect(d.Address)
		if err != nil {
			return nil, err
		}
		return store.DB(), nil
	}
	var db *sql.DB
	if d.Engine == "mysql" {
		u, err := url.Parse(d.Address)
		if err != nil {
			return nil, err
		}
		var nodes []driver.Connector
		for host := range strings.SplitSeq(u.Host, ",") {
			c := mysql.NewConfig()
			c.User = u.User.Username()
			c.Passwd, _ = u.User.Password()
			c.Net, c.Addr, c.DBName = "tcp", host, strings.Trim(u.Path, "/")
			c.Timeout = 10 * time.Second
			c.InterpolateParams = true // see bunstore.Galera
			c.Params = map[string]string{"innodb_lock_wait_timeout": "5"}
			c.Logger = &mysql.NopLogger{} // it would write a line for each connection that a fault cuts
			node, err := mysql.NewConnector(c)
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, node)
		}
		db = sql.OpenDB(bunstore.Galera(nodes...))
	} else {
		var err error
		if db, err = sql.Open("pgx", d.Address); err != nil {
			return nil, err
		}
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if d.Engine == "mysql" {
		return bun.NewDB(db, mysqldialect.New()), nil
	}
	return bun.NewDB(db, pgdialect.New()), nil
}

// Open opens a migrated store with a new pool. Close it by closing its DB.
func (d *Database) Open(ctx context.Context, connections int) (*bunstore.Store, error) {
	if d.Engine == "sqlite" {
		store, err := sqlite.Open(ctx, d.Address)
		if err != nil {
			return nil, err
		}
		return store.Store, nil
	}
	db, err := d.Pool(connections)
	if err != nil {
		return nil, err
	}
	var options []bunstore.Option
	if d.Engine == "postgres" {
		options = append(options, bunstore.WithPipeline(pgxpipeline.Pipeline{}))
	}
	store, err := bunstore.New(db, options...)
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return store, nil
}
