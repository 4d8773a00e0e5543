package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
)

// backupCommand copies an SQLite database while other processes use it.
func backupCommand(f *settings.Set) action {
	var d database.Database
	d.AddressFlag(f)
	var to string
	f.Text(&to, "to", "`FILE` that is made, with mode 0600; it must not exist; required")
	return func(ctx context.Context, std Streams) (err error) {
		if to == "" {
			return settings.Usagef("-to is missing")
		}
		if err := d.Check(); err != nil {
			return err
		}
		if tool := d.Tool(); tool != "" {
			return settings.Usagef("backup is for SQLite: of this database, %s makes a consistent copy while it is in use", tool)
		}
		if _, err := os.Lstat(to); err == nil {
			return fmt.Errorf("%s exists, and is left as it is", to)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := d.MustExist(); err != nil {
			return err
		}
		s, err := d.Connect(ctx) // of any schema: a backup comes before a migration
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.DB().Close()) }()
		if err := backup(ctx, s, to); err != nil {
			return err
		}
		return say(std, "%s made. Keep the secret too, in another place: without it, codes and messages under way are lost", to)
	}
}

// backup has SQLite write one snapshot into a new file. The file gets its name when it
// is complete and on disk.
func backup(ctx context.Context, s database.Store, to string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	// The copy is made in a private folder, because SQLite creates files that other users
	// may read.
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
	// Unlike a renaming, a link never replaces a file that was made meanwhile.
	if err := os.Link(snapshot, to); err != nil {
		return err
	}
	_ = syncFile(filepath.Dir(to)) // not every file system supports links
	return nil
}

func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
