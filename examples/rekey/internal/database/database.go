// Package database opens what -db names: an SQLite file, PostgreSQL, MySQL or
// MariaDB, with its schema and its secret.
package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/secretfile"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// Database names the database that a command works on.
type Database struct {
	Address     string
	users       string           // the file that describes your own table of users
	observer    observe.Observer // nil for none
	connections int
	migrate     bool
	secrets     secrets
	source      *settings.Set
}

// AddressFlag defines the flags of a command that only reads.
func (d *Database) AddressFlag(f *settings.Set) {
	d.source, d.Address, d.connections = f, "rekey.db", 1
	f.Word(&d.Address, "db", "`DATABASE`: the path of an SQLite file, postgres://user@host:5432/database, or mysql://user@host:3306/database for MySQL and MariaDB. "+
		"An address with a password belongs in the environment: other processes can read arguments")
	f.Show("db", func() string { return Displayed(d.Address) })
	d.usersTableFlag(f)
}

// Flags defines -db and the flags that say where the secret is.
func (d *Database) Flags(f *settings.Set) {
	d.AddressFlag(f)
	d.migrate = true
	f.Bool(&d.migrate, "migrate", "apply missing migrations at the start; with -migrate=false a schema that is behind is an error. See the command migrate")
	d.secrets.flags(f)
}

// ConnectionsFlag defines the flag for the number of a server's connections.
func (d *Database) ConnectionsFlag(f *settings.Set) {
	d.connections = 16
	f.Int(&d.connections, "db-conns", "most `CONNECTIONS` to PostgreSQL or MySQL at the same time")
}

// Check reports faults of the address before anything is opened.
func (d *Database) Check() error {
	if _, err := engineOf(d.Address); err != nil {
		return err
	}
	if hasPassword(d.Address) {
		switch d.source.From("db") {
		case settings.Argument:
			return settings.Usagef("-db contains a password, which every process of this machine can read: give the address in %s", settings.Variable("db"))
		case settings.File:
			warning, err := secretfile.Check(d.source.ConfigPath())
			if err != nil {
				return fmt.Errorf("the settings file holds a password: %w", err)
			}
			d.source.Warn(warning)
		}
	}
	if _, err := d.options(); err != nil {
		return err
	}
	if d.connections < 1 {
		return settings.Usagef("-db-conns is %d, must be at least 1", d.connections)
	}
	return d.checkFile()
}

// checkFile applies the rule of package secretfile to the file of an existing database.
func (d *Database) checkFile() error {
	if !d.onFile() {
		return nil
	}
	info, err := os.Stat(d.Address)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("database %s is not a file", d.Address)
	}
	warning, err := secretfile.Check(d.Address)
	if err != nil {
		return fmt.Errorf("database %w", err)
	}
	if warning != "" {
		d.source.Warn("database " + warning)
	}
	return nil
}

func (d *Database) onFile() bool {
	e, err := engineOf(d.Address)
	return err == nil && e == engineSQLite
}

// Tool returns the program that copies a database of this engine while it is in
// use, or "" for SQLite.
func (d *Database) Tool() string {
	e, _ := engineOf(d.Address)
	return map[engine]string{enginePostgres: "pg_dump", engineMySQL: "mariadb-dump --single-transaction"}[e]
}

// MustExist returns an error if the database's file does not exist, so that a typing
// error in -db does not make an empty database.
func (d *Database) MustExist() error {
	if err := d.Check(); err != nil || !d.onFile() {
		return err
	}
	_, err := os.Stat(d.Address)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database %s: serve, client add and user add make one", d.Address)
	}
	return err
}

// Connect opens the database as it is, with any schema.
func (d *Database) Connect(ctx context.Context) (Store, error) {
	options, err := d.options()
	if err != nil {
		return nil, err
	}
	return open(ctx, d.Address, d.connections, options)
}

// OpenExisting opens a database as it is, for a command that only reads.
func (d *Database) OpenExisting(ctx context.Context) (Store, error) {
	if err := d.MustExist(); err != nil {
		return nil, err
	}
	s, err := d.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.explain(s.Check(ctx)); err != nil {
		return nil, errors.Join(err, s.DB().Close())
	}
	return s, nil
}

// explain says what to do about a schema of another version.
func (d *Database) explain(err error) error {
	switch {
	case errors.Is(err, bunstore.ErrSchemaBehind):
		return fmt.Errorf("%w in database %s; \"rekey migrate\" applies what is missing", err, Displayed(d.Address))
	case errors.Is(err, bunstore.ErrSchemaAhead):
		return fmt.Errorf("%w in database %s: a newer version of rekey has used it, so use that version", err, Displayed(d.Address))
	}
	return err
}

// Migrate applies the missing migrations.
func (d *Database) Migrate(ctx context.Context, s Store) error { return d.explain(s.Migrate(ctx)) }

// openMigrated opens a database, makes it if it is a file, and brings its
// schema up to date.
func (d *Database) openMigrated(ctx context.Context) (Store, error) {
	s, err := d.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if d.migrate {
		err = d.Migrate(ctx, s)
	} else {
		err = d.explain(s.Check(ctx))
	}
	if err != nil {
		return nil, errors.Join(err, s.DB().Close())
	}
	return s, nil
}

// Open is an open database and the service on it.
type Open struct {
	*identity.Service
	Store Store
	// Secret says where the secret is, for the log.
	Secret string
}

// Close closes the database.
func (o *Open) Close() error { return o.Store.DB().Close() }

// OpenService opens the database, or makes it, and returns the service on it.
// Call [settings.Check] before; the secrets are checked here before anything is
// made. What needs the store or the secrets is added to the configuration by complete.
func (d *Database) OpenService(ctx context.Context, c identity.Config, complete ...func(*identity.Config) error) (*Open, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	found, err := d.find()
	if err != nil {
		return nil, err
	}
	d.observer = c.Observer
	s, err := d.openMigrated(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.complete(ctx, s, &found); err != nil {
		return nil, errors.Join(err, s.DB().Close())
	}
	c.Store, c.Secret, c.OldSecrets = s, found.secret, found.old
	for _, f := range complete {
		if err := f(&c); err != nil {
			return nil, errors.Join(err, s.DB().Close())
		}
	}
	service, err := identity.New(c)
	if err != nil {
		return nil, errors.Join(err, s.DB().Close())
	}
	return &Open{Service: service, Store: s, Secret: found.place}, nil
}
