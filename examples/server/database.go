package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// database says which database a command works on.
type database struct {
	path    string
	secrets secrets
}

func (d *database) pathFlag(f *flags) {
	f.word(&d.path, "db", "rekey.db", "`FILE` of the SQLite database")
}

func (d *database) flags(f *flags) {
	d.pathFlag(f)
	d.secrets.flags(f)
}

// mustExist keeps a typing error in -db from making an empty database that
// answers every question with "none".
func (d *database) mustExist() error {
	info, err := os.Stat(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database %s: serve, client add and user add make one", d.path)
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("database %s is not a file", d.path)
	}
	return nil
}

// openService opens the database, or makes it, and returns the service on it.
// Call checkSettings before; the secrets are checked here before anything is made.
func (d *database) openService(ctx context.Context, c identity.Config) (_ *identity.Service, closeDB func() error, err error) {
	var missing string
	if c.Secret, c.OldSecrets, missing, err = d.secrets.check(d.path); err != nil {
		return nil, nil, err
	}
	store, err := sqlite.Open(ctx, d.path)
	if err != nil {
		return nil, nil, err
	}
	if missing != "" {
		c.Secret, err = makeSecret(missing)
	}
	var service *identity.Service
	if err == nil {
		c.Store = store
		service, err = identity.New(c)
	}
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return service, store.Close, nil
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

func (noSender) SendSMS(context.Context, identity.SMS) (identity.SMSReceipt, error) {
	return identity.SMSReceipt{}, &identity.SendError{Err: errors.New("no messages are sent by this command")}
}
