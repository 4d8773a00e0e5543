package main

import (
	"cmp"
	"context"
	"database/sql"
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

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// store is what the commands need of a database, on any engine.
type store interface {
	identity.Storage
	Migrate(context.Context) error
	Pending(context.Context) ([]string, error)
	Check(context.Context) error
	SQL(ids ...string) []string
	DB() *bun.DB
}

// engineOf is "postgres" or "mysql" for an address with a scheme, "sqlite" for
// the path of a file.
func engineOf(db string) (string, error) {
	scheme, _, found := strings.Cut(db, "://")
	switch {
	case !found:
		return "sqlite", nil
	case scheme == "postgres" || scheme == "postgresql":
		return "postgres", nil
	case scheme == "mysql" || scheme == "mariadb":
		return "mysql", nil
	}
	return "", usagef("-db must be the path of a file, postgres://… or mysql://…")
}

// errAddress repeats nothing of an address: it may hold a password.
var (
	errAddress    = errors.New("-db is not an address such as postgres://user@host:5432/database")
	errParameters = errors.New("-db has parameters that the MySQL driver does not take")
)

// open connects to the database, and changes nothing in it.
func open(ctx context.Context, db string, connections int) (store, error) {
	engine, err := engineOf(db)
	if err != nil {
		return nil, err
	}
	if engine == "sqlite" {
		s, err := sqlite.Connect(db)
		if err != nil {
			return nil, err // not s, which would be a store that is not nil
		}
		return s, nil
	}
	connect := openPostgres
	if engine == "mysql" {
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
		return nil, errors.Join(fmt.Errorf("database %s: %w", displayed(db), err), pool.Close())
	}
	s, err := bunstore.New(bun.NewDB(pool, dialect))
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return s, nil
}

func openPostgres(db string) (*sql.DB, schema.Dialect, error) {
	config, err := pgx.ParseConfig(db)
	if err != nil {
		return nil, nil, usageError{errAddress}
	}
	config.RuntimeParams["application_name"] = cmp.Or(config.RuntimeParams["application_name"], program)
	return stdlib.OpenDB(*config), pgdialect.New(), nil
}

// openMySQL takes the driver's parameters (tls, timeout, readTimeout…) as the
// query of a URL.
func openMySQL(db string) (*sql.DB, schema.Dialect, error) {
	u, err := url.Parse(db)
	if err != nil || u.User == nil || strings.Trim(u.Path, "/") == "" {
		return nil, nil, usageError{errors.New("-db is not an address such as mysql://user@host:3306/database")}
	}
	config, err := mysql.ParseDSN("/?" + u.RawQuery)
	if err != nil {
		return nil, nil, usageError{errParameters}
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Net, config.Addr = "tcp", net.JoinHostPort(cmp.Or(u.Hostname(), "127.0.0.1"), cmp.Or(u.Port(), "3306"))
	config.DBName = strings.Trim(u.Path, "/")
	config.ParseTime, config.InterpolateParams, config.MultiStatements, config.AllowAllFiles = false, false, false, false
	config.TLSConfig = cmp.Or(config.TLSConfig, "preferred")
	config.Timeout = cmp.Or(config.Timeout, 10*time.Second)
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	// Its log tells in no format of ours what its errors tell too: a flood of
	// lines on standard error while the database is away.
	config.Logger = &mysql.NopLogger{}
	// Without it, a value that is too long is cut without an error.
	config.Params["sql_mode"] = "'STRICT_ALL_TABLES'"
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, usageError{errParameters}
	}
	return sql.OpenDB(connector), mysqldialect.New(), nil
}

// displayed is an address without user, password and parameters.
func displayed(db string) string {
	if engine, err := engineOf(db); err == nil && engine == "sqlite" {
		return db
	}
	u, err := url.Parse(db)
	if err != nil {
		return "of -db"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// hasPassword reports whether an address holds a secret, in one way or another.
func hasPassword(db string) bool {
	u, err := url.Parse(db)
	if err != nil {
		return strings.Contains(db, "://")
	}
	if _, ok := u.User.Password(); ok {
		return true
	}
	for name := range u.Query() {
		if strings.Contains(strings.ToLower(name), "password") {
			return true
		}
	}
	return false
}
