package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// migrateCommand shows the migrations, and applies those that are missing.
func migrateCommand(f *flags) action {
	var d database
	d.addressFlag(f)
	show := f.Bool("show", false, "only show which migrations are applied and which are pending")
	statements := f.Bool("sql", false, "only print the SQL of the pending ones, to be run by other means")
	return func(ctx context.Context, std streams) (err error) {
		if *show && *statements {
			return usagef("-show and -sql exclude each other")
		}
		if err := d.check(); err != nil {
			return err
		}
		if *show || *statements {
			if err := d.mustExist(); err != nil {
				return err
			}
		}
		s, err := open(ctx, d.address, d.connections)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.DB().Close()) }()
		pending, err := s.Pending(ctx)
		if err != nil {
			return err
		}
		switch {
		case *statements:
			return printSQL(std.out, s, pending)
		case *show:
			return printStates(std.out, pending, "pending")
		}
		if err := s.Migrate(ctx); err != nil {
			return err
		}
		return printStates(std.out, pending, "applied now")
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

func printSQL(w io.Writer, s store, pending []string) error {
	ids := pending
	if len(pending) == len(bunstore.Migrations()) {
		ids = nil // with the table of records
	} else if len(pending) == 0 {
		return nil
	}
	_, err := io.WriteString(w, strings.Join(s.SQL(ids...), ";\n")+";\n")
	return err
}
