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
	"slices"
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
	"github.com/seed-16109ab2/rekey/storage/pgxpipeline"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// Store is what the commands need from a database of any engine.
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

// These errors do not repeat the address, which may contain a password.
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
			return nil, err // returning s itself would give an interface that holds a nil pointer
		}
		return s, nil
	}
	connect := openPostgres
	if e == engineMySQL {
		connect = openMySQL
	} else {
		options = append(slices.Clip(options), bunstore.WithPipeline(pgxpipeline.Pipeline{}))
	}
	pool, dialect, err := connect(db)
	if err != nil {
		return nil, err
	}
	// A connection is reused for as long as proxies and failovers are likely to leave it
	// open. Idle ones are kept, because opening one costs more than the SQL of a reset.
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	pool.SetConnMaxLifetime(30 * time.Minute)
	// This must come before bun gets the pool, because its MySQL dialect logs failures.
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

// postgresSession holds the settings that the store relies on. They override those of
// the address, the role and the server.
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
	// The simple protocol sends bytes as text, which the server misreads. Exec mode serves
	// the same proxies, which do not keep prepared statements.
	if config.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		config.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	session := strings.Join(set, "; ")
	return stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.PgConn().Exec(ctx, session).ReadAll()
		return err
	})), pgdialect.New(), nil
}

// openMySQL takes the driver's parameters (tls, timeout, readTimeout…) from the query
// of a URL. The nodes of a Galera cluster are separated by commas.
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
	config.ParseTime, config.MultiStatements, config.AllowAllFiles = false, false, false
	config.InterpolateParams = true // see bunstore.Galera
	config.ClientFoundRows = false
	config.TLSConfig = cmp.Or(config.TLSConfig, "preferred")
	config.Timeout = cmp.Or(config.Timeout, 10*time.Second)
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	// The driver's log repeats its errors in another format. While the database is away,
	// that is a flood of lines on standard error.
	config.Logger = &mysql.NopLogger{}
	// The store relies on these settings, so they override those of the address and the
	// server. Without the strict mode, a value that is too long is cut without an error.
	// Without autocommit, a write outside of a transaction is lost.
	config.Params["sql_mode"] = "'STRICT_ALL_TABLES'"
	config.Params["autocommit"] = "1"
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, settings.UsageError{Err: errParameters}
	}
	return connector, nil
}
