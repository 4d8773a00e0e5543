package bunstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uptrace/bun/dialect"
)

// MigrationFormat is the form of migration files.
type MigrationFormat string

// The forms.
const (
	Goose         MigrationFormat = "goose"          // github.com/pressly/goose: one file with "-- +goose Up" and "-- +goose Down"
	GolangMigrate MigrationFormat = "golang-migrate" // github.com/golang-migrate/migrate: ….up.sql and ….down.sql
	Atlas         MigrationFormat = "atlas"          // ariga.io/atlas: one file that goes up; run "atlas migrate hash" afterwards
)

// MigrationFiles writes Rekey's migrations as files for the application's migration
// tool. Each file records its migration, so that [Store.Check] knows of it and
// [Store.Migrate] is not needed.
//
// With golang-migrate on MySQL and MariaDB, connect with multiStatements=true.
type MigrationFiles struct {
	Dialect dialect.Name    // required: dialect.SQLite, dialect.PG or dialect.MySQL
	Format  MigrationFormat // required
	// OwnUsers leaves the table rekey_users out, for [WithUsers].
	OwnUsers bool
	// First is the version of the first file; the others follow. Choose it above the
	// application's versions. Default 1, for a separate folder and table of versions.
	First int64
	// After is the id of the last migration that earlier files hold, see [Migrations].
	// Only later migrations are written. Default: all.
	After string
}

// MigrationFile is one file.
type MigrationFile struct {
	Name    string
	Content string
}

// Files returns the files in order. Errors: an unknown dialect, format or id.
func (m MigrationFiles) Files() ([]MigrationFile, error) {
	e, err := engineOf(m.Dialect)
	if err != nil {
		return nil, err
	}
	s := &Store{engine: e, users: rekeyUsers, ownUsers: m.OwnUsers}
	ids := Migrations()
	if m.After != "" {
		i := slices.Index(ids, m.After)
		if i < 0 {
			return nil, unknownMigration(m.After)
		}
		ids = ids[i+1:]
	}
	version := m.First
	if version == 0 {
		version = 1
	}
	var files []MigrationFile
	for _, id := range ids {
		up, err := s.SQL(id)
		if err != nil {
			return nil, err
		}
		if id == migrations[0].id {
			up = append([]string{s.recordTable()}, up...)
		}
		down, err := s.DownSQL(id)
		if err != nil {
			return nil, err
		}
		_, title, _ := strings.Cut(id, "_")
		title = "rekey_" + title
		switch m.Format {
		case Goose:
			files = append(files, MigrationFile{fmt.Sprintf("%05d_%s.sql", version, title), "-- +goose Up\n" + script(up) + "\n-- +goose Down\n" + script(down)})
		case GolangMigrate:
			name := fmt.Sprintf("%06d_%s", version, title)
			files = append(files, MigrationFile{name + ".up.sql", script(up)}, MigrationFile{name + ".down.sql", script(down)})
		case Atlas:
			files = append(files, MigrationFile{fmt.Sprintf("%014d_%s.sql", version, title), script(up)})
		default:
			return nil, fmt.Errorf("bunstore: the format of migration files is %q, must be %q, %q or %q", m.Format, Goose, GolangMigrate, Atlas)
		}
		version++
	}
	return files, nil
}

func script(statements []string) string { return strings.Join(statements, ";\n") + ";\n" }

// Write writes the files to a folder, which it makes if necessary, and returns their
// paths. An existing file with the same content is left alone. An existing file with
// other content is an error, and no file is overwritten.
func (m MigrationFiles) Write(dir string) ([]string, error) {
	files, err := m.Files()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // source code
		return nil, fmt.Errorf("bunstore: write migrations: %w", err)
	}
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = filepath.Join(dir, f.Name)
		there, err := os.ReadFile(paths[i])
		if err == nil && string(there) != f.Content {
			return nil, fmt.Errorf("bunstore: write migrations: %s exists with other content; remove it, or write to another folder", paths[i])
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("bunstore: write migrations: %w", err)
		}
	}
	for i, f := range files {
		if err := os.WriteFile(paths[i], []byte(f.Content), 0o644); err != nil { //nolint:gosec // source code
			return nil, fmt.Errorf("bunstore: write migrations: %w", err)
		}
	}
	return paths, nil
}
