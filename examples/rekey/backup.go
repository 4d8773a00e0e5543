package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// backupCommand copies an SQLite database while others work on it.
func backupCommand(f *flags) action {
	var d database
	d.addressFlag(f)
	to := f.String("to", "", "`FILE` that is made, with mode 0600; it must not exist; required")
	return func(ctx context.Context, std streams) (err error) {
		if *to == "" {
			return usagef("-to is missing")
		}
		if err := d.check(); err != nil {
			return err
		}
		if engine, _ := engineOf(d.address); engine != "sqlite" {
			tool := map[string]string{"postgres": "pg_dump", "mysql": "mariadb-dump --single-transaction"}[engine]
			return usagef("backup is for SQLite: of this database, %s makes a consistent copy while it is in use", tool)
		}
		if _, err := os.Lstat(*to); err == nil {
			return fmt.Errorf("%s exists, and is left as it is", *to)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := d.mustExist(); err != nil {
			return err
		}
		s, err := open(ctx, d.address, d.connections) // of any schema: a backup comes before a migration
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.DB().Close()) }()
		if err := backup(ctx, s, *to); err != nil {
			return err
		}
		return say(std, "%s made. Keep the secret too, in another place: without it, codes and messages under way are lost", *to)
	}
}

// backup has SQLite write one snapshot into a new file, which gets its name
// when it is complete and on disk.
func backup(ctx context.Context, s store, to string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	// In a folder of our own, since SQLite makes files that others may read.
	folder, err := os.MkdirTemp(filepath.Dir(to), ".rekey-backup-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	snapshot := filepath.Join(folder, "snapshot")
	if _, err := s.DB().DB.ExecContext(ctx, "VACUUM INTO ?", snapshot); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := os.Chmod(snapshot, 0o600); err != nil {
		return err
	}
	if err := syncFile(snapshot); err != nil {
		return err
	}
	// A link, unlike a renaming, replaces nothing that came meanwhile.
	if err := os.Link(snapshot, to); err != nil {
		return err
	}
	_ = syncFile(filepath.Dir(to)) // not every file system can
	return nil
}

func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
