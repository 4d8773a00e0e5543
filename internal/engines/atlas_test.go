package engines_test

import (
	"context"
	"testing"

	"ariga.io/atlas/sql/migrate"
	atlasmysql "ariga.io/atlas/sql/mysql"
	atlaspostgres "ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/schema"
	atlassqlite "ariga.io/atlas/sql/sqlite"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// Atlas accepts the checksum file of our migrations, and migrates up with them on every
// engine. It also detects a file that was changed after the checksum was made.
func TestMigrationsByAtlas(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		name := db.Dialect().Name()
		folder := t.TempDir()
		files, err := bunstore.MigrationFiles{Dialect: name, Format: bunstore.Atlas}.Write(folder)
		if err != nil {
			t.Fatal(err)
		}
		dir, err := migrate.NewLocalDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		// This is what "atlas migrate hash" does.
		sum, err := dir.Checksum()
		if err != nil {
			t.Fatal(err)
		}
		if err := migrate.WriteSumFile(dir, sum); err != nil {
			t.Fatal(err)
		}
		if err := migrate.Validate(dir); err != nil {
			t.Errorf("atlas migrate validate: %v", err)
		}
		found, err := dir.Files()
		if err != nil || len(found) != len(files) {
			t.Fatalf("atlas reads %d of %d files, %v", len(found), len(files), err)
		}
		open := map[dialect.Name]func(schema.ExecQuerier) (migrate.Driver, error){
			dialect.SQLite: atlassqlite.Open, dialect.PG: atlaspostgres.Open, dialect.MySQL: atlasmysql.Open,
		}[name]
		driver, err := open(db.DB)
		if err != nil {
			t.Fatal(err)
		}
		done := revisions{}
		executor, err := migrate.NewExecutor(driver, dir, done, migrate.WithAllowDirty(true)) // allows the schemas of other tests in the database
		if err != nil {
			t.Fatal(err)
		}
		if err := executor.ExecuteN(t.Context(), 0); err != nil {
			t.Fatalf("atlas migrate apply: %v", err)
		}
		if len(done) != len(files) {
			t.Errorf("%d revisions, want %d", len(done), len(files))
		}
		if err := store(t, db).Check(t.Context()); err != nil {
			t.Errorf("after atlas migrate apply: %v", err)
		}
		if err := dir.WriteFile(found[0].Name(), append(found[0].Bytes(), "\n-- changed\n"...)); err != nil {
			t.Fatal(err)
		}
		if err := migrate.Validate(dir); err == nil {
			t.Error("atlas does not see that a file was changed")
		}
	})
}

// revisions records what Atlas has applied. Its command keeps the records in a table.
type revisions map[string]*migrate.Revision

func (revisions) Ident() *migrate.TableIdent { return nil }

func (r revisions) ReadRevisions(context.Context) (all []*migrate.Revision, err error) {
	for _, one := range r {
		all = append(all, one)
	}
	return all, nil
}

func (r revisions) ReadRevision(_ context.Context, version string) (*migrate.Revision, error) {
	if one, ok := r[version]; ok {
		return one, nil
	}
	return nil, migrate.ErrRevisionNotExist
}

func (r revisions) WriteRevision(_ context.Context, one *migrate.Revision) error {
	r[one.Version] = one
	return nil
}

func (r revisions) DeleteRevision(_ context.Context, version string) error {
	delete(r, version)
	return nil
}
