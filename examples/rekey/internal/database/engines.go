package database

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/schema"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// Store is what the commands need of a database, on any engine.
type Store interface {
	identity.Storage
	Migrate(context.Context) error
	Pending(context.Context) ([]string, error)
	Check(context.Context) error
	SQL(ids ...string) ([]string, error)
	CheckUsers(context.Context) (bunstore.UsersReport, error)
	WithTx(tx bunstore.Tx) *bunstore.Store
	DB() *bun.DB
}

// These repeat nothing of an address: it may hold a password.
var (
	errAddress      = errors.New("-db is not an address such as postgres://user@host:5432/database")
	errMySQLAddress = errors.New("-db is not an address such as mysql://user@host:3306/database")
	errParameters   = errors.New("-db has parameters that the MySQL driver does not take")
)

// open connects to the database, and changes nothing in it.
func open(ctx context.Context, db string, connections int, options []bunstore.Option) (Store, error) {
	e, err := engineOf(db)
	if err != nil {
		return nil, err
	}
	if e == engineSQLite {
		s, err := sqlite.Connect(db, options...)
		if err != nil {
			return nil, err // not s, which would be a store that is not nil
		}
		return s, nil
	}
	connect := openPostgres
	if e == engineMySQL {
		connect = openMySQL
	}
	pool, dialect, err := connect(db)
	if err != nil {
		return nil, err
	}
	// A connection is used again for as long as a proxy or a failover may leave
	// it open, and idle ones are kept: to open one costs more than a reset's SQL.
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	pool.SetConnMaxLifetime(30 * time.Minute)
	// Before bun has the pool: its MySQL dialect writes what fails to the log.
	reach, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := pool.PingContext(reach); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", Displayed(db), err), pool.Close())
	}
	s, err := bunstore.New(bun.NewDB(pool, dialect), options...)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return s, nil
}

// postgresSession is what the store relies on, whatever the address, the role or
// the server says.
var postgresSession = map[string]string{
	"bytea_output": "hex", "standard_conforming_strings": "on",
}

func openPostgres(db string) (*sql.DB, schema.Dialect, error) {
	config, err := pgx.ParseConfig(db)
	if err != nil {
		return nil, nil, settings.UsageError{Err: errAddress}
	}
	config.RuntimeParams["application_name"] = cmp.Or(config.RuntimeParams["application_name"], "rekey")
	var set []string
	for name, value := range postgresSession {
		delete(config.RuntimeParams, name)
		set = append(set, "SET "+name+" = "+value)
	}
	// The simple protocol sends bytes as text that the server misreads. Exec is for
	// the same proxies, which keep no prepared statements.
	if config.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		config.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	session := strings.Join(set, "; ")
	return stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.PgConn().Exec(ctx, session).ReadAll()
		return err
	})), pgdialect.New(), nil
}

// openMySQL takes the driver's parameters (tls, timeout, readTimeout…) as the
// query of a URL, and the nodes of a Galera cluster with commas between them.
func openMySQL(db string) (*sql.DB, schema.Dialect, error) {
	u, err := url.Parse(db)
	if err != nil || u.User == nil || strings.Trim(u.Path, "/") == "" {
		return nil, nil, settings.UsageError{Err: errMySQLAddress}
	}
	var nodes []driver.Connector
	for host := range strings.SplitSeq(u.Host, ",") {
		node, err := mySQLNode(u, host)
		if err != nil {
			return nil, nil, err
		}
		nodes = append(nodes, node)
	}
	return sql.OpenDB(bunstore.Galera(nodes...)), mysqldialect.New(), nil
}

func mySQLNode(u *url.URL, host string) (driver.Connector, error) {
	config, err := mysql.ParseDSN("/?" + u.RawQuery)
	if err != nil {
		return nil, settings.UsageError{Err: errParameters}
	}
	at, err := url.Parse("mysql://" + host)
	if err != nil || host == "" && u.Host != "" {
		return nil, settings.UsageError{Err: errMySQLAddress}
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Net, config.Addr = "tcp", net.JoinHostPort(cmp.Or(at.Hostname(), "127.0.0.1"), cmp.Or(at.Port(), "3306"))
	config.DBName = strings.Trim(u.Path, "/")
	config.ParseTime, config.InterpolateParams, config.MultiStatements, config.AllowAllFiles = false, false, false, false
	config.ClientFoundRows = false
	config.TLSConfig = cmp.Or(config.TLSConfig, "preferred")
	config.Timeout = cmp.Or(config.Timeout, 10*time.Second)
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	// The driver's log repeats what its errors say, in a format of its own: a flood
	// of lines on standard error while the database is away.
	config.Logger = &mysql.NopLogger{}
	// What the store relies on, whatever the address or the server says: without
	// the strict mode, a value that is too long is cut without an error; without
	// autocommit, what is written outside of a transaction is lost.
	config.Params["sql_mode"] = "'STRICT_ALL_TABLES'"
	config.Params["autocommit"] = "1"
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, settings.UsageError{Err: errParameters}
	}
	return connector, nil
}
