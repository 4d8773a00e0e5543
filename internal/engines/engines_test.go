package engines_test

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/pgxpipeline"
	"github.com/seed-16109ab2/rekey/storage/storagetest"
)

// engine is a real server to test on.
type engine struct {
	name, variable, example string
	// fresh makes a new database or schema, and returns how to reach it.
	fresh func(t testing.TB, dsn string) *bun.DB
}

var engines = []engine{
	{"postgres", "REKEY_TEST_POSTGRES", "postgres://user:password@127.0.0.1:5432/database", freshPostgres},
	{"mysql", "REKEY_TEST_MYSQL", "user:password@tcp(127.0.0.1:3306)/database", freshMySQL},
	pipelinedPostgres,
}

var pipelinedPostgres = engine{"postgres with a pipeline", "REKEY_TEST_POSTGRES", "postgres://user:password@127.0.0.1:5432/database", freshPipelined}

// pipelines holds the pipeline of the stores on a database, by the *bun.DB, for those that
// have one.
var pipelines sync.Map

func freshPipelined(t testing.TB, dsn string) *bun.DB {
	db := freshPostgres(t, dsn)
	setPipeline(t, db, pgxpipeline.Pipeline{})
	return db
}

func setPipeline(t testing.TB, db *bun.DB, p bunstore.Pipeline) {
	pipelines.Store(db, p)
	t.Cleanup(func() { pipelines.Delete(db) })
}

// onEachEngine runs a test on the servers that the environment names.
func onEachEngine(t *testing.T, test func(t *testing.T, fresh func(testing.TB) *bun.DB)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { e.run(t, test) })
	}
}

func (e engine) run(t *testing.T, test func(t *testing.T, fresh func(testing.TB) *bun.DB)) {
	t.Parallel()
	dsn := os.Getenv(e.variable)
	if dsn == "" {
		t.Skipf("to run it, set %s to a server that may create databases, such as %s", e.variable, e.example)
	}
	test(t, func(t testing.TB) *bun.DB { return e.fresh(t, dsn) })
}

func name() string { return "rekey_" + strings.ReplaceAll(uuid.NewString(), "-", "") }

func open(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// A new schema costs less time than a new database.
func freshPostgres(t testing.TB, dsn string) *bun.DB {
	schema := name()
	admin := open(t, "pgx", dsn)
	run(t, admin, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { run(t, admin, "DROP SCHEMA "+schema+" CASCADE") })
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return bun.NewDB(open(t, "pgx", u.String()), pgdialect.New())
}

func freshMySQL(t testing.TB, dsn string) *bun.DB {
	database := name()
	admin := open(t, "mysql", dsn)
	run(t, admin, "CREATE DATABASE "+database)
	t.Cleanup(func() { run(t, admin, "DROP DATABASE "+database) })
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DBName = database
	return bun.NewDB(open(t, "mysql", cfg.FormatDSN()), mysqldialect.New())
}

func migrated(t testing.TB, db *bun.DB, options ...bunstore.Option) *bunstore.Store {
	t.Helper()
	if p, ok := pipelines.Load(db); ok {
		options = append(options, bunstore.WithPipeline(p.(bunstore.Pipeline)))
	}
	s, err := bunstore.New(db, options...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	onEachEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		storagetest.Run(t, func(t *testing.T) identity.Storage { return migrated(t, fresh(t)) })
	})
}
