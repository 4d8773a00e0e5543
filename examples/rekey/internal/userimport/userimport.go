// Package userimport stores the users of a file, in transactions of many lines each.
// An import that was interrupted may be run again: it skips users that are stored
// already.
package userimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/userfile"
	"github.com/seed-16109ab2/rekey/identity"
)

const (
	// batch is the number of lines in one transaction. It is small enough that other
	// writers of the same SQLite file wait for less than a second.
	batch = 1000
	// batchTimeout ends a transaction if the database does not answer.
	batchTimeout = time.Minute
	// attempts is how often a transaction is tried if the database aborts it, for example
	// because of a deadlock with a server.
	attempts = 3
)

// Import holds the settings of one import.
type Import struct {
	Service *identity.Service
	Store   database.Store
	// Verified is whether a user is stored as verified if the line does not say. If nil,
	// each line must say.
	Verified *bool
	// Tenant is the tenant of lines that name none.
	Tenant string
	// Update changes stored users who differ from their line. Otherwise they are
	// reported.
	Update bool
	// KeepHistory is how many earlier passwords are remembered when Update sets one.
	KeepHistory int
	// DryRun stores nothing.
	DryRun bool
	// Fits says why a user cannot be stored, or returns nil.
	Fits func(identity.User) error
	// Explain says what is wrong with a number that the service refuses.
	Explain func(err error, mobile string) error
	// Report is called, in the order of lines, with the message about a line.
	Report func(line int, text string)
	// Committed is called with the counts after each transaction.
	Committed func(Counts)

	repeats bool // the last line was already stored, so the next one may be too
}

// Counts are the numbers of lines by outcome.
type Counts struct {
	Added, Stored, Updated, Differ, Refused int
}

// All is the number of lines.
func (c Counts) All() int { return c.Added + c.Stored + c.Updated + c.Differ + c.Refused }

// outcome is the result of a line.
type outcome int

const (
	refused outcome = iota
	added
	stored
	updated
	differs
)

// line is a line of the file that is being imported.
type line struct {
	number  int
	says    userfile.User
	user    identity.User // to be stored; zero if the line itself is faulty
	outcome outcome
	text    string // the message to report; empty for none
}

func (l *line) refuse(format string, args ...any) {
	l.outcome, l.text = refused, fmt.Sprintf("refused: "+format, args...)
}

// Run imports all lines. It counts and reports the committed ones. Errors: ctx's error,
// failures of reading the file, and failures of the database. A refused line is not an
// error.
func (i *Import) Run(ctx context.Context, file *userfile.Reader) (counts Counts, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan []line, 1)
	var readErr error
	go func() {
		defer close(batches)
		readErr = i.read(ctx, file, batches)
	}()
	for {
		select {
		case lines, more := <-batches:
			if !more {
				return counts, readErr
			}
			if err := i.store(ctx, lines); err != nil {
				return counts, err
			}
			i.count(&counts, lines)
			i.Committed(counts)
		case <-ctx.Done(): // even while the file has no data
			return counts, ctx.Err()
		}
	}
}

// read reads and checks lines while other lines are being stored.
func (i *Import) read(ctx context.Context, file *userfile.Reader, batches chan<- []line) error {
	for more := true; more; {
		lines := make([]line, 0, batch)
		for more && len(lines) < batch {
			var l line
			var err error
			l.says, err = file.Read()
			l.number = file.Line()
			bad, isBad := errors.AsType[*userfile.LineError](err)
			switch {
			case errors.Is(err, io.EOF):
				more = false
				continue
			case isBad:
				l.refuse("%s", bad.Problem)
			case err != nil:
				return fmt.Errorf("after line %d: %w", l.number, err)
			default:
				if err := i.prepare(ctx, &l); err != nil {
					return err
				}
			}
			lines = append(lines, l)
		}
		if len(lines) > 0 {
			select {
			case batches <- lines:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// prepare checks a line by itself, without the database.
func (i *Import) prepare(ctx context.Context, l *line) error {
	if scheme, verifies := identity.HashScheme(l.says.PasswordHash); !verifies {
		l.refuse("password_hash is of a scheme or form that cannot be verified (%s)", scheme)
		return nil
	}
	verified := l.says.VerifiedAt != nil && !l.says.VerifiedAt.IsZero()
	switch {
	case l.says.VerifiedAt != nil:
	case i.Verified == nil:
		l.refuse("verified is missing; -verified or -unverified sets it for all lines without it")
		return nil
	default:
		verified = *i.Verified
	}
	if l.says.Tenant == "" {
		l.says.Tenant = i.Tenant
	}
	user, err := i.Service.PrepareUser(ctx, identity.NewUser{
		ID: l.says.ID, Tenant: l.says.Tenant, Mobile: l.says.Mobile, PasswordHash: identity.NewSecret(l.says.PasswordHash), Verified: verified,
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		l.refuse("%s", i.Explain(err, l.says.Mobile))
		return nil
	}
	if err := i.Fits(user); err != nil {
		l.refuse("%s", err)
		return nil
	}
	if l.says.VerifiedAt != nil {
		user.VerifiedAt = *l.says.VerifiedAt
	}
	if !l.says.PasswordChangedAt.IsZero() {
		user.PasswordChangedAt = l.says.PasswordChangedAt
	}
	user.Disabled = l.says.Disabled != nil && *l.says.Disabled
	l.user = user
	return nil
}

func (i *Import) count(c *Counts, lines []line) {
	for _, l := range lines {
		*map[outcome]*int{refused: &c.Refused, added: &c.Added, stored: &c.Stored, updated: &c.Updated, differs: &c.Differ}[l.outcome]++
		if l.text != "" {
			i.Report(l.number, l.text)
		}
	}
}

// store stores lines in one transaction. If ctx has ended, it does not begin the
// transaction; a transaction that has begun is finished.
func (i *Import) store(ctx context.Context, lines []line) (err error) {
	for range attempts {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err = i.storeOnce(context.WithoutCancel(ctx), lines); err == nil {
			return nil
		}
	}
	return err
}

func (i *Import) storeOnce(ctx context.Context, lines []line) error {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	tx, err := begin(ctx, i.Store.DB())
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	in := transaction{Import: i, store: i.Store.WithTx(tx)}
	for n := range lines {
		l := &lines[n]
		if l.user.ID == "" {
			continue
		}
		l.text = ""
		if err := in.storeLine(ctx, l); err != nil {
			if !ofRow(err) {
				return fmt.Errorf("line %d: %w", l.number, err)
			}
			l.refuse("%s", err)
		}
		i.repeats = l.outcome != added
	}
	if i.DryRun {
		return nil
	}
	return tx.Commit()
}
