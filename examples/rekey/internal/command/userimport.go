package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/userfile"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/userimport"
	"github.com/seed-16109ab2/rekey/identity"
)

// importFlags holds the flags of user import.
type importFlags struct {
	*userFlags
	path                 string
	verified, unverified bool
	update, dryRun       bool
}

func userImport(f *settings.Set) action {
	i := &importFlags{userFlags: newUserFlags(f, (*operator).changeFlags)}
	f.Argument(&i.path, "FILE", "CSV with the names of the columns on its first line, or JSON lines with the same names; \"-\" is standard input. "+
		"The columns, in any order, are "+userfile.Explanation)
	f.Bool(&i.verified, "verified", "the users have proved to hold their numbers, unless the column verified says otherwise. "+
		"If the file has no such column, either -verified or -unverified is required")
	f.Bool(&i.unverified, "unverified", "the users have not proved to hold their numbers, so they cannot reset passwords, unless the column verified says otherwise")
	f.Bool(&i.update, "update", "change stored users who differ from their line, instead of reporting them; a password is changed only if password_changed_at says that the line's password is newer")
	f.Bool(&i.dryRun, "dry-run", "check the lines against the database, and store nothing; a number that is in the file twice is found only if the lines are near each other")
	f.History(&i.config)
	return i.run
}

func (i *importFlags) run(ctx context.Context, std Streams) (err error) {
	if i.verified && i.unverified {
		return settings.Usagef("-verified and -unverified exclude each other")
	}
	in, size, err := i.open(std)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	p := newProgress(std.Err, size)
	file, err := userfile.NewReader(io.TeeReader(in, p), time.Now())
	if err != nil {
		return fmt.Errorf("%s: %w", i.path, err)
	}
	if !i.verified && !i.unverified && !file.Says("verified") {
		return settings.Usagef("%s has no column verified: say with -verified or -unverified whether the users have proved to hold their numbers", i.path)
	}
	do := func(o *database.Open) error { return i.importInto(ctx, std, o, file, p) }
	if i.dryRun {
		return i.asItIs(ctx, do)
	}
	return i.withOpen(ctx, std, do)
}

// open opens the file. The size is -1 if it is unknown.
func (i *importFlags) open(std Streams) (in *os.File, size int64, err error) {
	in = std.In
	if i.path == "-" {
		i.path = "standard input"
	} else if in, err = os.Open(i.path); err != nil {
		return nil, 0, err
	}
	info, err := in.Stat()
	switch {
	case err != nil:
		return nil, 0, errors.Join(err, in.Close())
	case info.IsDir():
		return nil, 0, errors.Join(fmt.Errorf("%s is a folder", i.path), in.Close())
	case !info.Mode().IsRegular():
		return in, -1, nil
	}
	return in, info.Size(), nil
}

// asItIs runs do on a service of an existing database, and changes nothing. What is
// stored about users does not depend on the secret, so any secret will do.
func (i *importFlags) asItIs(ctx context.Context, do func(*database.Open) error) error {
	c := i.config
	if err := settings.Check(c); err != nil {
		return err
	}
	return onStore(ctx, &i.db, func(store database.Store) error {
		c.Store, c.SMS, c.Secret = store, noSender{}, identity.NewSecret(rand.Text()+rand.Text())
		service, err := identity.New(c)
		if err != nil {
			return err
		}
		return do(&database.Open{Service: service, Store: store})
	})
}

// importInto imports the file and prints the results of its lines.
func (i *importFlags) importInto(ctx context.Context, std Streams, o *database.Open, file *userfile.Reader, p *progress) error {
	fits, err := i.db.Fits()
	if err != nil {
		return err
	}
	one := userimport.Import{
		Service: o.Service, Store: o.Store, Tenant: i.tenant, Update: i.update, KeepHistory: i.config.Password.History, DryRun: i.dryRun,
		Fits: fits,
		Explain: func(err error, mobile string) error {
			if fault, ok := errors.AsType[*identity.FieldError](err); ok { // the fault is that of a column, not of a flag
				return errors.New(strings.ToLower(fault.Field) + " " + fault.Problem)
			}
			return errors.New(settings.Sentence(settings.Mobile(err, mobile, i.config)))
		},
		Report:    func(line int, text string) { p.line("line %d: %s", line, text) },
		Committed: func(c userimport.Counts) { p.show(c.All()) },
	}
	if i.verified || i.unverified {
		one.Verified = &i.verified
	}
	counts, err := one.Run(ctx, file)
	p.end()
	would := ""
	if i.dryRun {
		would = " (nothing was stored, -dry-run)"
	}
	said := say(std, "%d added, %d already there, %d updated, %d differ, %d refused%s", counts.Added, counts.Stored, counts.Updated, counts.Differ, counts.Refused, would)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted; to continue, run it again: users that are already stored are skipped")
	case err != nil:
		return fmt.Errorf("%w; to continue, run it again: users that are already stored are skipped", err)
	case counts.Refused > 0:
		return fmt.Errorf("%d of %d lines were refused", counts.Refused, counts.All())
	}
	return said
}
