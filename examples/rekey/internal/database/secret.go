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
)

// SecretVariable is the environment variable that may hold the secret itself.
const SecretVariable = "REKEY_SECRET"

// secrets says where the secret comes from.
type secrets struct {
	file string
	old  []string
	// renew allows a new secret for a database that already has users.
	renew bool
}

func (s *secrets) flags(f *settings.Set) {
	f.Text(&s.file, "secret-file", "`FILE` of the secret; it is made with a random secret if it is missing and the database is a new file; default: the path of the database, after symbolic links, and \".secret\"; "+
		"the secret itself may be in the environment instead, in "+SecretVariable)
	settings.List(f, &s.old, "old-secret-file", settings.ParseWord, "`FILES` of earlier secrets, comma-separated: codes and messages that were made with them stay valid")
	f.Bool(&s.renew, "new-secret", "make a new secret if there is none, although the database has users: their queued messages and codes are lost")
}

// found holds the secrets that exist.
type found struct {
	secret identity.Secret
	old    []identity.Secret
	// missing is the file to make if the secret does not exist.
	missing string
	// place says where the secret is, for the log.
	place string
}

// find looks for the secrets.
//
// Only for an SQLite file may the secret be a file beside the database that is made when
// it is missing: several machines on one database would each make another secret.
func (d *Database) find() (r found, err error) {
	for _, path := range d.secrets.old {
		text, err := d.source.ReadSecret(path)
		if err != nil {
			return r, fmt.Errorf("old secret: %w", err)
		}
		r.old = append(r.old, identity.NewSecret(text))
	}
	if text, _ := d.source.Lookup(SecretVariable); text != "" {
		if d.secrets.file != "" {
			return r, settings.Usagef("both %s and -secret-file are set, give one of them", SecretVariable)
		}
		r.secret, r.place = identity.NewSecret(text), "environment "+SecretVariable
		return r, long(text, SecretVariable)
	}
	if !d.onFile() && d.secrets.file == "" {
		return r, settings.Usagef("give the secret that all servers on this database share, in %s or -secret-file", SecretVariable)
	}
	if r.place, err = d.secretPath(); err != nil {
		return r, err
	}
	text, err := d.source.ReadSecret(r.place)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.onFile():
		r.missing = r.place
		return r, nil
	case errors.Is(err, fs.ErrNotExist):
		return r, fmt.Errorf("secret file %s does not exist: make one, the same for all servers on this database", r.place)
	case err != nil:
		return r, fmt.Errorf("secret file %w", err)
	}
	r.secret = identity.NewSecret(text)
	return r, long(text, "secret file "+r.place)
}

// long refuses a short secret, as the library does, but says where it is.
func long(text, place string) error {
	c := identity.Config{Secret: identity.NewSecret(text)}
	if err := settings.Field(c, "Secret"); err != nil {
		return fmt.Errorf("the secret in %s %s", place, err.Problem)
	}
	return nil
}

// secretPath is the path where the secret is looked for: beside the database, or beside
// a symbolic link to it, where earlier versions kept the secret.
func (d *Database) secretPath() (string, error) {
	if d.secrets.file != "" {
		return d.secrets.file, nil
	}
	beside, link := target(d.Address)+".secret", d.Address+".secret"
	atLink, err := os.Stat(link)
	if err != nil || beside == link {
		return beside, nil
	}
	atTarget, err := os.Stat(beside)
	if err != nil {
		return link, nil
	}
	if !os.SameFile(atLink, atTarget) {
		return "", fmt.Errorf("there are two secrets, %s and %s: name the right one with -secret-file", link, beside)
	}
	return beside, nil
}

// complete makes the missing secret. If the database has users, their secret must be
// elsewhere, so a new secret is made only if -new-secret asks for it or, in a rotation,
// -old-secret-file.
func (d *Database) complete(ctx context.Context, s Store, r *found) error {
	if r.missing == "" {
		return nil
	}
	people, err := d.inUse(ctx, s)
	if err != nil {
		return err
	}
	// Another process may have made the secret and then stored the first user.
	if _, err := os.Stat(r.missing); errors.Is(err, fs.ErrNotExist) && people && !d.secrets.renew && len(r.old) == 0 {
		return fmt.Errorf("the database has %s, but its secret %s is missing: restore it or name it with -secret-file; with -new-secret, a new one is made and queued messages and codes are lost",
			map[bool]string{true: "an audit trail", false: "users"}[d.users != ""], r.missing)
	}
	if err := secretfile.Make(r.missing); err != nil {
		return err
	}
	text, err := d.source.ReadSecret(r.missing)
	if err != nil {
		return fmt.Errorf("secret file %w", err)
	}
	r.secret = identity.NewSecret(text)
	return long(text, "secret file "+r.missing)
}

// inUse reports whether the database contains anything that was made with a secret. The
// rows of your own users table were not; then the audit trail tells.
func (d *Database) inUse(ctx context.Context, s Store) (bool, error) {
	table := "rekey_users"
	if d.users != "" {
		table = "rekey_events"
	}
	var n int
	err := s.DB().DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM "+table+" LIMIT 1) AS one").Scan(&n)
	return n > 0, err
}
