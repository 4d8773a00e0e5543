package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// database says which database a command works on.
type database struct {
	address     string
	asArgument  bool // the address, not its variable
	connections int
	migrate     bool
	secrets     secrets
}

// addressFlag is all that a command needs which only reads.
func (d *database) addressFlag(f *flags) {
	d.address = "rekey.db"
	d.connections = 1
	f.Var(value{
		set: func(s string) error {
			if s == "" {
				return errors.New("must not be empty")
			}
			d.address, d.asArgument = s, !f.inEnvironment
			return nil
		},
		string: func() string { return "rekey.db" },
	}, "db", "`DATABASE`: the path of an SQLite file, postgres://user@host:5432/database, or mysql://user@host:3306/database for MySQL and MariaDB. "+
		"An address with a password belongs into the environment: other processes can read arguments")
}

func (d *database) flags(f *flags) {
	d.addressFlag(f)
	f.BoolVar(&d.migrate, "migrate", true, "apply missing migrations at the start; with -migrate=false a schema that is behind is an error. See the command migrate")
	d.secrets.flags(f)
}

func (d *database) connectionsFlag(f *flags) {
	f.integer(&d.connections, "db-conns", 16, "most `CONNECTIONS` to PostgreSQL or MySQL at once")
}

// check reports the faults of the address before anything is opened.
func (d *database) check() error {
	_, err := engineOf(d.address)
	if err == nil && d.asArgument && hasPassword(d.address) {
		err = usagef("-db holds a password, which every process of this machine can read: give the address in %s", variable("db"))
	}
	if err == nil && d.connections < 1 {
		err = usagef("-db-conns is %d, must be at least 1", d.connections)
	}
	return err
}

func (d *database) onFile() bool {
	engine, err := engineOf(d.address)
	return err == nil && engine == "sqlite"
}

// mustExist keeps a typing error in -db from making an empty database that
// answers every question with "none".
func (d *database) mustExist() error {
	if err := d.check(); err != nil || !d.onFile() {
		return err
	}
	info, err := os.Stat(d.address)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database %s: serve, client add and user add make one", d.address)
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("database %s is not a file", d.address)
	}
	return nil
}

// openExisting opens a database as it is, for a command that only reads.
func (d *database) openExisting(ctx context.Context) (store, error) {
	if err := d.mustExist(); err != nil {
		return nil, err
	}
	s, err := open(ctx, d.address, d.connections)
	if err != nil {
		return nil, err
	}
	if err := d.current(ctx, s); err != nil {
		return nil, errors.Join(err, s.DB().Close())
	}
	return s, nil
}

// current says what to do when the schema is behind.
func (d *database) current(ctx context.Context, s store) error {
	err := s.Check(ctx)
	if errors.Is(err, bunstore.ErrSchemaBehind) {
		return fmt.Errorf("%w in database %s; %q applies what is missing", err, displayed(d.address), program+" migrate")
	}
	return err
}

// openMigrated opens a database, makes it if it is a file, and brings its
// schema up to date.
func (d *database) openMigrated(ctx context.Context) (store, error) {
	s, err := open(ctx, d.address, d.connections)
	if err != nil {
		return nil, err
	}
	if d.migrate {
		err = s.Migrate(ctx)
	} else {
		err = d.current(ctx, s)
	}
	if err != nil {
		return nil, errors.Join(err, s.DB().Close())
	}
	return s, nil
}

// openService opens the database, or makes it, and returns the service on it.
// Call checkSettings before; the secrets are checked here before anything is made.
func (d *database) openService(ctx context.Context, c identity.Config) (_ *identity.Service, closeDB func() error, err error) {
	if err := d.check(); err != nil {
		return nil, nil, err
	}
	var missing string
	if c.Secret, c.OldSecrets, missing, err = d.secrets.check(d.address, d.onFile()); err != nil {
		return nil, nil, err
	}
	s, err := d.openMigrated(ctx)
	if err != nil {
		return nil, nil, err
	}
	if missing != "" {
		c.Secret, err = makeSecret(missing)
	}
	var service *identity.Service
	if err == nil {
		c.Store = s
		service, err = identity.New(c)
	}
	if err != nil {
		return nil, nil, errors.Join(err, s.DB().Close())
	}
	return service, s.DB().Close, nil
}

// withService runs an action of an operator, which sends nothing.
func (d *database) withService(ctx context.Context, c identity.Config, do func(*identity.Service) error) error {
	c.SMS = noSender{}
	if err := checkSettings(c); err != nil {
		return err
	}
	service, closeDB, err := d.openService(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(do(service), closeDB())
}

// noSender stands where only Run would send.
type noSender struct{}

func (noSender) Send(context.Context, sms.Message) (sms.Accepted, error) {
	return sms.Accepted{}, &sms.Error{Err: errors.New("no messages are sent by this command")}
}
