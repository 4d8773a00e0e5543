package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// migrateCommand shows the migrations, and applies those that are missing.
func migrateCommand(f *settings.Set) action {
	var d database.Database
	d.AddressFlag(f)
	var show, statements bool
	f.Bool(&show, "show", "only show which migrations are applied and which are pending")
	f.Bool(&statements, "sql", "only print the SQL of the pending ones, to be run by other means")
	return func(ctx context.Context, std Streams) (err error) {
		if show && statements {
			return settings.Usagef("-show and -sql exclude each other")
		}
		if err := d.Check(); err != nil {
			return err
		}
		if show || statements {
			if err := d.MustExist(); err != nil {
				return err
			}
		}
		s, err := d.Connect(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.DB().Close()) }()
		pending, err := s.Pending(ctx)
		if err != nil {
			return err
		}
		switch {
		case statements:
			return printSQL(std.Out, s, pending)
		case show:
			return printStates(std.Out, pending, "pending")
		}
		if err := d.Migrate(ctx, s); err != nil {
			return err
		}
		return printStates(std.Out, pending, "applied now")
	}
}

func printStates(w io.Writer, pending []string, state string) error {
	for _, id := range bunstore.Migrations() {
		stands := "applied"
		if slices.Contains(pending, id) {
			stands = state
		}
		if _, err := fmt.Fprintf(w, "%s  %s\n", id, stands); err != nil {
			return err
		}
	}
	return nil
}

func printSQL(w io.Writer, s database.Store, pending []string) error {
	ids := pending
	if len(pending) == len(bunstore.Migrations()) {
		ids = nil // with the table of records
	} else if len(pending) == 0 {
		return nil
	}
	statements, err := s.SQL(ids...)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, strings.Join(statements, ";\n")+";\n")
	return err
}
